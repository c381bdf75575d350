//! Which entries stay in memory: least recently used go first. The values are JavaScript's, here they are slots.
//!
//! The order is a list through a table, for slots are small numbers of our own that are used again: an entry takes 16
//! bytes, and a use neither hashes nor allocates.

/// No slot, as a neighbour; as `newer` of a node: the slot is free.
const NONE: u32 = u32::MAX;
const FREE: u32 = u32::MAX - 1;

#[derive(Debug, Clone, Copy)]
struct Node {
    older: u32,
    newer: u32,
    size: u64,
}

/// The memory tier's rules.
#[derive(Debug)]
pub struct Memory {
    nodes: Vec<Node>,
    oldest: u32,
    newest: u32,
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
        Self { nodes: Vec::new(), oldest: NONE, newest: NONE, total: 0, max, keeps_larger, evictions: 0 }
    }

    /// These slots were used, in this order. Free ones are ignored.
    pub fn hits(&mut self, slots: &[u32]) {
        for &slot in slots {
            if slot != self.newest && self.is_taken(slot) {
                self.unlink(slot);
                self.link(slot);
            }
        }
    }

    /// A new entry, or a new value of an old one, in this slot. The slots that go, which may be this one, are added to
    /// `gone`.
    pub fn put(&mut self, slot: u32, size: u64, gone: &mut Vec<u32>) {
        self.remove(slot);
        let max = self.max.unwrap_or(u64::MAX);
        if size > max && !self.keeps_larger {
            gone.push(slot);
            return;
        }
        while self.total.saturating_add(size) > max && self.oldest != NONE {
            let oldest = self.oldest;
            self.remove(oldest);
            self.evictions += 1;
            gone.push(oldest);
        }
        let index = slot as usize;
        if index >= self.nodes.len() {
            self.nodes.resize(index + 1, Node { older: NONE, newer: FREE, size: 0 });
        }
        self.nodes[index].size = size;
        self.link(slot);
        self.total += size;
    }

    /// The entry of a slot is gone: deleted, expired, or changed elsewhere.
    pub fn remove(&mut self, slot: u32) {
        if self.is_taken(slot) {
            self.unlink(slot);
            let node = &mut self.nodes[slot as usize];
            node.newer = FREE;
            self.total -= node.size;
        }
    }

    /// Everything is gone.
    pub fn clear(&mut self) {
        self.nodes = Vec::new();
        (self.oldest, self.newest) = (NONE, NONE);
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

    fn is_taken(&self, slot: u32) -> bool {
        self.nodes.get(slot as usize).is_some_and(|node| node.newer != FREE)
    }

    fn unlink(&mut self, slot: u32) {
        let Node { older, newer, .. } = self.nodes[slot as usize];
        match older {
            NONE => self.oldest = newer,
            _ => self.nodes[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            _ => self.nodes[newer as usize].older = older,
        }
    }

    /// As the newest.
    fn link(&mut self, slot: u32) {
        let before = std::mem::replace(&mut self.newest, slot);
        let node = &mut self.nodes[slot as usize];
        (node.older, node.newer) = (before, NONE);
        match before {
            NONE => self.oldest = slot,
            _ => self.nodes[before as usize].newer = slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(memory: &mut Memory, slot: u32, size: u64) -> Vec<u32> {
        let mut gone = Vec::new();
        memory.put(slot, size, &mut gone);
        gone
    }

    #[test]
    fn least_recently_used_goes_first() {
        let mut memory = Memory::new(Some(30), false);
        for slot in 0..3 {
            assert!(put(&mut memory, slot, 10).is_empty());
        }
        memory.hits(&[0, 1, 77]);
        assert_eq!(put(&mut memory, 3, 10), [2]);
        assert_eq!(put(&mut memory, 4, 20), [0, 1]);
        assert_eq!((memory.size(), memory.evictions()), (30, 3));
    }

    #[test]
    fn an_entry_larger_than_all_memory_evicts_nothing() {
        let mut memory = Memory::new(Some(30), false);
        put(&mut memory, 0, 10);
        put(&mut memory, 1, 10);
        assert_eq!(put(&mut memory, 2, 31), [2]);
        assert_eq!(put(&mut memory, 1, 31), [1], "the older value of the same key goes");
        assert_eq!((memory.size(), memory.evictions()), (10, 0));
    }

    #[test]
    fn without_a_disk_it_is_kept_alone() {
        let mut memory = Memory::new(Some(30), true);
        put(&mut memory, 0, 10);
        put(&mut memory, 1, 10);
        assert_eq!(put(&mut memory, 2, 31), [0, 1]);
        assert_eq!(put(&mut memory, 3, 1), [2]);
        assert_eq!(memory.size(), 1);
    }

    #[test]
    fn a_size_is_given_back() {
        let mut memory = Memory::new(Some(30), false);
        put(&mut memory, 0, 30);
        put(&mut memory, 0, 5);
        assert_eq!(memory.size(), 5);
        memory.remove(0);
        memory.remove(0);
        assert_eq!(memory.size(), 0);
        put(&mut memory, 1, 5);
        memory.clear();
        assert_eq!(memory.size(), 0);
        assert!(put(&mut Memory::new(None, false), 0, u64::MAX).is_empty());
    }

    /// The rules once more, on a list that is searched.
    struct Twin {
        entries: Vec<(u32, u64)>,
        max: u64,
    }

    impl Twin {
        fn put(&mut self, slot: u32, size: u64) -> Vec<u32> {
            self.entries.retain(|(taken, _)| *taken != slot);
            if size > self.max {
                return vec![slot];
            }
            let mut gone = Vec::new();
            while self.size() + size > self.max {
                gone.push(self.entries.remove(0).0);
            }
            self.entries.push((slot, size));
            gone
        }

        fn hit(&mut self, slot: u32) {
            if let Some(at) = self.entries.iter().position(|(taken, _)| *taken == slot) {
                let entry = self.entries.remove(at);
                self.entries.push(entry);
            }
        }

        fn size(&self) -> u64 {
            self.entries.iter().map(|(_, size)| size).sum()
        }
    }

    proptest::proptest! {
        #[test]
        fn it_does_what_a_searched_list_does(
            steps in proptest::collection::vec((0..4_u8, 0..12_u32, 0..40_u64), 0..200),
        ) {
            let mut memory = Memory::new(Some(100), false);
            let mut twin = Twin { entries: Vec::new(), max: 100 };
            for (step, slot, size) in steps {
                match step {
                    0 => {
                        memory.remove(slot);
                        twin.entries.retain(|(taken, _)| *taken != slot);
                    }
                    1 => {
                        memory.hits(&[slot]);
                        twin.hit(slot);
                    }
                    _ => assert_eq!(put(&mut memory, slot, size * 3), twin.put(slot, size * 3)),
                }
                assert_eq!(memory.size(), twin.size());
            }
        }
    }
}
