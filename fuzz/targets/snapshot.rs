//! Crash recovery's snapshot and records as somebody else may have written them: any bytes, also behind a right seal. No
//! panic, and whatever is read can be written and read again, as one good JSON text with a line for each job.
//!
//! The first byte says whether the rest is sealed as ours; then lines up to an empty one are records, and the snapshot
//! follows.

#![no_main]

use std::collections::HashSet;

use desktop_runtime_core::recovery::job::List;
use desktop_runtime_core::recovery::journal;
use desktop_runtime_core::recovery::snapshot::{self, Origin};
use desktop_runtime_core::recovery::state::{Limits, State};
use desktop_runtime_fuzz::json;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const LIMITS: Limits = Limits { most_recovered: None, most_attempts: Some(1) };

/// The text with the seal that our own snapshots have.
fn sealed(text: &[u8]) -> Vec<u8> {
    let content = [text, b",\n\"journal\":{\"generation\":5"].concat();
    let sum: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    [content.as_slice(), b",\"sha256\":\"", sum.as_bytes(), b"\"}}"].concat()
}

/// Judges what was read: it is written as JSON, a line for each job, and read again as the same.
fn judge(state: &mut State) {
    let jobs: usize = List::ALL.iter().map(|list| state.count(*list)).sum();
    let text = snapshot::render(&state.picture(), 7);
    assert!(json::parse(&text).is_some(), "{}", text.escape_ascii());
    assert_eq!(text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"")).count(), jobs + 1);
    assert!(!text.contains(&b'\r'));
    let again = snapshot::read(&text, std::iter::empty(), 0);
    assert_eq!((again.origin, again.skipped), (Origin::Ours(7), 0), "{}", text.escape_ascii());
    // A time that a double does not hold is no time that anybody wrote.
    if state.healthy_at_ms().is_none_or(|at| at <= 1 << 53) {
        assert_eq!(snapshot::render(&again.state.picture(), 7), text);
    }

    state.park_exhausted(LIMITS, &HashSet::new());
    for array in [state.recoverable(LIMITS, &HashSet::new()), state.parked(), state.live_ids()] {
        let Some(json::Value::Array(_)) = json::parse(&array) else { panic!("{}", array.escape_ascii()) };
    }
    let mut lines = Vec::new();
    journal::push_lines(&mut lines, 3, state.records());
    let written = state.records().iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
    let read = journal::read(&lines, 3);
    assert_eq!(read.records, written, "a record is one line");
}

fuzz_target!(|data: &[u8]| {
    let Some((seal, mut rest)) = data.split_first() else { return };
    // As a file of its own, in whatever place.
    let _ = journal::read(rest, u64::from(*seal));
    let mut records = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        records.push(line);
    }
    let text = if *seal & 1 == 1 { sealed(rest) } else { rest.to_vec() };
    let reading = snapshot::read(&text, records.iter().copied(), 1000);
    let mut state = reading.state;
    judge(&mut state);
    for record in &records {
        state.replay(record);
    }
    state.records().clear();
    judge(&mut state);
});
