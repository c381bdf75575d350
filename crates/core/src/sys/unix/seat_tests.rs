use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Seat;
use super::name::{Bound, bind};

#[test]
fn one_copy_shares_a_seat_and_another_waits_until_the_last_has_risen() {
    let file = (u64::MAX, 1);
    let seats = [Seat::take(file), Seat::take(file)];
    assert!(seats.iter().all(Option::is_some));
    // While a process that another test makes has the socket, too, that cannot be known.
    let other_copy = || (0..100).any(|_| matches!(bind(file), Bound::Ours(_)));
    assert!(matches!(bind(file), Bound::OtherCopys));
    let [first, last] = seats;
    drop(first);
    assert!(matches!(bind(file), Bound::OtherCopys));
    drop(last);
    assert!(other_copy());
}

#[test]
fn none_is_given_while_another_copy_sits_there() {
    let file = (u64::MAX, 2);
    let Bound::Ours(other) = bind(file) else { panic!("nobody has it") };
    assert!(Seat::take(file).is_none());
    assert!(Seat::take((u64::MAX, 3)).is_some());
    drop(other);
    assert!(Seat::take(file).is_some());
}

#[test]
fn who_lets_go_in_the_middle_of_a_look_is_taken_for_nobody_else() {
    let file = (u64::MAX, 4);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let seat = bind(file);
                thread::park_timeout(Duration::from_millis(1));
                drop(seat);
            }
        });
        let unknown = (0..1000).filter(|_| matches!(bind(file), Bound::Unknown)).count();
        over.store(true, Ordering::Relaxed);
        // Ten unlucky looks in a row are had, too, and a process that another test makes may keep a copy of the socket for as
        // long: but hardly ever. With one look it is dozens of times.
        assert!(unknown <= 5, "{unknown}");
    });
}

/// Another process has our name, as in a container that shares our network and has our number.
#[test]
fn one_that_only_another_process_has_is_given() {
    let file = (u64::MAX, 5);
    let name = format!("niche-knack/desktop-runtime/{}/{:x}/{:x}", std::process::id(), file.0, file.1);
    let script = format!(
        "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('\\0{name}'); print('bound', flush=True); sys.stdin.read()"
    );
    let mut other = Command::new("python3")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut said = [0; 5];
    other.stdout.as_mut().expect("a pipe").read_exact(&mut said).expect("it says so");
    assert!(matches!(bind(file), Bound::Unknown));
    assert!(Seat::take(file).is_some());
    drop(other.stdin.take());
    other.wait().expect("it ends");
}
