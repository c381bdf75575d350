use std::sync::Barrier;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use super::*;

/// How many have the folder.
static WRITING: AtomicI32 = AtomicI32::new(0);

/// Takes its time to give up.
struct Writer;

impl Holder for Writer {
    fn give_up(&self, _life: u64) {
        thread::park_timeout(Duration::from_millis(20));
        WRITING.store(0, Ordering::SeqCst);
    }
}

#[test]
fn of_many_who_come_at_once_one_has_the_folder() {
    let folder = std::env::temp_dir().join(format!("seat-test-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let seat = of(&folder).unwrap();
    let first: Arc<dyn Holder> = Arc::new(Writer);
    assert!(seat.take(&first, next_life()).is_ok());
    WRITING.store(1, Ordering::SeqCst);
    let next: Vec<(Arc<dyn Holder>, u64)> = (0..2).map(|_| (Arc::new(Writer) as _, next_life())).collect();
    let begin = Barrier::new(next.len());
    thread::scope(|scope| {
        for (holder, life) in &next {
            scope.spawn(|| {
                begin.wait();
                match seat.take(holder, *life) {
                    Ok(_) => {}
                    Err(Refused::Overtaken) => return,
                    Err(other) => panic!("{other:?}"),
                }
                assert_eq!(WRITING.fetch_add(1, Ordering::SeqCst), 0, "the one before writes on");
            });
        }
    });
    assert!(seat.is_ours());
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn whoever_comes_later_to_a_folder_waits_for_those_on_the_way_to_it() {
    let folder = Path::new("/a");
    let (earlier, elsewhere) = (Arrival::new(folder), Arrival::new(Path::new("/b")));
    let later = Arrival::new(folder);
    elsewhere.wait();
    earlier.wait();
    let has_seat = AtomicI32::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            later.wait();
            assert_eq!(has_seat.load(Ordering::SeqCst), 1, "it overtakes");
        });
        thread::park_timeout(Duration::from_millis(20));
        has_seat.store(1, Ordering::SeqCst);
        drop(earlier);
    });
    later.wait();
}

/// As `fork` makes one: a process that is about to become an engine has all that is open here until it executes.
#[test]
fn a_folder_that_was_let_go_can_be_taken_while_a_copy_of_the_lock_is_open() {
    let folder = std::env::temp_dir().join(format!("seat-test-copy-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let seat = of(&folder).unwrap();
    let (first, second): (Arc<dyn Holder>, Arc<dyn Holder>) = (Arc::new(Writer), Arc::new(Writer));
    let life = next_life();
    assert!(seat.take(&first, life).is_ok());
    let copy = seat.held().lock.as_ref().unwrap().try_clone().unwrap();
    seat.release(life);
    assert!(seat.take(&second, next_life()).is_ok());
    drop(copy);
    let _ = fs::remove_dir_all(folder);
}
