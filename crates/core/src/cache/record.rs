//! An entry as it is stored, and the sums that tell it from a damaged one.

use twox_hash::XxHash3_64;

use crate::cache::Key;

/// The kind of a value that is a JSON text.
pub const JSON: u8 = 0;
/// The kind of JavaScript's `undefined`.
pub const UNDEFINED: u8 = 1;

/// A value and its times, in milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the bytes are: [`JSON`], [`UNDEFINED`], or one of JavaScript's names for raw bytes.
    pub kind: u8,
    /// The value; a JSON text is UTF-8.
    pub value: Vec<u8>,
    /// From this moment on it is expired.
    pub expires_at: Option<i64>,
    /// When it was set.
    pub created_at: i64,
}

impl Record {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_at.is_some_and(|at| now_ms >= at)
    }

    /// How long the value is for JavaScript: UTF-16 units of a text, bytes of anything else.
    #[must_use]
    pub fn length(&self) -> u64 {
        let length = if self.kind != JSON || self.value.is_ascii() {
            self.value.len()
        } else {
            // A byte that begins a character counts one, four-byte ones are a pair.
            let units = |&byte: &u8| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0);
            self.value.iter().map(units).sum()
        };
        length as u64
    }
}

/// What an entry counts against `maxMemorySize` (contract section 5): twice the length of the JSON text of
/// `{value, expiresAt, createdAt}`, for raw bytes their number.
#[must_use]
pub fn entry_size(kind: u8, length: u64, expires_at: Option<i64>, created_at: i64) -> u64 {
    let value = match kind {
        JSON => length + r#""value":,"#.len() as u64,
        UNDEFINED => 0,
        _ => return length,
    };
    let expires = expires_at.map_or(4, decimals);
    2 * (value + expires + decimals(created_at) + r#"{"expiresAt":,"createdAt":}"#.len() as u64)
}

fn decimals(number: i64) -> u64 {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    u64::from(digits) + u64::from(number < 0)
}

/// A row without its value: what lists are made from.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// As the record's.
    pub kind: u8,
    /// As the record's.
    pub expires_at: Option<i64>,
    /// As the record's.
    pub created_at: i64,
    /// Bytes of key and value.
    pub size: i64,
    /// The sum of the value.
    pub digest: i64,
}

impl Head {
    /// The head of the row that the record becomes under that key.
    #[must_use]
    pub fn of(key: &Key, record: &Record) -> Self {
        let size = i64::try_from(key.as_bytes().len() + record.value.len()).unwrap_or(i64::MAX);
        let (kind, expires_at, created_at) = (record.kind, record.expires_at, record.created_at);
        Self { kind, expires_at, created_at, size, digest: sum(&record.value) }
    }

    /// The sum over the key and everything here, the value's sum included: a row under another key is damage too.
    #[must_use]
    pub fn checksum(&self, key: &[u8]) -> i64 {
        let mut bytes = Vec::with_capacity(key.len() + 34);
        bytes.extend_from_slice(key);
        bytes.extend([self.kind, u8::from(self.expires_at.is_some())]);
        for number in [self.expires_at.unwrap_or(0), self.created_at, self.size, self.digest] {
            bytes.extend(number.to_be_bytes());
        }
        sum(&bytes)
    }
}

/// `SQLite` has no sums of its own, and a flipped bit must be a miss, never a wrong value.
pub fn sum(bytes: &[u8]) -> i64 {
    XxHash3_64::oneshot(bytes).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_twice_the_length_of_the_json_text() {
        let expected = |text: &str| 2 * text.len() as u64;
        assert_eq!(
            entry_size(JSON, 3, None, 1_700_000_000_000),
            expected(r#"{"value":"a","expiresAt":null,"createdAt":1700000000000}"#)
        );
        assert_eq!(entry_size(JSON, 1, Some(-5), 0), expected(r#"{"value":1,"expiresAt":-5,"createdAt":0}"#));
        assert_eq!(entry_size(UNDEFINED, 0, None, 10), expected(r#"{"expiresAt":null,"createdAt":10}"#));
        assert_eq!(entry_size(2, 1000, Some(1), 10), 1000);
    }

    #[test]
    fn the_length_of_a_text_is_in_utf_16_units() {
        for text in ["", "plain", "é", "€", "😀", "a😀é€b"] {
            let record =
                Record { kind: JSON, value: text.as_bytes().to_vec(), expires_at: None, created_at: 0 };
            assert_eq!(record.length(), text.encode_utf16().count() as u64, "{text}");
        }
    }

    #[test]
    fn every_part_of_a_row_counts_for_its_sum() {
        let key = Key::from_units(&[1, 2]);
        let record = Record { kind: JSON, value: b"1".to_vec(), expires_at: Some(0), created_at: 7 };
        let head = Head::of(&key, &record);
        let sums = [
            head.checksum(key.as_bytes()),
            head.checksum(&[0, 1, 0, 3]),
            Head { kind: 2, ..head }.checksum(key.as_bytes()),
            Head { expires_at: None, ..head }.checksum(key.as_bytes()),
            Head { created_at: 8, ..head }.checksum(key.as_bytes()),
            Head { size: 8, ..head }.checksum(key.as_bytes()),
            Head { digest: 8, ..head }.checksum(key.as_bytes()),
        ];
        assert_eq!(sums.iter().collect::<std::collections::HashSet<_>>().len(), sums.len());
    }
}
