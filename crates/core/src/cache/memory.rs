//! Which entries stay in memory: least recently used go first. The values are JavaScript's, here they are slots.

use std::hash::{BuildHasherDefault, Hasher};

use lru::LruCache;

/// Slots are small numbers of our own: spreading them needs one multiplication, and every hit of the app's pays for it.
#[derive(Debug, Default)]
struct SlotHasher(u64);

impl Hasher for SlotHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, slot: u32) {
        self.0 = (self.0 ^ u64::from(slot)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The memory tier's rules.
#[derive(Debug)]
pub struct Memory {
    sizes: LruCache<u32, u64, BuildHasherDefault<SlotHasher>>,
    total: u64,
    max: Option<u64>,
    keeps_larger: bool,
    evictions: u64,
}

impl Memory {
    /// `max` bytes at most; `None`: no limit. `keeps_larger`: an entry larger than that is kept, alone, because there is
    /// no other place for it.
    #[must_use]
    pub fn new(max: Option<u64>, keeps_larger: bool) -> Self {
        let sizes = LruCache::unbounded_with_hasher(BuildHasherDefault::default());
        Self { sizes, total: 0, max, keeps_larger, evictions: 0 }
    }

    /// These slots were used, in this order. Free ones are ignored.
    pub fn hits(&mut self, slots: &[u32]) {
        for slot in slots {
            self.sizes.promote(slot);
        }
    }

    /// A new entry, or a new value of an old one, in this slot. Returns the slots that go, which may be this one.
    pub fn put(&mut self, slot: u32, size: u64) -> Vec<u32> {
        self.remove(slot);
        let max = self.max.unwrap_or(u64::MAX);
        if size > max && !self.keeps_larger {
            return vec![slot];
        }
        let mut gone = Vec::new();
        while self.total.saturating_add(size) > max {
            let Some((oldest, freed)) = self.sizes.pop_lru() else { break };
            self.total -= freed;
            self.evictions += 1;
            gone.push(oldest);
        }
        self.sizes.put(slot, size);
        self.total += size;
        gone
    }

    /// The entry of a slot is gone: deleted, expired, or changed elsewhere.
    pub fn remove(&mut self, slot: u32) {
        self.total -= self.sizes.pop(&slot).unwrap_or(0);
    }

    /// Everything is gone.
    pub fn clear(&mut self) {
        self.sizes.clear();
        self.total = 0;
    }

    /// Bytes of all entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.total
    }

    /// How many entries had to go for space, since construction.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_recently_used_goes_first() {
        let mut memory = Memory::new(Some(30), false);
        for slot in 0..3 {
            assert!(memory.put(slot, 10).is_empty());
        }
        memory.hits(&[0, 1, 77]);
        assert_eq!(memory.put(3, 10), [2]);
        assert_eq!(memory.put(4, 20), [0, 1]);
        assert_eq!((memory.size(), memory.evictions()), (30, 3));
    }

    #[test]
    fn an_entry_larger_than_all_memory_evicts_nothing() {
        let mut memory = Memory::new(Some(30), false);
        memory.put(0, 10);
        memory.put(1, 10);
        assert_eq!(memory.put(2, 31), [2]);
        assert_eq!(memory.put(1, 31), [1], "the older value of the same key goes");
        assert_eq!((memory.size(), memory.evictions()), (10, 0));
    }

    #[test]
    fn without_a_disk_it_is_kept_alone() {
        let mut memory = Memory::new(Some(30), true);
        memory.put(0, 10);
        memory.put(1, 10);
        assert_eq!(memory.put(2, 31), [0, 1]);
        assert_eq!(memory.put(3, 1), [2]);
        assert_eq!(memory.size(), 1);
    }

    #[test]
    fn a_size_is_given_back() {
        let mut memory = Memory::new(Some(30), false);
        memory.put(0, 30);
        memory.put(0, 5);
        assert_eq!(memory.size(), 5);
        memory.remove(0);
        memory.remove(0);
        assert_eq!(memory.size(), 0);
        memory.put(1, 5);
        memory.clear();
        assert_eq!(memory.size(), 0);
        assert!(Memory::new(None, false).put(0, u64::MAX).is_empty());
    }
}
