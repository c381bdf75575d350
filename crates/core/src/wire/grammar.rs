//! The JSON grammar with the verdict of `JSON.parse`: where a value that begins here ends, or where it goes wrong.
//!
//! Iterative, so no depth is too deep; one pass; no memory but one bit per level past the 64th.
//! Bytes that are no UTF-8 count as U+FFFD: fine inside a string, a fault elsewhere. So does a byte order mark.
//! A fault is the index of the first byte with which no JSON text can go on, or the length of a text that ends too soon.

/// The index of the first byte from `at` on that is not JSON whitespace.
pub(super) fn skip_whitespace(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of the value that begins at `at` (no whitespace there), or the fault.
pub(super) fn value(text: &[u8], mut at: usize) -> Result<usize, usize> {
    let mut open = Nesting::default();
    'value: loop {
        at = match text.get(at) {
            Some(b'"') => string(text, at)?.0,
            Some(b'-' | b'0'..=b'9') => number(text, at)?,
            Some(b'{') => {
                at = skip_whitespace(text, at + 1);
                if text.get(at) != Some(&b'}') {
                    open.push(Container::Object);
                    at = skip_whitespace(text, member_key(text, at)?.value);
                    continue 'value;
                }
                at + 1
            }
            Some(b'[') => {
                at = skip_whitespace(text, at + 1);
                if text.get(at) != Some(&b']') {
                    open.push(Container::Array);
                    continue 'value;
                }
                at + 1
            }
            Some(b't') => literal(text, at, b"true")?,
            Some(b'f') => literal(text, at, b"false")?,
            Some(b'n') => literal(text, at, b"null")?,
            _ => return Err(at),
        };
        while let Some(container) = open.innermost() {
            at = skip_whitespace(text, at);
            match (container, text.get(at)) {
                (Container::Object, Some(b',')) => {
                    at = member_key(text, skip_whitespace(text, at + 1))?.value;
                    at = skip_whitespace(text, at);
                    continue 'value;
                }
                (Container::Array, Some(b',')) => {
                    at = skip_whitespace(text, at + 1);
                    continue 'value;
                }
                (Container::Object, Some(b'}')) | (Container::Array, Some(b']')) => {
                    open.pop();
                    at += 1;
                }
                _ => return Err(at),
            }
        }
        return Ok(at);
    }
}

/// Where the parts of `"key" :` are.
pub(super) struct MemberKey {
    /// One past the closing quote.
    pub end: usize,
    /// The key's text is not the key: something in it is escaped.
    pub escaped: bool,
    /// One past the colon.
    pub value: usize,
}

/// Reads a member's key, which begins at `at`, and the colon behind it.
pub(super) fn member_key(text: &[u8], at: usize) -> Result<MemberKey, usize> {
    if text.get(at) != Some(&b'"') {
        return Err(at);
    }
    let (end, escaped) = string(text, at)?;
    let colon = skip_whitespace(text, end);
    if text.get(colon) != Some(&b':') {
        return Err(colon);
    }
    Ok(MemberKey { end, escaped, value: colon + 1 })
}

/// The end of the string whose opening quote is at `at`, and whether something in it is escaped.
#[inline]
fn string(text: &[u8], at: usize) -> Result<(usize, bool), usize> {
    let end = skip_plain(text, at + 1);
    if text.get(end) == Some(&b'"') { Ok((end + 1, false)) } else { Ok((escaped_string(text, end)?, true)) }
}

/// The end of the string in which the first byte that is not plain, and no quote, is at `at`.
fn escaped_string(text: &[u8], mut at: usize) -> Result<usize, usize> {
    loop {
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = skip_plain(text, escape(text, at + 1)?),
            _ => return Err(at),
        }
    }
}

/// The end of the escape whose backslash is before `at`.
fn escape(text: &[u8], at: usize) -> Result<usize, usize> {
    match text.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let digits = at + 1..at + 5;
            match digits.clone().find(|&digit| !text.get(digit).is_some_and(u8::is_ascii_hexdigit)) {
                Some(fault) => Err(fault),
                None => Ok(digits.end),
            }
        }
        _ => Err(at),
    }
}

/// Bytes that are looked at in one go where a string is long.
const BLOCK: usize = 64;
/// A string of so many words is long.
const WORDS: usize = 4;

/// Skips what needs no look inside a string: all but quotes, backslashes and control characters. Eight bytes at a time,
/// as most strings are short.
fn skip_plain(text: &[u8], at: usize) -> usize {
    let (words, tail) = text.get(at..).unwrap_or_default().as_chunks::<8>();
    for (index, &word) in words.iter().take(WORDS).enumerate() {
        let special = specials(u64::from_le_bytes(word));
        if special != 0 {
            return at + index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    if words.len() > WORDS {
        return skip_long(text, at + WORDS * 8);
    }
    at + words.len() * 8 + tail.iter().position(|&byte| is_special(byte)).unwrap_or(tail.len())
}

/// The same by blocks, a loop of vector instructions, and bytewise where a block has something.
fn skip_long(text: &[u8], at: usize) -> usize {
    let (blocks, _) = text[at..].as_chunks::<BLOCK>();
    let at = at + BLOCK * blocks.iter().take_while(|block| is_plain(block)).count();
    at + text[at..].iter().position(|&byte| is_special(byte)).unwrap_or(text.len() - at)
}

/// Written so that the compiler makes vectors of it: sixteen lanes that gather what was seen, one question at the end.
fn is_plain(block: &[u8; BLOCK]) -> bool {
    const LANES: usize = 16;
    let mut seen = [0_u8; LANES];
    for part in block.as_chunks::<LANES>().0 {
        for (lane, &byte) in seen.iter_mut().zip(part) {
            *lane |= if is_special(byte) { 0xff } else { 0 };
        }
    }
    u128::from_ne_bytes(seen) == 0
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// A word whose lowest set bit lies in the first (lowest) of eight bytes that is special; zero when none is.
///
/// `(x - n) & !x & 0x80` per byte finds the bytes below `n`. A borrow can only mark bytes above a true hit.
fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHS;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, b' ') | equal(b'"') | equal(b'\\')
}

/// The end of the number that begins at `at`.
fn number(text: &[u8], mut at: usize) -> Result<usize, usize> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

/// The end of one or more digits.
fn digits(text: &[u8], from: usize) -> Result<usize, usize> {
    let mut at = from;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at > from { Ok(at) } else { Err(at) }
}

/// The end of `word`, whose first letter is at `at`.
fn literal(text: &[u8], at: usize, word: &[u8]) -> Result<usize, usize> {
    let same = text[at..].iter().zip(word).take_while(|(here, expected)| here == expected).count();
    if same == word.len() { Ok(at + same) } else { Err(at + same) }
}

#[derive(Clone, Copy)]
enum Container {
    Array,
    Object,
}

/// The containers that are open, one bit each: the innermost 64 in a word, the outer ones on the heap.
#[derive(Default)]
struct Nesting {
    depth: usize,
    word: u64,
    outer: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, container: Container) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.word);
        }
        self.word = self.word << 1 | u64::from(matches!(container, Container::Object));
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.word = self.outer.pop().expect("a word was put aside when this depth was passed upwards");
        }
    }

    fn innermost(&self) -> Option<Container> {
        match (self.depth, self.word & 1) {
            (0, _) => None,
            (_, 0) => Some(Container::Array),
            _ => Some(Container::Object),
        }
    }
}
