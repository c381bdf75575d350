//! What the disk holds and must not give back: the app has set, deleted or cleared it since, and the disk refused.

use std::collections::HashSet;

use crate::cache::Key;

/// Bytes of keys that are remembered. Beyond, everything on disk counts as out of date.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The keys whose rows are out of date.
#[derive(Debug, Default)]
pub struct Stale {
    keys: HashSet<Key>,
    prefixes: HashSet<Key>,
    bytes: usize,
}

impl Stale {
    pub fn add(&mut self, key: Key) {
        self.bytes += key.as_bytes().len() + size_of::<Key>();
        self.keys.insert(key);
        self.bound();
    }

    /// All keys with this prefix.
    pub fn add_prefix(&mut self, prefix: Key) {
        self.bytes += prefix.as_bytes().len() + size_of::<Key>();
        self.prefixes.insert(prefix);
        self.bound();
    }

    fn bound(&mut self) {
        if self.bytes > MAX_BYTES || self.prefixes.len() > 64 {
            *self = Self { prefixes: HashSet::from([Key::from_units(&[])]), ..Self::default() };
        }
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.keys.contains(key) || self.prefixes.iter().any(|prefix| key.starts_with(prefix))
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    pub fn prefixes(&self) -> impl Iterator<Item = &Key> {
        self.prefixes.iter()
    }

    /// The rows are gone.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::from_units(&text.encode_utf16().collect::<Vec<_>>())
    }

    #[test]
    fn keys_and_prefixes() {
        let mut stale = Stale::default();
        stale.add(key("a"));
        stale.add_prefix(key("user:"));
        assert!(stale.contains(&key("a")) && stale.contains(&key("user:1")) && !stale.contains(&key("ab")));
        stale.clear();
        assert!(!stale.contains(&key("a")) && !stale.contains(&key("user:")));
    }

    #[test]
    fn past_the_bound_everything_is_out_of_date() {
        let mut stale = Stale::default();
        let long = "x".repeat(1024 * 1024);
        for number in 0..9 {
            stale.add(key(&format!("{number}{long}")));
        }
        assert!(stale.contains(&key("anything")));
        assert_eq!(stale.keys().count(), 0);
    }
}
