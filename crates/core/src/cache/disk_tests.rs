use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::cache::Key;
use crate::delivery::Wake;

struct Told(Mutex<Sender<String>>);

impl Wake for Told {
    fn wake(&self, delivery: &Arc<Delivery>) {
        // From another thread, as an event loop would.
        let (delivery, told) = (Arc::clone(delivery), lock(&self.0).clone());
        thread::spawn(move || {
            if let Some(batch) = delivery.take() {
                let _ = told.send(String::from_utf8(batch.to_vec()).unwrap());
            }
        });
    }
}

fn disk(name: &str) -> (Arc<Disk>, Receiver<String>, PathBuf) {
    let folder = std::env::temp_dir().join(format!("disk-test-{}-{name}", std::process::id()));
    let (sender, receiver) = channel();
    let delivery = Delivery::new(1, Box::new(Told(Mutex::new(sender))));
    (Disk::new(&folder, None, delivery), receiver, folder)
}

fn set(length: usize) -> Work {
    let key = Key::from_units(&[0x61]);
    Work::Set(key, Record { kind: 2, value: vec![0; length], expires_at: None, created_at: 0 })
}

fn submit(disk: &Arc<Disk>, ticket: u32, work: Work) {
    assert_eq!(disk.admit(&work), Submit::Taken);
    disk.submit(&mut vec![Command { ticket, now_ms: 5, work }]);
}

fn next(told: &Receiver<String>) -> String {
    told.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn answers_come_by_ticket_behind_the_look() {
    let (disk, told, folder) = disk("answers");
    submit(&disk, 7, set(3));
    assert_eq!(next(&told), "[61,0,5,null,62,0,7,true]");
    submit(&disk, 8, Work::Get { key: Key::from_units(&[0x61]), known: false });
    assert_eq!(next(&told), "[61,0,5,null,63,0,8,[2,null,0,3,null]]");
    assert_eq!(disk.take_binary(8), Some(vec![0; 3]));
    assert_eq!(disk.take_binary(8), None);
    assert_eq!(disk.figures(), (5, 1));
    assert_eq!(disk.queued.load(Ordering::Relaxed), 0, "nothing waits any more");
    disk.abandon();
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn what_waits_is_bounded_and_the_first_has_any_size() {
    let (disk, _told, _folder) = disk("bound");
    assert_eq!(disk.admit(&set(MAX_QUEUED + 1)), Submit::Taken);
    assert_eq!(disk.admit(&set(1)), Submit::Full);
    assert_eq!(disk.admit(&Work::Delete(Key::from_units(&[]))), Submit::Taken, "no value, no weight");
    disk.forget_queued(usize::MAX);
    assert_eq!(disk.admit(&set(MAX_QUEUED / 2)), Submit::Taken);
    assert_eq!(disk.admit(&set(MAX_QUEUED / 2)), Submit::Full, "keys count too");
    assert_eq!(disk.admit(&set(MAX_QUEUED / 4)), Submit::Taken);
}

#[test]
fn after_a_defect_what_waited_rejects_and_the_next_command_works() {
    let (disk, told, folder) = disk("defect");
    submit(&disk, 6, set(2));
    assert_eq!(next(&told), "[61,0,5,null,62,0,6,true]");
    let command = |ticket, work| Command { ticket, now_ms: 5, work };
    let get = || Work::Get { key: Key::from_units(&[0x61]), known: false };
    disk.submit(&mut vec![command(7, set(3)), command(0, Work::Fault), command(8, get())]);
    let mut rejected = next(&told);
    // What memory has to forget comes right behind: in the same batch, or in one of its own.
    if rejected == "[50,0,0,[7,0,8]]" {
        rejected.pop();
        rejected = format!("{rejected},{}", &next(&told)[1..]);
    }
    assert_eq!(rejected, "[50,0,0,[7,0,8],60,0,0,null]");
    submit(&disk, 9, get());
    assert_eq!(
        next(&told),
        "[61,0,5,null,63,0,9,[2,null,0,2,null]]",
        "what was not acknowledged is not there"
    );
    disk.abandon();
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_command_wakes_the_thread_that_waits_for_one() {
    let (disk, told, folder) = disk("wakes");
    submit(&disk, 1, set(3));
    next(&told);
    // Unwoken it would look when it has been idle for long enough to close the files.
    let idle = sys::CACHE_IDLE.max(Duration::from_secs(5)) * 4 / 5;
    submit(&disk, 2, Work::Has(Key::from_units(&[0x61])));
    assert_eq!(told.recv_timeout(idle).unwrap(), "[61,0,5,null,62,0,2,true]");
    disk.abandon();
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_command_that_comes_while_the_files_are_closed_keeps_the_thread() {
    let (disk, _told, _folder) = disk("keeps");
    lock(&disk.queue).runs = true;
    lock(&disk.queue).commands.push_back(Command { ticket: 1, now_ms: 5, work: set(3) });
    assert!(!disk.may_end());
    assert!(lock(&disk.queue).runs);
    lock(&disk.queue).commands.clear();
    assert!(disk.may_end());
    assert!(!lock(&disk.queue).runs, "the next command starts another");
}

#[test]
fn nothing_is_read_while_javascript_is_behind() {
    let (disk, told, folder) = disk("behind");
    submit(&disk, 1, set(3));
    next(&told);
    // No signal: nobody takes it yet.
    disk.delivery.push(Op::Log, 0, 0, Value::Json(&vec![b'1'; 2 * 1024 * 1024]));
    submit(&disk, 2, Work::Get { key: Key::from_units(&[0x61]), known: false });
    assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
    assert!(disk.delivery.take().is_some());
    assert_eq!(next(&told), "[61,0,5,null,63,0,2,[2,null,0,3,null]]");
    disk.abandon();
    let _ = std::fs::remove_dir_all(folder);
}
