//! The one clock of the process: a thread that rings everyone at the time they asked for, and sleeps otherwise.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use crate::clock;

/// Somebody with deadlines. At most one ring is set for each; a later `set` replaces it.
pub trait Alarm: Send + Sync {
    /// A number of its own.
    fn alarm_id(&self) -> u64;
    /// The time that was asked for has come. Must not block.
    fn ring(&self, now: Instant);
}

#[derive(Default)]
struct Alarms {
    order: BTreeSet<(Instant, u64)>,
    by_id: HashMap<u64, (Instant, Weak<dyn Alarm>)>,
    running: bool,
}

#[derive(Default)]
struct Timer {
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
    let timer = timer();
    let id = alarm.alarm_id();
    let mut alarms = timer.alarms.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((before, _)) = alarms.by_id.insert(id, (at, Arc::downgrade(alarm))) {
        alarms.order.remove(&(before, id));
    }
    alarms.order.insert((at, id));
    if !alarms.running {
        let timer = Arc::clone(timer);
        thread::Builder::new().name("desktop-runtime timer".into()).spawn(move || timer.run())?;
        alarms.running = true;
    }
    if alarms.order.first() == Some(&(at, id)) {
        timer.changed.notify_one();
    }
    Ok(())
}

impl Timer {
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
                        alarm.ring(now);
                    }
                    alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}
