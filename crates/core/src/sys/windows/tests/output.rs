//! The way from an engine.

use super::*;

#[test]
fn the_end_of_the_engine_is_the_end_of_its_output() {
    let Started { engine, ended: _ended } = start(&request("exits with 1"));
    assert_eq!(read_all(engine.stdout), b"");
}

#[test]
fn an_empty_write_is_not_the_end() {
    let Started { engine, ended: _ended } = start(&request("writes nothing and then something"));
    assert_eq!(read_all(engine.stdout), b"something");
}

#[test]
fn what_is_in_the_pipe_at_the_end_is_read_though_a_child_holds_it() {
    let request =
        SpawnRequest { kill_tree: false, ..request("writes 60000 bytes, leaves a child and exits") };
    let Started { engine, ended } = start(&request);
    let (_child, _lines) = Stranger::from_line(Lines::of(engine.stderr).next());
    let process = engine.process;
    in_time(move || process.wait());
    drop(ended);
    let mut bytes = read_all(engine.stdout);
    // The child's own heading may be among them.
    bytes.retain(|byte| *byte == b'x');
    assert_eq!(bytes.len(), 60_000);
}

#[test]
fn a_read_that_waits_ends_with_the_trigger() {
    let Started { engine, ended } = start(&request("parks"));
    // The heading is read, so that the next read waits.
    let (reading, begins) = channel();
    let mut output = engine.stdout;
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match output.read(&mut buffer) {
                Ok(0) => return,
                other => reading.send(other.unwrap()).unwrap(),
            }
        }
    });
    while begins.recv_timeout(Duration::from_millis(500)).is_ok() {}
    assert!(!reader.is_finished());
    drop(ended);
    in_time(move || reader.join().unwrap());
}

#[test]
fn a_child_that_never_stops_writing_cannot_keep_the_end_away() {
    let request = SpawnRequest { kill_tree: false, ..request("leaves a flood and exits") };
    let Started { engine, ended } = start(&request);
    let (_flood, _lines) = Stranger::from_line(Lines::of(engine.stderr).next());
    let process = engine.process;
    in_time(move || process.wait());
    drop(ended);
    let mut output = engine.stdout;
    in_time(move || while output.read(&mut [0; 4096]).unwrap() > 0 {});
}
