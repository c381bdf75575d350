//! Framing: any cut of the bytes gives the same lines, at any limit, in bounded memory.

use desktop_runtime_core::wire::framer::{Frame, Framer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const MIB: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
enum Owned {
    Line(Vec<u8>),
    TooLong(Vec<u8>),
}

impl From<Frame<'_>> for Owned {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Line(line) => Owned::Line(line.to_vec()),
            Frame::Giant(line) => Owned::Line(line),
            Frame::TooLong { head } => Owned::TooLong(head.to_vec()),
        }
    }
}

/// The slow twin: all the bytes at once.
fn naive(bytes: &[u8], limit: usize) -> Vec<Owned> {
    let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    // What follows the last newline is a line only when there is something.
    lines.pop_if(|line| line.is_empty());
    let frame = |line: &[u8]| {
        if line.len() > limit {
            Owned::TooLong(line[..limit].to_vec())
        } else {
            Owned::Line(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        }
    };
    lines.into_iter().map(frame).collect()
}

/// Feeds the bytes in reads of the given sizes, over and over.
fn framed(bytes: &[u8], limit: Option<usize>, reads: &[usize], room: usize) -> Vec<Owned> {
    framed_lazily(bytes, limit, reads, room, usize::MAX)
}

/// The same with at most so many frames taken between two reads.
fn framed_lazily(
    bytes: &[u8],
    limit: Option<usize>,
    reads: &[usize],
    room: usize,
    at_once: usize,
) -> Vec<Owned> {
    let mut framer = Framer::new(limit);
    let mut found = Vec::new();
    let mut rest = bytes;
    for &read in reads.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let spare = framer.spare(room);
        assert!(spare.len() >= room);
        let n = read.min(spare.len()).min(rest.len());
        spare[..n].copy_from_slice(&rest[..n]);
        framer.filled(n);
        rest = &rest[n..];
        for _ in 0..at_once {
            let Some(frame) = framer.next() else { break };
            found.push(frame.into());
        }
    }
    while let Some(frame) = framer.finish() {
        found.push(frame.into());
    }
    assert!(framer.finish().is_none(), "the tail comes once");
    found
}

fn feed(framer: &mut Framer, bytes: &[u8]) {
    framer.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    framer.filled(bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_lines_of_the_naive_twin(
        bytes in vec(select(b"aaaab\n\r\n".to_vec()), 0..200),
        limit in prop_oneof![Just(None), (0..16_usize).prop_map(Some)],
        reads in vec(1..24_usize, 1..8),
        room in 1..40_usize,
        at_once in prop_oneof![Just(usize::MAX), 0..3_usize],
    ) {
        prop_assert_eq!(framed_lazily(&bytes, limit, &reads, room, at_once), naive(&bytes, limit.unwrap_or(usize::MAX)));
    }

    #[test]
    fn the_unread_tail_may_wait_for_the_end(bytes in vec(select(b"ab\n\r".to_vec()), 0..60), limit in 1..9_usize) {
        let mut framer = Framer::new(Some(limit));
        feed(&mut framer, &bytes);
        let mut frames: Vec<Owned> = Vec::new();
        while let Some(frame) = framer.finish() {
            frames.push(frame.into());
        }
        prop_assert_eq!(frames, naive(&bytes, limit));
    }
}

#[test]
fn crlf_and_empty_lines_survive_and_a_lone_cr_stays() {
    let frames = framed(b"a\r\n\n\r\nb\rc\nd\r", None, &[1], 1);
    let lines = [&b"a"[..], b"", b"", b"b\rc", b"d"];
    assert_eq!(frames, lines.map(|line| Owned::Line(line.to_vec())));
}

#[test]
fn a_line_of_the_limit_passes_and_one_byte_more_does_not() {
    let frames = framed(b"12345678\n123456789\n1234567\r\n12345678\r\nx\n", Some(8), &[64], 64);
    let line = |text: &[u8]| Owned::Line(text.to_vec());
    let too_long = |text: &[u8]| Owned::TooLong(text.to_vec());
    let expected =
        [line(b"12345678"), too_long(b"12345678"), line(b"1234567"), too_long(b"12345678"), line(b"x")];
    assert_eq!(frames, expected);
}

#[test]
fn too_long_is_told_as_soon_as_the_limit_is_passed_and_once() {
    let mut framer = Framer::new(Some(8));
    feed(&mut framer, b"12345678");
    assert_eq!(framer.next(), None);
    feed(&mut framer, b"9");
    assert_eq!(framer.next(), Some(Frame::TooLong { head: b"12345678" }));
    feed(&mut framer, b"and more");
    assert_eq!(framer.next(), None);
    feed(&mut framer, b"\nnext\nun");
    assert_eq!(framer.next(), Some(Frame::Line(b"next")));
    assert_eq!(framer.next(), None);
    assert_eq!(framer.finish(), Some(Frame::Line(b"un")));
    assert_eq!(framer.finish(), None);
}

#[test]
fn the_dropped_rest_of_a_line_is_no_line_at_the_end() {
    let mut framer = Framer::new(Some(2));
    feed(&mut framer, b"1234");
    assert_eq!(framer.next(), Some(Frame::TooLong { head: b"12" }));
    assert_eq!(framer.finish(), None);
}

#[test]
fn a_dropped_line_of_any_size_takes_no_memory() {
    let mut framer = Framer::new(Some(8));
    let mut told = 0;
    for _ in 0..1024 {
        feed(&mut framer, &[b'x'; 16 * 1024]);
        while let Some(frame) = framer.next() {
            assert_eq!(frame, Frame::TooLong { head: b"xxxxxxxx" });
            told += 1;
        }
        assert!(framer.capacity() <= 64 * 1024, "{}", framer.capacity());
    }
    assert_eq!(told, 1);
}

#[test]
fn a_giant_line_gives_its_memory_back() {
    for (limit, tail) in [(None, &b""[..]), (None, b"tail"), (Some(3 * MIB), b""), (Some(3 * MIB), b"tail")] {
        let mut framer = Framer::new(limit);
        let mut reallocations = 0;
        for _ in 0..4 * MIB / 4096 {
            let before = framer.capacity();
            feed(&mut framer, &[b'x'; 4096]);
            reallocations += usize::from(framer.capacity() != before);
            if let Some(frame) = framer.next() {
                assert_eq!(frame, Frame::TooLong { head: &vec![b'x'; 3 * MIB] });
            }
        }
        // Doubling, not growing by each read: else the copying is quadratic.
        assert!(reallocations < 16, "{reallocations}");
        feed(&mut framer, b"\n");
        feed(&mut framer, tail);
        let line = framer.next().map(Owned::from);
        assert_eq!(line, limit.is_none().then(|| Owned::Line(vec![b'x'; 4 * MIB])));
        assert_eq!(framer.next(), None);
        assert!(framer.capacity() <= MIB, "{} with {limit:?}", framer.capacity());
        assert_eq!(framer.finish().map(Owned::from), (!tail.is_empty()).then(|| Owned::Line(tail.to_vec())));
    }
}

#[test]
fn a_giant_line_comes_with_the_buffer_it_was_read_into() {
    let giant = vec![b'x'; 3 * MIB];
    let mut framer = Framer::new(None);
    feed(&mut framer, b"first\n");
    assert_eq!(framer.next(), Some(Frame::Line(b"first")));
    feed(&mut framer, &giant);
    assert_eq!(framer.next(), None);
    let read_into = framer.spare(1).as_ptr().addr() - giant.len();
    feed(&mut framer, b"\r\nsecond\nthi");
    let Some(Frame::Giant(line)) = framer.next() else { panic!("no giant line") };
    assert_eq!((line.as_ptr().addr(), &line), (read_into, &giant));
    assert_eq!(framer.next(), Some(Frame::Line(b"second")));
    assert_eq!(framer.next(), None);
    feed(&mut framer, b"rd\n");
    assert_eq!(framer.next(), Some(Frame::Line(b"third")));
}

#[test]
fn a_giant_line_with_more_than_itself_behind_it_stays() {
    // Else a buffer full of them would be moved for each.
    let mut framer = Framer::new(None);
    let giants = [vec![b'x'; 2 * MIB], vec![b'y'; 3 * MIB]].map(|line| [&line[..], b"\n"].concat());
    feed(&mut framer, &giants.concat());
    assert_eq!(framer.next(), Some(Frame::Line(&giants[0][..2 * MIB])));
    assert_eq!(framer.next().map(Owned::from), Some(Owned::Line(vec![b'y'; 3 * MIB])));
    assert_eq!(framer.next(), None);
    assert!(framer.capacity() <= MIB);
}

#[test]
fn small_lines_reuse_one_buffer() {
    let mut framer = Framer::new(None);
    feed(&mut framer, &[b'x'; 4096]);
    feed(&mut framer, b"\n");
    assert!(framer.next().is_some());
    for _ in 0..10_000 {
        // A line and a half a read: the tail moves again and again.
        feed(&mut framer, &[&[b'x'; 600][..], b"\n", &[b'x'; 400]].concat());
        while framer.next().is_some() {}
        assert!(framer.capacity() <= 16 * 1024, "{}", framer.capacity());
    }
}

#[test]
fn a_long_tail_is_not_moved_for_a_little_room() {
    let mut framer = Framer::new(None);
    feed(&mut framer, &[&b"line\n"[..], &[b'x'; 995]].concat());
    assert!(framer.next().is_some());
    assert_eq!(framer.next(), None);
    assert_eq!(framer.capacity(), 1000);
    // Moving 995 bytes to win 5, read by read, would be quadratic.
    framer.spare(5);
    assert!(framer.capacity() >= 2 * 995, "{}", framer.capacity());
}

#[test]
#[should_panic(expected = "more bytes than there was room for")]
fn more_bytes_than_the_room_are_a_mistake_of_the_caller() {
    Framer::new(None).filled(1);
}
