//! What a JSON string says: one canonical ASCII spelling per value.
//!
//! Strings are compared and written in that spelling. It holds what UTF-8 cannot, half of a surrogate pair, and it is
//! the text itself for the plain keys and ids that nearly all messages have.

use std::borrow::Cow;

use memchr::memchr;

/// The text between the quotes when the JSON text `raw` is a string.
pub(super) fn body(raw: &[u8]) -> Option<&[u8]> {
    raw.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// The string whose text between the quotes is `body`, for comparison with a name in ASCII.
pub(super) fn name(body: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\\', body).is_none() {
        return Cow::Borrowed(body);
    }
    Cow::Owned(canonical(body).into_owned().into_bytes())
}

/// The canonical spelling of the string whose text between the quotes is `body`, which the grammar has checked.
///
/// Bytes that are no UTF-8 read as U+FFFD.
pub(super) fn canonical(body: &[u8]) -> Cow<'_, str> {
    let mut escape = memchr(b'\\', body);
    if escape.is_none()
        && body.is_ascii()
        && let Ok(text) = str::from_utf8(body)
    {
        return Cow::Borrowed(text);
    }
    let mut spelling = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(backslash) = escape {
        push_text(&mut spelling, &String::from_utf8_lossy(&rest[..backslash]));
        let (unit, behind) = unescape(&rest[backslash + 1..]);
        push_unit(&mut spelling, unit);
        rest = behind;
        escape = memchr(b'\\', rest);
    }
    push_text(&mut spelling, &String::from_utf8_lossy(rest));
    Cow::Owned(String::from_utf8(spelling).expect("the canonical spelling is ASCII"))
}

/// Appends the canonical spelling of a text, two escapes for a character beyond U+FFFF.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    for unit in text.encode_utf16() {
        push_unit(out, unit);
    }
}

/// Appends the canonical spelling of a UTF-16 unit: itself where ASCII and JSON allow, else an escape.
fn push_unit(out: &mut Vec<u8>, unit: u16) {
    match u8::try_from(unit) {
        Ok(byte @ (b'"' | b'\\')) => out.extend([b'\\', byte]),
        Ok(b'\n') => out.extend(b"\\n"),
        Ok(b'\r') => out.extend(b"\\r"),
        Ok(b'\t') => out.extend(b"\\t"),
        Ok(byte @ b' '..=0x7f) => out.push(byte),
        _ => {
            let digit = |shift: u16| b"0123456789abcdef"[usize::from(unit >> shift & 0xf)];
            out.extend([b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
        }
    }
}

/// The unit that the escape behind a backslash stands for, and what follows it.
fn unescape(escape: &[u8]) -> (u16, &[u8]) {
    let Some((&letter, rest)) = escape.split_first() else {
        return (u16::from(b'\\'), escape);
    };
    let byte = match letter {
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (digits, rest) = rest.split_at(rest.len().min(4));
            return (digits.iter().fold(0, |high, &digit| high << 4 | hex(digit)), rest);
        }
        quoted => quoted,
    };
    (u16::from(byte), rest)
}

fn hex(digit: u8) -> u16 {
    match digit {
        b'0'..=b'9' => u16::from(digit - b'0'),
        // The letters of both cases are 1 to 6 in their low bits.
        _ => u16::from(digit & 0xf) + 9,
    }
}
