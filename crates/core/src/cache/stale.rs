//! What the disk holds and must not give back: the app has set, deleted or cleared it since, and the disk refused.

use std::collections::HashMap;

use crate::cache::Key;

/// Bytes of keys that are remembered. Beyond, everything on disk counts as out of date.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The keys whose rows are out of date, each with the time until which: what another process set later is not.
#[derive(Debug, Default)]
pub struct Stale {
    keys: HashMap<Key, i64>,
    prefixes: HashMap<Key, i64>,
    bytes: usize,
}

impl Stale {
    pub fn add(&mut self, key: Key, at_ms: i64) {
        if self.hides(&key, at_ms) {
            return;
        }
        let bytes = key.as_bytes().len() + size_of::<Key>();
        if self.keys.insert(key, at_ms).is_none() {
            self.bytes += bytes;
            self.bound(at_ms);
        }
    }

    /// All keys with this prefix.
    pub fn add_prefix(&mut self, prefix: Key, at_ms: i64) {
        let bytes = prefix.as_bytes().len() + size_of::<Key>();
        if self.prefixes.insert(prefix, at_ms).is_none() {
            self.bytes += bytes;
            self.bound(at_ms);
        }
    }

    fn bound(&mut self, at_ms: i64) {
        if self.bytes > MAX_BYTES || self.prefixes.len() > 64 {
            *self = Self { prefixes: HashMap::from([(Key::from_units(&[]), at_ms)]), ..Self::default() };
        }
    }

    /// Whether something about this key is on record.
    pub fn knows(&self, key: &Key) -> bool {
        self.keys.contains_key(key) || self.prefixes.keys().any(|prefix| key.starts_with(prefix))
    }

    /// Whether an entry of this key that was made at this time is out of date.
    pub fn hides(&self, key: &Key, created_at: i64) -> bool {
        self.keys.get(key).is_some_and(|at| created_at <= *at)
            || self.prefixes.iter().any(|(prefix, at)| created_at <= *at && key.starts_with(prefix))
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.keys()
    }

    pub fn prefixes(&self) -> impl Iterator<Item = &Key> {
        self.prefixes.keys()
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
        stale.add(key("a"), 7);
        stale.add_prefix(key("user:"), 7);
        assert!(stale.hides(&key("a"), 7) && stale.hides(&key("user:1"), 3) && !stale.hides(&key("ab"), 3));
        assert!(!stale.hides(&key("a"), 8) && !stale.hides(&key("user:1"), 8), "set since");
        stale.clear();
        assert!(!stale.knows(&key("a")) && !stale.knows(&key("user:")));
    }

    #[test]
    fn past_the_bound_everything_is_out_of_date() {
        let mut stale = Stale::default();
        let long = "x".repeat(1024 * 1024);
        for number in 0..9 {
            stale.add(key(&format!("{number}{long}")), 7);
        }
        assert!(stale.hides(&key("anything"), 7));
        assert_eq!(stale.keys().count(), 0);
    }
}
