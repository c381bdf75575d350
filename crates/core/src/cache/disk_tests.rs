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
                let _ = told.send(String::from_utf8(batch).unwrap());
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
    disk.give_up();
    assert_eq!(next(&told), "[50,0,0,null]");
    submit(&disk, 9, set(3));
    assert_eq!(next(&told), "[61,0,5,null,62,0,9,true]");
    disk.abandon();
    let _ = std::fs::remove_dir_all(folder);
}
