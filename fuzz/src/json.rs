//! `JSON.parse`, naive: a recursive reader that builds the value. `scan_v8` tells whether the core agrees with the real
//! one; this one is fast enough for the other targets. Bytes that are no UTF-8 read as U+FFFD, as V8 gets them.

use std::ops::Range;

/// A value as JavaScript has it; an object's members in the order of the text, duplicates and all.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    String(Vec<u16>),
    Array(Vec<Value>),
    Object(Vec<(Vec<u16>, Value)>),
}

impl Value {
    /// What `object[key]` gives; `None` when there is no such key, or no object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Object(members) = self else { return None };
        members.iter().rev().find(|(name, _)| is(name, key)).map(|(_, value)| value)
    }

    /// What `if (value)` asks.
    pub fn is_truthy(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => *number != 0.0,
            Value::String(units) => !units.is_empty(),
            Value::Array(_) | Value::Object(_) => true,
        }
    }
}

/// Whether a string says this.
pub fn is(units: &[u16], text: &str) -> bool {
    units.iter().copied().eq(text.encode_utf16())
}

/// What `JSON.parse` makes of a text; `None` when it throws.
pub fn parse(text: &[u8]) -> Option<Value> {
    let (value, end) = value(text, space(text, 0)).ok()?;
    (space(text, end) == text.len()).then_some(value)
}

/// A member at the top of an object, by what stands in the text before its fault.
pub struct Member {
    pub key: Vec<u16>,
    /// Where its value is, unless that is broken or may go on.
    pub value: Option<(Range<usize>, Value)>,
}

/// The members of the object that opens at `open`, and its end, or `None` when it is broken.
pub fn object(text: &[u8], open: usize) -> (Vec<Member>, Option<usize>) {
    let mut members = Vec::new();
    let end = read_object(text, open, &mut members);
    (members, end.ok())
}

type Read<T> = Result<T, ()>;

fn read_object(text: &[u8], open: usize, members: &mut Vec<Member>) -> Read<usize> {
    let mut at = space(text, open + 1);
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        let (key, end) = string(text, at)?;
        at = expect(text, space(text, end), b':')?;
        members.push(Member { key, value: None });
        let start = space(text, at);
        let (read, end) = value(text, start)?;
        // `12` at the end of what is there may have been `123`.
        let whole = !matches!(read, Value::Number(_) | Value::Null | Value::Bool(_))
            || matches!(text.get(end), Some(b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r'));
        if let Some(member) = members.last_mut().filter(|_| whole) {
            member.value = Some((start..end, read));
        }
        at = space(text, end);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        at = space(text, expect(text, at, b',')?);
    }
}

fn value(text: &[u8], at: usize) -> Read<(Value, usize)> {
    let word =
        |word: &str, value| text[at..].starts_with(word.as_bytes()).then_some((value, at + word.len()));
    match text.get(at).ok_or(())? {
        b'n' => word("null", Value::Null).ok_or(()),
        b't' => word("true", Value::Bool(true)).ok_or(()),
        b'f' => word("false", Value::Bool(false)).ok_or(()),
        b'"' => string(text, at).map(|(units, end)| (Value::String(units), end)),
        b'[' => array(text, at),
        b'{' => {
            let mut members = Vec::new();
            let end = read_object(text, at, &mut members)?;
            let member = |member: Member| Some((member.key, member.value?.1));
            Ok((Value::Object(members.into_iter().filter_map(member).collect()), end))
        }
        _ => number(text, at),
    }
}

fn array(text: &[u8], open: usize) -> Read<(Value, usize)> {
    let mut items = Vec::new();
    let mut at = space(text, open + 1);
    if text.get(at) == Some(&b']') {
        return Ok((Value::Array(items), at + 1));
    }
    loop {
        let (item, end) = value(text, at)?;
        items.push(item);
        at = space(text, end);
        if text.get(at) == Some(&b']') {
            return Ok((Value::Array(items), at + 1));
        }
        at = space(text, expect(text, at, b',')?);
    }
}

fn number(text: &[u8], start: usize) -> Read<(Value, usize)> {
    let digits = |from: usize| {
        let end = from + text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if end > from { Ok(end) } else { Err(()) }
    };
    let mut at = start + usize::from(text.get(start) == Some(&b'-'));
    at = if text.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at = digits(at + 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-'))))?;
    }
    let number = String::from_utf8_lossy(&text[start..at]).parse().map_err(|_| ())?;
    Ok((Value::Number(number), at))
}

/// The string whose opening quote is at `at`, and one past its closing quote.
fn string(text: &[u8], at: usize) -> Read<(Vec<u16>, usize)> {
    let mut at = expect(text, at, b'"')?;
    let mut units = Vec::new();
    loop {
        let plain = text[at..].iter().take_while(|byte| **byte >= b' ' && !b"\"\\".contains(byte)).count();
        units.extend(String::from_utf8_lossy(&text[at..at + plain]).encode_utf16());
        at += plain + 1;
        match text.get(at - 1).ok_or(())? {
            b'"' => return Ok((units, at)),
            b'\\' => {
                let letter = text.get(at).ok_or(())?;
                at += 1;
                units.push(match letter {
                    b'"' | b'\\' | b'/' => u16::from(*letter),
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => 10,
                    b'r' => 13,
                    b't' => 9,
                    b'u' => {
                        let digits = text.get(at..at + 4).ok_or(())?;
                        at += 4;
                        let all = digits.iter().all(u8::is_ascii_hexdigit);
                        let digits = std::str::from_utf8(digits).ok().filter(|_| all).ok_or(())?;
                        u16::from_str_radix(digits, 16).map_err(|_| ())?
                    }
                    _ => return Err(()),
                });
            }
            _ => return Err(()),
        }
    }
}

fn expect(text: &[u8], at: usize, byte: u8) -> Read<usize> {
    if text.get(at) == Some(&byte) { Ok(at + 1) } else { Err(()) }
}

/// Where something other than JSON's whitespace stands.
pub fn space(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| b" \t\n\r".contains(byte)).count()
}
