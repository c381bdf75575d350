//! Defects: how they are survived, and how tests bring them about where real code runs.
//!
//! A fault is asked for by the hidden `fault` method of the addon's classes alone; nothing that an engine writes, no file
//! and no environment variable leads here. Where nothing is asked for, a visit is one relaxed load.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How often a step that must not be left out is tried again. A defect that comes back each time has to end somewhere.
const TRIES: usize = 128;

macro_rules! places {
    ($($place:ident $name:literal,)*) => {
        /// Where a fault can be asked for. `visit` is called there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the code that visits a place says what it is")]
        pub enum Place { $($place,)* }

        impl Place {
            /// The place that a test names.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$place),)*
                    _ => None,
                }
            }

            /// Constant, so that it is logged.
            fn text(self) -> &'static str {
                match self {
                    $(Self::$place => concat!("a fault that was asked for: ", stringify!($place)),)*
                }
            }
        }
    };
}

places! {
    Export "export",
    Lock "lock",
    Unlock "unlock",
    Rebuild "rebuild",
    Drop "drop",
    Push "push",
    Take "take",
    Wake "wake",
    Timer "timer",
    Spawner "spawner",
    Spawned "spawned",
    Stdout "stdout",
    Message "message",
    Stderr "stderr",
    Stdin "stdin",
    Waiter "waiter",
    Exit "exit",
    Queue "queue",
    Replay "replay",
    Disk "disk",
    Answer "answer",
    Append "append",
    Keeper "keeper",
    Opening "opening",
    Compact "compact",
}

/// The faults that were asked for of one object.
#[derive(Debug, Default)]
pub struct Faults {
    any: AtomicBool,
    asked: Mutex<Vec<(Place, u32)>>,
}

impl Faults {
    /// The next `times` visits of `place` panic.
    pub fn ask(&self, place: Place, times: u32) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((place, times));
        self.any.store(true, Ordering::Release);
    }

    /// Code that a test may want to fail is about to run.
    ///
    /// # Panics
    /// When that was asked for.
    #[inline]
    pub fn visit(&self, place: Place) {
        if self.any.load(Ordering::Relaxed) {
            self.look(place);
        }
    }

    #[cold]
    fn look(&self, place: Place) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = asked.iter().position(|(it, times)| *it == place && *times > 0) else { return };
        asked[at].1 -= 1;
        asked.retain(|(_, times)| *times > 0);
        self.any.store(!asked.is_empty(), Ordering::Release);
        drop(asked);
        panic_any(place.text());
    }
}

/// What `act` gives; `None` when it panicked. Whatever it was about to change may be half changed.
pub fn caught<R>(act: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => Some(done),
        Err(payload) => {
            // Its drop is code like any other, and would panic where nobody catches.
            std::mem::forget(payload);
            None
        }
    }
}

/// The same for what must be done in any case: a panic brings another try.
pub fn insisted<R>(mut act: impl FnMut() -> R) -> Option<R> {
    (0..TRIES).find_map(|_| caught(&mut act))
}

/// Goes on with a panic that was caught to finish something first. It was reported when it began.
pub fn go_on() -> ! {
    resume_unwind(Box::new("a defect that was caught before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_panics_as_often_as_asked_and_no_other_does() {
        let faults = Faults::default();
        faults.visit(Place::Disk);
        faults.ask(Place::Disk, 2);
        faults.visit(Place::Answer);
        assert_eq!(caught(|| faults.visit(Place::Disk)), None);
        assert_eq!(caught(|| faults.visit(Place::Disk)), None);
        assert_eq!(caught(|| faults.visit(Place::Disk)), Some(()));
        assert!(!faults.any.load(Ordering::Relaxed));
    }

    #[test]
    fn what_must_be_done_is_tried_again_but_not_for_ever() {
        let mut left = 100;
        let count = |left: &mut u32| {
            assert_eq!(*left, 0, "once more");
            7
        };
        let done = insisted(|| {
            left = u32::saturating_sub(left, 1);
            count(&mut left)
        });
        assert_eq!(done, Some(7));
        assert_eq!(insisted(|| -> () { panic!("always") }), None);
    }
}
