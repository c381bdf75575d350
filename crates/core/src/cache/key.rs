//! A key: any JavaScript string, also one with half a surrogate pair, as the bytes by which the database orders it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The UTF-16 units of a JavaScript string, big end first: byte order is unit order, and a prefix is a range.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The key of a string's UTF-16 units.
    #[must_use]
    pub fn from_units(units: &[u16]) -> Self {
        Self(units.iter().flat_map(|unit| unit.to_be_bytes()).collect())
    }

    /// The keys that were joined to one string, by their lengths in units.
    #[must_use]
    pub fn split(mut units: &[u16], lengths: &[u32]) -> Vec<Self> {
        let mut keys = Vec::with_capacity(lengths.len());
        for &length in lengths {
            let (key, rest) = units.split_at(units.len().min(length as usize));
            keys.push(Self::from_units(key));
            units = rest;
        }
        keys
    }

    /// The key of bytes from a database; `None` when they are no UTF-16.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.len().is_multiple_of(2).then(|| Self(bytes.into()))
    }

    /// What the database stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the string begins with another.
    #[must_use]
    pub fn starts_with(&self, prefix: &Key) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The least bytes behind all keys with this prefix; `None` when nothing is behind them.
    #[must_use]
    pub fn behind_prefix(&self) -> Option<Vec<u8>> {
        let last = self.0.iter().rposition(|&byte| byte != 0xff)?;
        let mut bytes = self.0[..=last].to_vec();
        bytes[last] += 1;
        Some(bytes)
    }

    fn units(&self) -> impl Iterator<Item = u16> {
        self.0.as_chunks::<2>().0.iter().map(|&unit| u16::from_be_bytes(unit))
    }

    /// Appends the key as a JSON string in ASCII; half a pair stays what it is.
    pub fn push_json(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        for unit in self.units() {
            match u8::try_from(unit) {
                Ok(byte @ (b'"' | b'\\')) => out.extend([b'\\', byte]),
                Ok(byte @ b' '..=b'~') => out.push(byte),
                _ => {
                    let digit = |shift: u16| b"0123456789abcdef"[usize::from(unit >> shift & 0xf)];
                    out.extend([b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
                }
            }
        }
        out.push(b'"');
    }

    /// The part of a version 1 file name that shows the key: what is no letter, digit, `-` or `_` replaced, cut at 64.
    #[must_use]
    pub fn shown_part(&self) -> String {
        let shown = |unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' => char::from(byte),
            _ => '_',
        };
        self.units().take(64).map(shown).collect()
    }

    /// The name of version 1's file for the key. Strings that differ only in halves of pairs share one, as they did.
    #[must_use]
    pub fn version1_name(&self) -> String {
        let text: String = char::decode_utf16(self.units())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        let hash = Sha256::digest(text.as_bytes());
        let mut name = self.shown_part();
        name.push('-');
        for byte in &hash[..8] {
            // Writing into a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push_str(".json");
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::from_units(&text.encode_utf16().collect::<Vec<_>>())
    }

    #[test]
    fn the_name_of_a_version_1_file() {
        // printf '%s' 'user:1' | sha256sum
        assert_eq!(key("user:1").version1_name(), "user_1-abc3a47b8ad18b85.json");
        assert_eq!(key("").version1_name(), "-e3b0c44298fc1c14.json");
        assert_eq!(key("é😀").shown_part(), "___", "one _ for each UTF-16 unit");
        assert_eq!(key(&"x".repeat(70)).shown_part().len(), 64);
    }

    #[test]
    fn a_prefix_is_a_range_in_units() {
        let keys: Vec<Key> =
            [&[][..], &[0x61], &[0x61, 0xd83d], &[0x61, 0xd83d, 0xde00], &[0x62], &[0xffff, 0xffff]]
                .iter()
                .map(|units| Key::from_units(units))
                .collect();
        for prefix in &keys {
            for key in &keys {
                let in_range =
                    key >= prefix && prefix.behind_prefix().is_none_or(|end| *key.as_bytes() < *end);
                assert_eq!(in_range, key.starts_with(prefix), "{key:?} {prefix:?}");
            }
        }
    }

    #[test]
    fn as_json_every_unit_survives() {
        let mut text = Vec::new();
        Key::from_units(&[0x22, 0x5c, 0x0a, 0x7f, 0xe9, 0xd83d, 0x41]).push_json(&mut text);
        assert_eq!(String::from_utf8(text).unwrap(), r#""\"\\\u000a\u007f\u00e9\ud83dA""#);
    }

    #[test]
    fn joined_keys_come_apart() {
        let units: Vec<u16> = "abcdé".encode_utf16().collect();
        assert_eq!(Key::split(&units, &[1, 0, 3, 1]), [key("a"), key(""), key("bcd"), key("é")]);
    }
}
