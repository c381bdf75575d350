//! The one clock of the process: a thread that rings everyone at the time they asked for, and sleeps otherwise.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, Weak};
use std::time::Instant;

use crate::clock;
use crate::fault::{caught, insisted};
use crate::sync::{Condvar, Mutex, thread};

/// Somebody with deadlines. At most one ring is set for each; a later `set` replaces it.
pub trait Alarm: Send + Sync {
    /// A number of its own.
    fn alarm_id(&self) -> u64;
    /// The time that was asked for has come. Must not block.
    fn ring(&self, now: Instant);
    /// A ring panicked: what it was to do has to come another way.
    fn ring_failed(&self);
}

#[derive(Default)]
struct Alarms {
    order: BTreeSet<(Instant, u64)>,
    by_id: HashMap<u64, (Instant, Weak<dyn Alarm>)>,
    running: bool,
}

/// A clock and its thread; the process has one.
#[derive(Default)]
pub struct Timer {
    alarms: Mutex<Alarms>,
    changed: Condvar,
}

fn timer() -> &'static Arc<Timer> {
    static TIMER: OnceLock<Arc<Timer>> = OnceLock::new();
    TIMER.get_or_init(Arc::default)
}

/// A number for a new [`Alarm`].
pub fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Asks for a ring at `at`, in place of an earlier request of the same alarm.
///
/// # Errors
/// When the thread cannot be started; the request stays noted and is served once a later one starts it.
pub fn set(alarm: &Arc<dyn Alarm>, at: Instant) -> io::Result<()> {
    timer().set(alarm, at)
}

/// Starts the thread, so that a `set` cannot fail any more.
///
/// # Errors
/// When it cannot be started.
pub fn ensure() -> io::Result<()> {
    let timer = timer();
    timer.start(&mut timer.alarms.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The alarm is no more: its place is free at once, however far its deadline was.
pub fn forget(id: u64) {
    let mut alarms = timer().alarms.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, _)) = alarms.by_id.remove(&id) {
        alarms.order.remove(&(at, id));
    }
}

impl Timer {
    fn start(self: &Arc<Self>, alarms: &mut Alarms) -> io::Result<()> {
        if !alarms.running {
            let timer = Arc::clone(self);
            thread::Builder::new().name("desktop-runtime timer".into()).spawn(move || {
                // It rings for every engine of the process, in every environment: it must outlive any of them.
                while caught(|| timer.run()).is_none() {}
            })?;
            alarms.running = true;
        }
        Ok(())
    }

    /// As the function of this name, for one clock of several.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn set(self: &Arc<Self>, alarm: &Arc<dyn Alarm>, at: Instant) -> io::Result<()> {
        let id = alarm.alarm_id();
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, _)) = alarms.by_id.insert(id, (at, Arc::downgrade(alarm))) {
            alarms.order.remove(&(before, id));
        }
        alarms.order.insert((at, id));
        self.start(&mut alarms)?;
        if alarms.order.first() == Some(&(at, id)) {
            self.changed.notify_one();
        }
        Ok(())
    }

    fn run(&self) {
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = clock::now().instant;
            match alarms.order.first().copied() {
                None => alarms = self.changed.wait(alarms).unwrap_or_else(PoisonError::into_inner),
                Some((at, _)) if at > now => {
                    let woken = self.changed.wait_timeout(alarms, at - now);
                    alarms = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(first) => {
                    alarms.order.remove(&first);
                    let due = alarms.by_id.remove(&first.1).and_then(|(_, alarm)| alarm.upgrade());
                    drop(alarms);
                    if let Some(alarm) = due {
                        if caught(|| alarm.ring(now)).is_none() {
                            insisted(|| alarm.ring_failed());
                        }
                        // Perhaps the last of its owners is gone: its end is code of its own.
                        caught(|| drop(alarm));
                    }
                    alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Sleeper(u64);

    impl Alarm for Sleeper {
        fn alarm_id(&self) -> u64 {
            self.0
        }

        fn ring(&self, _now: Instant) {}

        fn ring_failed(&self) {}
    }

    #[test]
    fn nothing_is_kept_of_an_alarm_that_is_forgotten_long_before_it_is_due() {
        let id = next_id();
        let alarm: Arc<dyn Alarm> = Arc::new(Sleeper(id));
        let at = clock::now().instant + Duration::from_hours(24);
        set(&alarm, at).expect("a thread can be started");
        let weak = Arc::downgrade(&alarm);
        assert_eq!(Weak::weak_count(&weak), 2);
        forget(id);
        assert_eq!(Weak::weak_count(&weak), 1);
        let alarms = timer().alarms.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!alarms.by_id.contains_key(&id) && !alarms.order.contains(&(at, id)));
    }
}
