//! The table of pending calls against a list (architecture invariant 3): whatever comes, each request leaves it once.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    /// A request, `Some`: in this slot, when the slot is free.
    Insert {
        slot: Option<u32>,
        timeout_ms: Option<u64>,
    },
    /// An answer to one of those pending, or to one that has left.
    Take {
        pick: usize,
        pending: bool,
    },
    Abort {
        slot: u32,
    },
    Pass {
        ms: u64,
    },
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let insert = (proptest::option::of(0..6_u32), proptest::option::of(0..50_u64))
        .prop_map(|(slot, timeout_ms)| Op::Insert { slot, timeout_ms });
    prop_oneof![
        8 => insert,
        4 => (0..8_usize, prop::bool::weighted(0.7)).prop_map(|(pick, pending)| Op::Take { pick, pending }),
        2 => (0..8_u32).prop_map(|slot| Op::Abort { slot }),
        4 => (0..40_u64).prop_map(|ms| Op::Pass { ms }),
        1 => Just(Op::Clear),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    id: Uuid,
    purpose: Purpose,
    deadline: Option<Instant>,
}

impl Entry {
    fn slot(&self) -> Option<u32> {
        match self.purpose {
            Purpose::Call { slot, .. } => Some(slot),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Twin {
    pending: Vec<Entry>,
    gone: Vec<Uuid>,
}

impl Twin {
    fn remove(&mut self, at: usize) -> Entry {
        let entry = self.pending.remove(at);
        self.gone.push(entry.id);
        entry
    }

    fn in_slot(&self, slot: u32) -> Option<usize> {
        self.pending.iter().position(|entry| entry.slot() == Some(slot))
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.pending.iter().filter_map(|entry| entry.deadline).min()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_request_leaves_the_table_once(ops in proptest::collection::vec(op(), 1..100)) {
        #[expect(clippy::disallowed_methods, reason = "any moment will do")]
        let mut now = Instant::now();
        let mut calls = Calls::default();
        let mut twin = Twin::default();
        let mut last = 0;
        for op in ops {
            match op {
                Op::Insert { slot, timeout_ms } => {
                    if slot.is_some_and(|slot| twin.in_slot(slot).is_some()) {
                        continue;
                    }
                    last += 1;
                    let purpose = slot.map_or(Purpose::Forgotten, |slot| Purpose::Call { slot, starts_job: false });
                    let deadline = timeout_ms.map(|ms| now + Duration::from_millis(ms));
                    let entry = Entry { id: Uuid::from_u128(last), purpose, deadline };
                    calls.insert(entry.id, purpose, deadline);
                    twin.pending.push(entry);
                }
                Op::Take { pick, pending: true } if pick < twin.pending.len() => {
                    let entry = twin.remove(pick);
                    prop_assert_eq!(calls.take(entry.id), Some(entry.purpose));
                    prop_assert_eq!(calls.take(entry.id), None);
                }
                Op::Take { pick, .. } => {
                    let unknown = twin.gone.get(pick).copied().unwrap_or_else(|| Uuid::from_u128(last + 1));
                    prop_assert_eq!(calls.take(unknown), None);
                }
                Op::Abort { slot } => {
                    let expected = twin.in_slot(slot).map(|at| twin.remove(at));
                    prop_assert_eq!(calls.abort(slot), expected.is_some());
                    prop_assert!(!calls.abort(slot));
                }
                Op::Pass { ms } => {
                    now += Duration::from_millis(ms);
                    while let Some((id, purpose)) = calls.expire(now) {
                        let at = twin.pending.iter().position(|entry| entry.id == id);
                        let entry = twin.remove(at.expect("only what is pending expires"));
                        prop_assert_eq!(entry.purpose, purpose);
                        // The earliest first, and none before its time.
                        prop_assert!(entry.deadline.is_some_and(|at| at <= now));
                        prop_assert!(twin.next_deadline().is_none_or(|at| Some(at) >= entry.deadline));
                    }
                    prop_assert!(twin.next_deadline().is_none_or(|at| at > now));
                }
                Op::Clear => {
                    calls.clear();
                    while !twin.pending.is_empty() {
                        twin.remove(0);
                    }
                }
            }
            prop_assert_eq!(calls.waiting(), twin.pending.iter().filter(|entry| entry.slot().is_some()).count());
            prop_assert_eq!(calls.next_deadline(), twin.next_deadline());
        }
    }
}
