use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

struct CountWakes(Arc<AtomicUsize>);

impl Wake for CountWakes {
    fn wake(&self, _: &Arc<Delivery>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn delivery() -> (Arc<Delivery>, Arc<AtomicUsize>) {
    let wakes = Arc::new(AtomicUsize::new(0));
    (Delivery::new(7, Box::new(CountWakes(Arc::clone(&wakes)))), wakes)
}

fn batch(delivery: &Arc<Delivery>) -> Option<String> {
    delivery.take().map(|batch| String::from_utf8(batch.to_vec()).unwrap())
}

#[test]
fn only_the_edge_from_empty_to_not_empty_wakes() {
    let (delivery, wakes) = delivery();
    delivery.signal();
    assert_eq!(wakes.load(Ordering::SeqCst), 0);
    for number in 0..3 {
        delivery.push(Op::Stdout, 0, number, Value::Text(b"x"));
        delivery.signal();
    }
    assert_eq!(wakes.load(Ordering::SeqCst), 1);
    assert_eq!(batch(&delivery).unwrap(), r#"[16,0,0,"x",16,0,1,"x",16,0,2,"x"]"#);
    assert_eq!(batch(&delivery), None);
    delivery.push(Op::Stdout, 0, 3, Value::Null);
    delivery.signal();
    assert_eq!(wakes.load(Ordering::SeqCst), 2);
}

#[test]
fn a_batch_is_about_60_kib_and_the_next_one_wakes_again() {
    let (delivery, wakes) = delivery();
    let text = vec![b'1'; 1000];
    for number in 0..100 {
        delivery.push(Op::Result, 0, number, Value::Json(&text));
    }
    delivery.signal();
    let mut numbers = Vec::new();
    let mut batches = 0;
    while let Some(text) = batch(&delivery) {
        batches += 1;
        // The first `take` leaves something behind and wakes once more.
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
        assert!(text.len() < SLICE + 1100);
        let items: serde_json::Value = serde_json::from_str(&text.replace(&"1".repeat(1000), "1")).unwrap();
        numbers.extend(items.as_array().unwrap().chunks(4).map(|item| item[2].as_u64().unwrap()));
    }
    assert_eq!(batches, 2);
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

#[test]
fn microtasks_run_after_a_response_before_the_next_event() {
    let (delivery, _) = delivery();
    delivery.push(Op::JobEvent, 0, 0, Value::Json(b"1"));
    delivery.push(Op::Result, 0, 1, Value::Json(b"2"));
    delivery.push(Op::Result, 0, 2, Value::Json(b"3"));
    delivery.push(Op::JobEvent, 0, 0, Value::Json(b"4"));
    delivery.push(Op::Result, 0, 3, Value::Json(b"5"));
    // Responses in a row need no break.
    assert_eq!(batch(&delivery).unwrap(), "[13,0,0,1,0,0,1,2,0,0,2,3]");
    assert_eq!(batch(&delivery).unwrap(), "[13,0,0,4,0,0,3,5]");
    assert_eq!(batch(&delivery), None);
}

#[test]
fn an_event_behind_a_response_waits_for_the_listener_that_the_response_may_bring() {
    let (delivery, _) = delivery();
    let unheard = || delivery.push_event(false, Op::JobEvent, 0, 0, Value::Json(b"1"));
    assert!(!unheard(), "nobody listens, nothing is expected");
    delivery.push(Op::Result, 0, 1, Value::Null);
    assert!(unheard(), "the response waits for JavaScript");
    assert!(batch(&delivery).is_some());
    assert!(unheard(), "its microtasks have not run");
    assert!(batch(&delivery).is_some(), "here they have");
    assert!(!unheard());
}

#[test]
fn take_all_is_everything_in_one_batch() {
    let (delivery, _) = delivery();
    delivery.push(Op::Result, 0, 1, Value::Null);
    delivery.push(Op::JobEvent, 0, 0, Value::Json(b"{}"));
    let all = String::from_utf8(delivery.take_all().unwrap().to_vec()).unwrap();
    assert_eq!(all, "[0,0,1,null,13,0,0,{}]");
    assert!(delivery.take_all().is_none() && delivery.is_empty());
}

/// A full queue and a reader that waits for space in it, which tells when it has it.
fn held_up_reader() -> (Arc<Delivery>, mpsc::Receiver<()>) {
    let (delivery, _) = delivery();
    delivery.push(Op::Stdout, 0, 0, Value::Json(&vec![b'1'; CAPACITY]));
    let (told, heard) = mpsc::channel();
    let waited_for = Arc::clone(&delivery);
    thread::spawn(move || {
        waited_for.wait_for_space();
        told.send(()).unwrap();
    });
    // Long enough to be asleep: one that begins behind what is to wake it needs no waking.
    assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
    (delivery, heard)
}

#[test]
fn a_full_queue_holds_up_the_reader_until_javascript_has_taken_from_it() {
    let (delivery, heard) = held_up_reader();
    assert!(batch(&delivery).is_some());
    heard.recv_timeout(DEADLINE).unwrap();
}

#[test]
fn a_full_queue_holds_up_the_reader_until_everything_is_taken_at_once() {
    let (delivery, heard) = held_up_reader();
    assert!(delivery.take_all().is_some());
    heard.recv_timeout(DEADLINE).unwrap();
}

#[test]
fn a_reader_that_waits_goes_on_when_javascript_is_gone() {
    let (delivery, heard) = held_up_reader();
    delivery.close();
    heard.recv_timeout(DEADLINE).unwrap();
}

#[test]
fn nobody_waits_for_a_javascript_that_is_gone() {
    let (delivery, wakes) = delivery();
    delivery.push(Op::Stdout, 0, 0, Value::Json(&vec![b'1'; CAPACITY]));
    delivery.close();
    delivery.wait_for_space();
    delivery.push(Op::Stdout, 0, 0, Value::Null);
    delivery.signal();
    assert!(delivery.is_empty());
    assert_eq!(wakes.load(Ordering::SeqCst), 0);
}

#[test]
fn text_of_the_engine_becomes_a_json_string_whatever_it_is() {
    let (delivery, _) = delivery();
    delivery.push(Op::Stderr, 0, 0, Value::Text(b"a\"\xff\n\0"));
    assert_eq!(batch(&delivery).unwrap(), "[17,0,0,\"a\\\"\u{FFFD}\\n\\u0000\"]");
}

#[test]
fn a_text_fits_when_its_json_string_is_within_the_limit() {
    assert!(!fits_as_string(&[1; 100], 599));
    assert!(fits_as_string(&[1; 100], 600));
    assert!(fits_as_string(&[b'a'; 600], 600));
    assert!(!fits_as_string(&[b'"'; 301], 600));
}

#[test]
fn full_says_whether_a_reader_would_wait() {
    let (delivery, _) = delivery();
    assert!(!delivery.is_full());
    delivery.push(Op::Result, 0, 0, Value::Json(&vec![b'1'; CAPACITY]));
    assert!(delivery.is_full());
    assert!(delivery.take().is_some());
    assert!(!delivery.is_full());
    delivery.push(Op::Result, 0, 0, Value::Json(&vec![b'1'; CAPACITY]));
    delivery.close();
    assert!(!delivery.is_full());
}

fn embedded(text: &str, value: &str) -> Embedded {
    let start = text.find(value).unwrap();
    Embedded { text: text.into(), value: start..start + value.len(), is_ascii: text.is_ascii() }
}

#[test]
fn an_item_is_written_around_a_value_in_its_own_text() {
    let (delivery, _) = delivery();
    delivery.push(Op::Stdout, 0, 0, Value::Text(b"x"));
    let text = r#"{"jsonrpc":"2.0","result":[1,2] }"#;
    let value = embedded(text, "[1,2]");
    let place = value.text.as_ptr().addr() + value.value.start;
    delivery.push_embedded(Op::Result, 0, 7, value);
    assert_eq!(batch(&delivery).unwrap(), r#"[16,0,0,"x"]"#);
    let taken = delivery.take().unwrap();
    assert_eq!(&*taken, b"[0,0,7,[1,2]]");
    assert_eq!(taken.as_ptr().addr(), place - "[0,0,7,".len(), "nothing was moved");
    assert!(taken.is_known_ascii());
    assert!(batch(&delivery).is_none() && delivery.is_empty());
}

#[test]
fn what_follows_a_small_embedded_value_may_be_anything() {
    let (delivery, _) = delivery();
    delivery.push_embedded(Op::Result, 0, 7, embedded(r#"{"jsonrpc":1}"#, "1"));
    delivery.push(Op::Result, 0, 8, Value::Json("\"\u{fc}\"".as_bytes()));
    let taken = delivery.take().unwrap();
    assert_eq!(&*taken, "[0,0,7,1,0,0,8,\"\u{fc}\"]".as_bytes());
    assert!(!taken.is_known_ascii());
}

#[test]
fn where_there_is_no_room_before_the_value_it_is_copied() {
    let (delivery, _) = delivery();
    delivery.push_embedded(Op::Result, 0, 7, embedded(r#"{"r":1,"jsonrpc":"2.0"}"#, "1"));
    let taken = delivery.take().unwrap();
    assert_eq!(&*taken, b"[0,0,7,1]");
}

#[test]
fn all_at_once_joins_what_is_embedded() {
    let (delivery, _) = delivery();
    for value in ["[1]", "\"\u{fc}\""] {
        delivery.push_embedded(Op::Result, 0, 7, embedded(&format!("{{\"jsonrpc\":{value}}}"), value));
    }
    let all = delivery.take_all().unwrap();
    assert_eq!(&*all, "[0,0,7,[1],0,0,7,\"\u{fc}\"]".as_bytes());
    assert!(!all.is_known_ascii());
}

#[test]
fn an_embedded_value_counts_for_the_space() {
    let (delivery, _) = delivery();
    let value = "1".repeat(CAPACITY);
    delivery.push_embedded(Op::Result, 0, 7, embedded(&format!("{{\"jsonrpc\":{value}}}"), &value));
    assert!(delivery.is_full());
    assert!(delivery.take().is_some());
    assert!(!delivery.is_full());
}
