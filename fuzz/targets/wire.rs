//! A stream of bytes, whatever they are, is the same messages however it is cut, and they are those of the naive reader.
//!
//! The first byte is `maxMessageBytes` (0: no limit), the second says how the stream is cut, the rest is the stream.

#![no_main]

use desktop_runtime_core::wire::message::{read_head_of_too_long, read_line};
use desktop_runtime_fuzz::framing::{Line, framed, lines};
use desktop_runtime_fuzz::line;
use libfuzzer_sys::fuzz_target;

/// Pieces of 0 to `most` bytes, in an order that the seed gives.
fn pieces(mut stream: &[u8], seed: u8, most: usize) -> impl Iterator<Item = &[u8]> {
    let mut random = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::from_fn(move || {
        if stream.is_empty() {
            return None;
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (piece, rest) = stream.split_at((random % (most as u64 + 1)).min(stream.len() as u64) as usize);
        stream = rest;
        Some(piece)
    })
}

fuzz_target!(|data: &[u8]| {
    let [limit, seed, stream @ ..] = data else { return };
    let most = (*limit != 0).then_some(usize::from(*limit));
    let expected = lines(stream, most);
    assert_eq!(framed(std::iter::once(stream), most, 0), expected, "at once");
    assert_eq!(framed(stream.chunks(1), most, 0), expected, "byte by byte");
    assert_eq!(framed(pieces(stream, *seed, 40), most, usize::from(*seed)), expected, "in pieces");
    for found in &expected {
        match found {
            Line::Whole(text) => {
                let mut messages = Vec::new();
                read_line(text, &mut |message| messages.push(message));
                assert_eq!(messages, line::messages(text), "{}", text.escape_ascii());
            }
            Line::TooLong(head) => {
                assert_eq!(read_head_of_too_long(head), line::of_head(head), "{}", head.escape_ascii());
            }
        }
    }
});
