//! No input makes framing or reading quadratic: four times the input takes about four times as long (contract section 2).
//!
//! Only the ratio of two times of one run is looked at. Quadratic work would give 16.

use std::hint::black_box;
use std::time::{Duration, Instant};

use desktop_runtime_core::wire::framer::{Frame, Framer};
use desktop_runtime_core::wire::message::{read_head_of_too_long, read_line};

const SMALL: usize = 16 * 1024;
/// Between 4 and 16, with room for what else the machine does.
const TOO_MUCH: f64 = 10.0;

/// What this thread has had of a processor, where the system tells (Linux); else the time of the clock, which also counts
/// what other programs had.
fn spent(since: Instant) -> Duration {
    // What is under way counts once the thread has given way.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

fn fastest(mut work: impl FnMut()) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a time is what is measured")]
    let start = Instant::now();
    let time = |work: &mut dyn FnMut()| {
        let before = spent(start);
        work();
        spent(start).saturating_sub(before)
    };
    (0..5).map(|_| time(&mut work)).min().unwrap_or_default()
}

fn assert_linear(what: &str, work: impl Fn(usize)) {
    // A machine that is busy for a moment is no proof: three in a row are.
    let mut ratios = vec![];
    for _ in 0..3 {
        let small = fastest(|| work(SMALL));
        let large = fastest(|| work(4 * SMALL));
        ratios.push(large.as_secs_f64() / small.as_secs_f64().max(1e-9));
        if ratios.iter().any(|ratio| *ratio < TOO_MUCH) {
            return;
        }
    }
    panic!("{what}: four times the input took {ratios:?} times as long");
}

fn repeated(text: &str, bytes: usize) -> Vec<u8> {
    text.as_bytes().iter().copied().cycle().take(bytes).collect()
}

#[test]
fn a_line_of_any_text_is_read_in_linear_time() {
    let texts = [
        "{",
        "[",
        "{\"a\":",
        "{\"a\":[",
        "\"\\\\",
        "\\\"",
        "{}",
        "{\"a\":1}",
        "{\"a\":1},",
        "}{",
        "\u{feff}",
        " ",
        "\r",
        "x",
        "\"",
        "{\"jobId\":\"a\",\"type\":\"result\",",
        "{\"a\":\"\\u0061",
        "{ \u{feff}",
        "1",
        "1e",
        "{\"id\":1,\"id\":2,",
        "\0",
        "ä{",
    ];
    for text in texts {
        assert_linear(text, |bytes| {
            read_line(black_box(&repeated(text, bytes)), &mut |message| drop(black_box(message)));
        });
    }
}

#[test]
fn so_is_one_whose_64_tries_all_go_to_its_end() {
    // Each brace begins an object that is broken at the very end only.
    let line = |bytes| {
        let mut line = "{\"a\":".repeat(64).into_bytes();
        line.extend(b"[");
        line.extend(repeated("\"x\",", bytes));
        line
    };
    assert_linear("64 objects around one array", |bytes| {
        read_line(black_box(&line(bytes)), &mut |message| drop(black_box(message)));
    });
}

#[test]
fn so_is_the_head_of_a_line_that_was_too_long() {
    for text in ["{\"a\":", "{\"id\":\"x\",\"id\":", "\u{feff} "] {
        assert_linear(text, |bytes| drop(black_box(read_head_of_too_long(&repeated(text, bytes)))));
    }
}

#[test]
fn lines_are_cut_in_linear_time_however_small_the_reads() {
    let cut = |text: &[u8], read: usize, limit| {
        let mut framer = Framer::new(limit);
        for piece in text.chunks(read) {
            framer.spare(64)[..piece.len()].copy_from_slice(piece);
            framer.filled(piece.len());
            while let Some(frame) = framer.next() {
                black_box(matches!(frame, Frame::Line(_)));
            }
        }
    };
    for (what, text) in [("one line", "x"), ("short lines", "ab\n"), ("empty lines", "\n")] {
        for limit in [None, Some(1000), Some(usize::MAX / 4)] {
            for read in [1, 7, 64] {
                assert_linear(what, |bytes| cut(&repeated(text, bytes), read, limit));
            }
        }
    }
}

#[test]
#[should_panic(expected = "four times the input")]
fn quadratic_work_would_be_seen() {
    assert_linear("each byte looks at all before it", |bytes| {
        let text = repeated("x", bytes / 16);
        for end in 0..text.len() {
            for byte in &text[..end] {
                black_box(byte);
            }
        }
    });
}
