//! The clock's thread: alarms that are set from several threads, moved, and due at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use interleavings::clock;
use interleavings::exploration::explore_beside_an_endless_thread;
use interleavings::sync::thread;
use interleavings::timer::{Alarm, Timer, next_id};
use shuttle::sync::mpsc::{Receiver, Sender, channel};

/// Says when it rings, and asks for a further ring while it has any left.
struct Bell {
    id: u64,
    me: Weak<Bell>,
    timer: Arc<Timer>,
    again: AtomicU64,
    rang: shuttle::sync::Mutex<Sender<Instant>>,
}

fn bell(timer: &Arc<Timer>, again: u64) -> (Arc<Bell>, Receiver<Instant>) {
    let (sender, rang) = channel();
    let made = |me: &Weak<Bell>| Bell {
        id: next_id(),
        me: me.clone(),
        timer: Arc::clone(timer),
        again: AtomicU64::new(again),
        rang: shuttle::sync::Mutex::new(sender),
    };
    (Arc::new_cyclic(made), rang)
}

impl Bell {
    fn set(self: &Arc<Self>, at: Instant) {
        let alarm: Arc<dyn Alarm> = Arc::clone(self) as _;
        self.timer.set(&alarm, at).unwrap();
    }
}

impl Alarm for Bell {
    fn alarm_id(&self) -> u64 {
        self.id
    }

    fn ring(&self, now: Instant) {
        self.rang.lock().unwrap().send(now).unwrap();
        if self.again.fetch_sub(1, Ordering::SeqCst) > 1 {
            self.me.upgrade().unwrap().set(now);
        }
    }

    fn ring_failed(&self) {}
}

#[test]
fn what_is_due_rings_although_the_thread_sleeps_for_something_later() {
    explore_beside_an_endless_thread(|| {
        let timer = Arc::<Timer>::default();
        let (later, _rang) = bell(&timer, 1);
        later.set(clock::now().instant + Duration::from_secs(1000));
        let due = |timer: &Arc<Timer>| {
            let (due, rang) = bell(timer, 2);
            thread::spawn(move || {
                due.set(clock::now().instant);
                rang.recv().unwrap();
                rang.recv().unwrap();
            })
        };
        for bell in [due(&timer), due(&timer)] {
            bell.join().unwrap();
        }
    });
}
