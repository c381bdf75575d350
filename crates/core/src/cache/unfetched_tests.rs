use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::*;

/// Runs `act` while somebody waits for space, and says whether that one went on.
fn goes_on(unfetched: &Arc<Unfetched>, act: impl FnOnce()) -> bool {
    let (sender, receiver) = channel();
    let waiter = Arc::clone(unfetched);
    thread::spawn(move || {
        waiter.wait_for_space();
        let _ = sender.send(());
    });
    assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err(), "there is no space");
    act();
    receiver.recv_timeout(Duration::from_secs(5)).is_ok()
}

fn full() -> Arc<Unfetched> {
    let unfetched = Arc::new(Unfetched::default());
    unfetched.put(1, vec![0; MAX_UNFETCHED]);
    unfetched.wait_for_space();
    unfetched.put(2, vec![0; 1]);
    unfetched
}

#[test]
fn past_the_bound_reading_waits_until_a_value_is_fetched() {
    let unfetched = full();
    assert!(goes_on(&unfetched, || assert_eq!(unfetched.take(2), Some(vec![0; 1]))));
    assert_eq!(unfetched.take(2), None);
}

#[test]
fn nobody_waits_for_an_end() {
    let unfetched = full();
    assert!(goes_on(&unfetched, || unfetched.clear()));
    let unfetched = full();
    assert!(goes_on(&unfetched, || unfetched.close()));
    unfetched.put(3, vec![0; 2 * MAX_UNFETCHED]);
    unfetched.wait_for_space();
}
