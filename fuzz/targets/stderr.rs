//! stderr as lines: nothing is lost or made up, however it is cut; and its tail is its end.

#![no_main]

#[path = "../../crates/core/src/engine/stderr.rs"]
mod stderr;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stderr::StderrLines;

/// What the contract keeps of it.
const TAIL: usize = 32 * 1024;
/// From here on a line comes in pieces.
const LONG: usize = 64 * 1024;

/// What was written, and how it came.
fn writes(u: &mut Unstructured<'_>) -> Result<Vec<Vec<u8>>> {
    let mut writes = Vec::new();
    while !u.is_empty() && writes.len() < 24 {
        let pattern = match u.arbitrary::<u8>()? % 6 {
            0 => "x".as_bytes().to_vec(),
            1 => "é".as_bytes().to_vec(),
            2 => "😀\r".as_bytes().to_vec(),
            3 => b"\x80".to_vec(),
            _ => {
                let length = usize::from(u.arbitrary::<u8>()? % 16);
                u.bytes(length.min(u.len()))?.to_vec()
            }
        };
        // Long ones are rare: most of what can go wrong is at the ends of short lines.
        let times = match u.arbitrary::<u8>()? {
            b'L' => usize::from(u.arbitrary::<u16>()?),
            few => usize::from(few % 8),
        };
        // A read is never longer.
        let length = (pattern.len() * times).min(LONG);
        let mut write: Vec<u8> = pattern.iter().copied().cycle().take(length).collect();
        let cut = usize::from(u.arbitrary::<u8>()? % 4).min(write.len());
        writes.push(write.split_off(cut));
        writes.push(write);
    }
    Ok(writes)
}

/// The lines, each without its newline and the `\r` before it.
fn lines(all: &[u8]) -> Vec<&[u8]> {
    let whole = |line| {
        let line: &[u8] = line;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    };
    all.split_inclusive(|byte| *byte == b'\n').map(whole).collect()
}

fuzz_target!(|data: &[u8]| {
    let Ok(writes) = writes(&mut Unstructured::new(data)) else { return };
    let all = writes.concat();
    let mut reader = StderrLines::default();
    let mut found: Vec<Vec<u8>> = Vec::new();
    for write in &writes {
        reader.add(write, |line| found.push(line.to_vec()));
    }
    reader.finish(|line| found.push(line.to_vec()));

    if all.split(|byte| *byte == b'\n').all(|line| line.len() < LONG) {
        assert_eq!(found, lines(&all));
    } else {
        assert!(
            found.iter().all(|line| line.len() <= 2 * LONG),
            "a piece is no longer than what is kept and read"
        );
        let text =
            |lines: &[&[u8]]| lines.concat().into_iter().filter(|byte| *byte != b'\r').collect::<Vec<_>>();
        assert_eq!(text(&found.iter().map(Vec::as_slice).collect::<Vec<_>>()), text(&lines(&all)));
    }

    let tail = reader.tail();
    let from = all.len().saturating_sub(TAIL);
    let is_tail = |start: usize| String::from_utf8_lossy(&all[start.min(all.len())..]) == tail;
    assert!((from..=from + 4).any(is_tail), "from a whole character on");
});
