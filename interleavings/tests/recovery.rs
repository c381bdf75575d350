//! Crash recovery: the thread that keeps a folder, and who takes the folder over from whom.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use interleavings::delivery::{Delivery, Op, Tenant, Wake};
use interleavings::exploration::{Time, explore};
use interleavings::recovery::state::Limits;
use interleavings::recovery::{Options, Recovery};
use interleavings::sync::{Mutex, thread};
use shuttle::rand::Rng;
use shuttle::sync::mpsc::{Receiver, Sender, channel};

const JOB: &[u8] = br#"{"id":"a","type":"t","payload":1,"priority":"normal"}"#;

struct Door(Mutex<Sender<()>>);

impl Wake for Door {
    fn wake(&self, _: &Arc<Delivery>) {
        let _ = self.0.lock().unwrap().send(());
    }
}

/// A folder in memory, where the system has one.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = above.join(format!("interleavings-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One `CrashRecovery`, as the facade drives it.
struct App {
    recovery: Arc<Recovery>,
    delivery: Arc<Delivery>,
    tokens: Receiver<()>,
}

impl App {
    fn new(folder: &Folder) -> Self {
        let (sender, tokens) = channel();
        let delivery = Delivery::new(1, Box::new(Door(Mutex::new(sender))));
        let options = Options {
            folder: folder.0.clone(),
            persist_interval: Some(Duration::from_secs(5)),
            limits: Limits { most_recovered: None, most_attempts: None },
        };
        Self { recovery: Recovery::new(options, Arc::clone(&delivery)), delivery, tokens }
    }

    /// Waits until this is told. Nothing else may come before it but lines for the log.
    fn wait_for(&self, op: Op, number: u64) {
        loop {
            self.tokens.recv().unwrap();
            let Some(batch) = self.delivery.take() else { continue };
            let items: Vec<serde_json::Value> = serde_json::from_slice(&batch).unwrap();
            for item in items.chunks(4).filter(|item| item[0] != Op::Log as u64) {
                assert_eq!((&item[0], &item[2]), (&(op as u64).into(), &number.into()));
                return;
            }
        }
    }

    fn open(&self) {
        self.recovery.open();
        self.wait_for(Op::RecoveryOpened, 0);
    }

    fn shut_down(&self, ticket: u32) {
        self.recovery.shutdown(ticket);
        self.wait_for(Op::RecoveryDone, ticket.into());
    }

    fn track(&self) {
        assert_eq!(self.recovery.enter(|state, now| state.track(JOB, false, now)), Some(true));
    }
}

#[test]
fn each_opening_clearing_and_shutdown_is_answered_once() {
    explore(Time::StandsStill, || {
        let folder = Folder::new();
        let app = App::new(&folder);
        for life in 0..2 {
            app.open();
            app.track();
            if shuttle::rand::thread_rng().gen_bool(0.5) {
                app.recovery.clear(10 + life);
                app.wait_for(Op::RecoveryDone, (10 + life).into());
            }
            app.shut_down(life);
        }
        // Nobody keeps the folder: answered all the same.
        app.shut_down(9);
    });
}

/// Two of one process in turn and at once, each time the later taking the folder from the earlier.
fn all_end() {
    let folder = Arc::new(Folder::new());
    let life = |folder: Arc<Folder>| {
        move || {
            let app = App::new(&folder);
            for ticket in 0..2 {
                app.open();
                app.track();
                app.shut_down(ticket);
            }
        }
    };
    let other = thread::spawn(life(Arc::clone(&folder)));
    life(folder)();
    other.join().unwrap();
}

#[test]
fn whoever_takes_the_folder_from_whom_nobody_waits_for_ever() {
    explore(Time::StandsStill, all_end);
}

#[test]
fn nor_while_syncs_and_retries_are_due_at_any_time() {
    explore(Time::Passes, all_end);
}

#[test]
fn abandoning_ends_the_thread_whatever_it_does() {
    explore(Time::StandsStill, || {
        let folder = Folder::new();
        let app = App::new(&folder);
        app.recovery.open();
        for _ in 0..shuttle::rand::thread_rng().gen_range(0..6) {
            thread::yield_now();
        }
        app.track();
        Arc::clone(&app.recovery).abandon();
    });
}

#[test]
fn who_takes_a_folder_does_not_wait_for_the_next_life_of_the_one_before() {
    explore(Time::StandsStill, || {
        let folder = Arc::new(Folder::new());
        let app = App::new(&folder);
        app.open();
        let of_other = Arc::clone(&folder);
        let other = thread::spawn(move || {
            let other = App::new(&of_other);
            other.open();
            other.shut_down(0);
        });
        app.shut_down(0);
        app.open();
        other.join().unwrap();
        app.shut_down(1);
    });
}
