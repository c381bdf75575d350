//! The way to an engine.

use std::io::ErrorKind;

use super::*;
use crate::sys::windows::{Input, Watch};

fn write_all(mut input: Input, bytes: &[u8], watch: &Watch) -> io::Result<Input> {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[input.write(rest, watch)?..];
    }
    Ok(input)
}

#[test]
fn a_megabyte_goes_there_and_back() {
    let Started { engine, ended: _ended } = start(&request("echoes"));
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).take(1_000_000).collect();
    let sent = bytes.clone();
    let writer = thread::spawn(move || {
        let (_cancel, cancelled) = trigger().unwrap();
        drop(write_all(engine.stdin, &sent, &cancelled).unwrap());
    });
    assert!(read_all(engine.stdout) == bytes, "other bytes came back");
    writer.join().unwrap();
    assert_eq!(in_time(move || engine.process.wait()).code, Some(0));
}

#[test]
fn what_was_written_before_the_close_arrives() {
    let Started { engine, ended: _ended } = start(&request("echoes"));
    let (_cancel, cancelled) = trigger().unwrap();
    drop(write_all(engine.stdin, b"last words", &cancelled).unwrap());
    assert_eq!(read_all(engine.stdout), b"last words");
}

#[test]
fn try_write_never_waits() {
    let Started { mut engine, ended: _ended } = start(&request("parks"));
    assert_eq!(engine.stdin.try_write(&vec![b' '; 1 << 20]).unwrap(), 0);
}

#[test]
fn a_write_that_waits_ends_with_the_trigger() {
    let Started { engine, ended: _ended } = start(&request("parks"));
    let (cancel, cancelled) = trigger().unwrap();
    let (progress, progressed) = channel();
    let mut input = engine.stdin;
    let writer = thread::spawn(move || {
        loop {
            match input.write(&vec![b' '; 64 * 1024], &cancelled) {
                Ok(n) => progress.send(n).unwrap(),
                Err(error) => return error.kind(),
            }
        }
    });
    // The pipe takes what it holds; then nothing moves any more.
    while progressed.recv_timeout(Duration::from_millis(500)).is_ok() {}
    assert!(!writer.is_finished());
    drop(cancel);
    assert_eq!(in_time(move || writer.join().unwrap()), ErrorKind::Interrupted);
}

#[test]
fn a_write_to_an_engine_that_has_ended_is_a_broken_pipe() {
    let Started { engine, ended: _ended } = start(&request("exits with 1"));
    let process = engine.process;
    in_time(move || process.wait());
    let (_cancel, cancelled) = trigger().unwrap();
    let error = in_time(move || write_all(engine.stdin, b"anybody?", &cancelled).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
}

#[test]
fn an_engine_does_not_hold_the_pipes_of_another() {
    let Started { engine: first, ended: _first_ended } = start(&request("echoes"));
    let Started { engine: _second, ended: _second_ended } = start(&request("parks"));
    drop(first.stdin);
    assert_eq!(in_time(move || first.process.wait()).code, Some(0));
    assert_eq!(read_all(first.stdout), b"");
}
