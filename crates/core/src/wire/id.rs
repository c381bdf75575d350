//! Ids: those that engines give, compared as JSON values, and those of our own requests.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::{Builder, Uuid};

use super::{scan, string};

/// An id compared as the value that `JSON.parse` makes of it: `"1"` is not `1`, `1` is `1.0`, `"\u0061"` is `"a"`.
///
/// Numbers are compared as doubles, `-0` as `0`; lone surrogates are values of their own, bytes that are no UTF-8 count
/// as U+FFFD. `true`, `false`, `null`, arrays and objects are compared by their text. A clone shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonId(Value);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    /// The bits of the double, never of `-0`.
    Number(u64),
    /// Anything else: a string in its canonical spelling with the quotes, the rest as it came.
    Text(Arc<str>),
}

impl JsonId {
    /// The id that a JSON text stands for. The text must be good JSON without whitespace around it.
    #[must_use]
    pub fn from_raw(raw: &[u8]) -> JsonId {
        JsonId(match raw.first() {
            Some(b'"') => Value::Text(quoted(raw)),
            // Adding zero turns -0 into 0.
            Some(b'-' | b'0'..=b'9') => Value::Number((scan::as_double(raw) + 0.0).to_bits()),
            _ => Value::Text(String::from_utf8_lossy(raw).into()),
        })
    }

    /// A JSON text with this value; ASCII but for arrays and objects, which are given as they came.
    #[must_use]
    pub fn to_json(&self) -> Cow<'_, str> {
        match &self.0 {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Number(bits) => Cow::Owned(number_text(f64::from_bits(*bits))),
        }
    }

    /// Whether the id is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.0, Value::Text(text) if **text == *"null")
    }
}

/// A string in its canonical spelling, with the quotes.
fn quoted(raw: &[u8]) -> Arc<str> {
    let spelling = string::canonical(string::body(raw).unwrap_or_default());
    // Nearly always it came so.
    if let Ok(text) = str::from_utf8(raw)
        && raw.get(1..raw.len().saturating_sub(1)) == Some(spelling.as_bytes())
    {
        return text.into();
    }
    let mut text = String::with_capacity(spelling.len() + 2);
    text.push('"');
    text.push_str(&spelling);
    text.push('"');
    text.into()
}

/// A whole number without fraction or exponent where JavaScript writes it so: an engine may want an integer back.
fn number_text(number: f64) -> String {
    if number.is_infinite() {
        // No JSON text names infinity, but one too big for a double reads as it.
        format!("{}1e999", if number < 0.0 { "-" } else { "" })
    } else if number == 0.0 || (1e-6..1e21).contains(&number.abs()) {
        format!("{number}")
    } else {
        format!("{number:e}")
    }
}

/// How many ids one draw of random bytes is for.
const IDS_PER_DRAW: usize = 64;

/// Makes the ids of our requests: v4 UUIDs, 122 random bits each, so none comes twice (contract section 2).
#[derive(Debug)]
pub struct RequestIds {
    random: [[u8; 16]; IDS_PER_DRAW],
    used: usize,
}

impl RequestIds {
    /// A source that has drawn nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { random: [[0; 16]; IDS_PER_DRAW], used: IDS_PER_DRAW }
    }

    /// A new id; fails when the system gives no random bytes.
    #[expect(clippy::should_implement_trait, reason = "endless and fallible: no iterator in the usual sense")]
    pub fn next(&mut self) -> Result<Uuid, getrandom::Error> {
        if self.used == IDS_PER_DRAW {
            getrandom::fill(self.random.as_flattened_mut())?;
            self.used = 0;
        }
        let bytes = self.random[self.used];
        self.used += 1;
        Ok(Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

/// The request that the id of a response names: a string with the very characters that we sent.
#[must_use]
pub fn as_request_id(raw: &[u8]) -> Option<Uuid> {
    let value = string::canonical(string::body(raw)?);
    if value.len() != uuid::fmt::Hyphenated::LENGTH || value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    Uuid::try_parse(&value).ok()
}
