//! Reads one JSON object's top level: the members that a message is routed by, as raw text, and where the object ends.
//!
//! Builds no tree: a member's text is handed on for V8 to parse. What counts as JSON is the grammar's matter.

use std::borrow::Cow;

use super::{grammar, string};

/// The top-level members that the wire knows, as raw text without the whitespace around it.
///
/// Of duplicate keys the last counts, and keys are compared by value (`"jo\u0062Id"` is `jobId`), as in `JSON.parse`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// `jsonrpc`
    pub jsonrpc: Option<&'a [u8]>,
    /// `id`
    pub id: Option<&'a [u8]>,
    /// `method`
    pub method: Option<&'a [u8]>,
    /// `type`
    pub type_: Option<&'a [u8]>,
    /// `jobId`
    pub job_id: Option<&'a [u8]>,
    /// `result`
    pub result: Option<&'a [u8]>,
    /// `error`
    pub error: Option<&'a [u8]>,
    /// `params`
    pub params: Option<&'a [u8]>,
    /// `data`
    pub data: Option<&'a [u8]>,
    seen: u16,
}

/// One of the keys that the wire knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `jsonrpc`
    Jsonrpc,
    /// `id`
    Id,
    /// `method`
    Method,
    /// `type`
    Type,
    /// `jobId`
    JobId,
    /// `result`
    Result,
    /// `error`
    Error,
    /// `params`
    Params,
    /// `data`
    Data,
}

impl Key {
    fn of(name: &[u8]) -> Option<Key> {
        Some(match name {
            b"jsonrpc" => Key::Jsonrpc,
            b"id" => Key::Id,
            b"method" => Key::Method,
            b"type" => Key::Type,
            b"jobId" => Key::JobId,
            b"result" => Key::Result,
            b"error" => Key::Error,
            b"params" => Key::Params,
            b"data" => Key::Data,
            _ => return None,
        })
    }
}

impl<'a> Fields<'a> {
    /// Whether the key and its colon came before the fault; its value may be missing or unfinished.
    #[must_use]
    pub fn saw(&self, key: Key) -> bool {
        self.seen & 1 << key as u16 != 0
    }

    fn begin(&mut self, key: Key) {
        self.seen |= 1 << key as u16;
        // An earlier duplicate no longer counts, even if this one turns out broken.
        *self.slot(key) = None;
    }

    fn slot(&mut self, key: Key) -> &mut Option<&'a [u8]> {
        match key {
            Key::Jsonrpc => &mut self.jsonrpc,
            Key::Id => &mut self.id,
            Key::Method => &mut self.method,
            Key::Type => &mut self.type_,
            Key::JobId => &mut self.job_id,
            Key::Result => &mut self.result,
            Key::Error => &mut self.error,
            Key::Params => &mut self.params,
            Key::Data => &mut self.data,
        }
    }
}

/// What `scan_object` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectScan<'a> {
    /// `JSON.parse` accepts the object.
    Complete {
        /// One past its closing brace.
        end: usize,
        /// Its members.
        fields: Fields<'a>,
    },
    /// It does not.
    Broken {
        /// The first byte with which no JSON text can go on, or the text's length when it ends too soon.
        at: usize,
        /// The members whose value was complete before that.
        fields: Fields<'a>,
    },
}

/// Scans the object whose opening brace is at `open`. What follows its end is not looked at.
#[must_use]
pub fn scan_object(text: &[u8], open: usize) -> ObjectScan<'_> {
    let mut fields = Fields::default();
    let mut current = None;
    let outcome = walk(text, open, |part| match part {
        Part::Key(name) => {
            current = Key::of(name);
            if let Some(key) = current {
                fields.begin(key);
            }
        }
        Part::Value(raw) => {
            if let Some(key) = current {
                *fields.slot(key) = Some(raw);
            }
        }
    });
    match outcome {
        Ok(end) => ObjectScan::Complete { end, fields },
        Err(at) => ObjectScan::Broken { at, fields },
    }
}

/// Whether `JSON.parse` accepts the text: one value of any kind, whitespace around it.
#[must_use]
pub fn is_json_text(text: &[u8]) -> bool {
    grammar::value(text, grammar::skip_whitespace(text, 0))
        .is_ok_and(|end| grammar::skip_whitespace(text, end) == text.len())
}

/// The raw text of some top-level members of a JSON object, by the same rules as `Fields`.
///
/// All `None` when the text is no good JSON object.
#[must_use]
pub fn object_fields<'a, const N: usize>(text: &'a [u8], keys: [&str; N]) -> [Option<&'a [u8]>; N] {
    let mut values = [None; N];
    let open = grammar::skip_whitespace(text, 0);
    if text.get(open) != Some(&b'{') {
        return values;
    }
    let mut current = None;
    let outcome = walk(text, open, |part| match part {
        Part::Key(name) => current = keys.iter().position(|key| key.as_bytes() == name),
        Part::Value(raw) => {
            if let Some(index) = current {
                values[index] = Some(raw);
            }
        }
    });
    if outcome.is_ok() { values } else { [None; N] }
}

/// Shows every member of a JSON object in turn: its key in one spelling per value, without the quotes, and the raw text
/// of its value. Whether the text is a good JSON object; if not, some members may have been shown.
pub fn object_members<'a>(text: &'a [u8], mut show: impl FnMut(&[u8], &'a [u8])) -> bool {
    let open = grammar::skip_whitespace(text, 0);
    if text.get(open) != Some(&b'{') {
        return false;
    }
    let mut current = Vec::new();
    let outcome = walk(text, open, |part| match part {
        Part::Key(name) => {
            current.clear();
            current.extend_from_slice(name);
        }
        Part::Value(raw) => show(&current, raw),
    });
    outcome.is_ok_and(|end| grammar::skip_whitespace(text, end) == text.len())
}

/// The raw texts of the items of a JSON array; `None` when the text is no good JSON array.
#[must_use]
pub fn array_items(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    let mut at = grammar::skip_whitespace(text, 0);
    if text.get(at) != Some(&b'[') {
        return None;
    }
    at = grammar::skip_whitespace(text, at + 1);
    if text.get(at) != Some(&b']') {
        loop {
            let end = grammar::value(text, at).ok()?;
            items.push(&text[at..end]);
            at = grammar::skip_whitespace(text, end);
            match text.get(at) {
                Some(b',') => at = grammar::skip_whitespace(text, at + 1),
                Some(b']') => break,
                _ => return None,
            }
        }
    }
    (grammar::skip_whitespace(text, at + 1) == text.len()).then_some(items)
}

/// Whether JavaScript takes the value of a JSON text for false: `null`, `false`, `""` and every zero.
///
/// A number is what it is as a double: `-0`, `0e9` and `1e-999` are zero.
#[must_use]
pub fn is_falsy(raw: &[u8]) -> bool {
    match raw {
        b"null" | b"false" | b"\"\"" => true,
        [b'-' | b'0'..=b'9', ..] => as_double(raw) == 0.0,
        _ => false,
    }
}

/// The double that `JSON.parse` makes of a JSON number; NaN when the text is none.
pub(super) fn as_double(raw: &[u8]) -> f64 {
    str::from_utf8(raw).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// A part of an object's top level.
enum Part<'a, 'k> {
    /// The value of a key, with its colon read.
    Key(&'k [u8]),
    /// The raw text of the value of the key before.
    Value(&'a [u8]),
}

/// Shows the parts of the object that begins at `open`; returns its end, or the fault.
fn walk<'a>(text: &'a [u8], open: usize, mut show: impl FnMut(Part<'a, '_>)) -> Result<usize, usize> {
    let mut at = grammar::skip_whitespace(text, open + 1);
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        let key = grammar::member_key(text, at)?;
        let body = &text[at + 1..key.end - 1];
        show(Part::Key(&if key.escaped { string::name(body) } else { Cow::Borrowed(body) }));
        let start = grammar::skip_whitespace(text, key.value);
        let end = grammar::value(text, start)?;
        if is_finished(text, end) {
            show(Part::Value(&text[start..end]));
        }
        at = grammar::skip_whitespace(text, end);
        at = match text.get(at) {
            Some(b',') => grammar::skip_whitespace(text, at + 1),
            Some(b'}') => return Ok(at + 1),
            _ => return Err(at),
        };
    }
}

/// Whether the value that ends before `end` is surely whole: the number `12` before the end of a text that was cut off
/// may have been `123`.
fn is_finished(text: &[u8], end: usize) -> bool {
    matches!(text[end - 1], b'"' | b'}' | b']')
        || matches!(text.get(end), Some(b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
}
