//! Values as JSON texts. `serde_json` writes NaN as `null`; here it is an error, which the app is told of.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use crate::JobError;

/// The JSON text of a value; `what` is named where JSON cannot hold it.
pub fn encode<T: Serialize + ?Sized>(value: &T, what: &str) -> Result<String, JobError> {
    let refuse =
        |fault: &dyn fmt::Display| JobError::internal(format!("{what} cannot be written as JSON: {fault}"));
    let text = serde_json::to_string(value).map_err(|error| refuse(&error))?;
    // A second walk is only for texts in which that may have happened.
    if text.contains("null") {
        value.serialize(Finite).map_err(|fault| refuse(&fault))?;
    }
    Ok(text)
}

/// A serializer that writes nothing, and fails at a number that is not finite.
#[derive(Clone, Copy)]
struct Finite;

#[derive(Debug)]
struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

macro_rules! accepted {
    ($($method:ident($($argument:ty),*);)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<(), Fault> { Ok(()) })*
    };
}

macro_rules! compound {
    ($($method:ident($($argument:ty),*) -> $kind:ident;)*) => {
        $(
            type $kind = Self;
            fn $method(self, $(_: $argument),*) -> Result<Self, Fault> { Ok(self) }
        )*
    };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Fault;

    accepted! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    compound! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    fn serialize_f32(self, value: f32) -> Result<(), Fault> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Fault> {
        if value.is_finite() { Ok(()) } else { Err(Fault(format!("{value}"))) }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }
}

macro_rules! elements {
    ($($kind:ident: $method:ident($($name:ty)?);)*) => {
        $(impl ser::$kind for Finite {
            type Ok = ();
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Fault> {
                value.serialize(*self)
            }

            fn end(self) -> Result<(), Fault> {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}

impl ser::SerializeMap for Finite {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Fault> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(*self)
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Serialize;

    use super::{JobError, encode};

    #[derive(Serialize)]
    struct Reading {
        name: Option<&'static str>,
        value: Option<f64>,
        shape: Shape,
    }

    #[derive(Serialize)]
    enum Shape {
        Line,
        Circle(f64),
        Box { width: f32, height: f32 },
        Pair(f64, f64),
    }

    fn reading(value: f64, shape: Shape) -> Reading {
        Reading { name: None, value: Some(value), shape }
    }

    #[test]
    fn what_is_finite_is_written_also_beside_null() {
        for shape in
            [Shape::Line, Shape::Circle(1.0), Shape::Box { width: 1.0, height: 2.0 }, Shape::Pair(1.0, 2.0)]
        {
            assert!(encode(&reading(1.5, shape), "It").unwrap().starts_with(r#"{"name":null,"value":1.5,"#));
        }
    }

    #[test]
    fn what_is_not_finite_is_an_error_wherever_it_is() {
        let faults = [
            encode(&f64::NAN, "It"),
            encode(&[1.0, f32::INFINITY], "It"),
            encode(&("a", f64::NEG_INFINITY), "It"),
            encode(&HashMap::from([("a", f64::NAN)]), "It"),
            encode(&reading(f64::NAN, Shape::Line), "It"),
            encode(&reading(1.0, Shape::Circle(f64::NAN)), "It"),
            encode(&reading(1.0, Shape::Box { width: 1.0, height: f32::NAN }), "It"),
            encode(&reading(1.0, Shape::Pair(f64::NAN, 1.0)), "It"),
        ];
        for fault in faults {
            let JobError { code, message, .. } = fault.unwrap_err();
            assert_eq!(code, crate::ErrorCodes::INTERNAL_ERROR);
            assert!(message.starts_with("It cannot be written as JSON: "), "{message}");
        }
    }

    #[test]
    fn a_map_whose_keys_are_no_texts_is_an_error() {
        assert!(
            encode(&HashMap::from([((1, 2), 3)]), "It").unwrap_err().message.contains("key must be a string")
        );
    }
}
