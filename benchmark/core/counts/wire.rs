//! Bytes to messages, messages to batches, requests to bytes.

use std::hint::black_box;
use std::sync::Arc;

use desktop_runtime_core::delivery::{Delivery, Op, Value, Wake};
use desktop_runtime_core::wire::framer::Framer;
use desktop_runtime_core::wire::message::read_line;
use desktop_runtime_core::wire::request::push_request;
use gungraun::{library_benchmark, library_benchmark_group};
use uuid::Uuid;

const READ: usize = 64 * 1024;
const MIB: usize = 1 << 20;

const RESPONSE: &str = r#"{"jsonrpc":"2.0","id":"0b8f6a4e-3f1d-4f43-9c39-0a0d5e0c7b11","result":{"path":"scan-0001.png","page":1,"languages":["deu","eng"]}}"#;
const PROGRESS: &str = r#"{"jobId":"job-1","type":"progress","timestamp":1700000000000,"data":{"percent":42,"message":"page 3"}}"#;
const ESCAPED: &str = r#"{"jsonrpc":"2.0","\u0069d":"0b8f6a4e\u002d3f1d-4f43-9c39-0a0d5e0c7b11","\u0072esult":{"text":"line\none\ttwo \u00e4"}}"#;
const NOISY: &str =
    r#"loading {model} 42% {"jobId":"job-1","type":"progress","timestamp":1,"data":{"percent":42}} done"#;
const WORD: &str = r#"{"text":"reconnaissance","confidence":0.9731,"box":[118,204,377,241]}"#;
const NON_ASCII: &str = r#"{"path":"Übergrößenträger/日本語.png","page":1,"languages":["deu","eng"]}"#;

fn event_of_1_kib() -> String {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(21);
    format!(r#"{{"jobId":"job-1","type":"partial","timestamp":1700000000000,"data":{{"text":"{text}"}}}}"#)
}

/// A reply that is one long string, as bytes in base64 are.
fn reply_of_text(bytes: usize) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"0b8f6a4e-3f1d-4f43-9c39-0a0d5e0c7b11","result":"{}"}}"#,
        "x".repeat(bytes)
    )
}

/// A reply of many small values, as the words of a page are.
fn reply_of_words(bytes: usize) -> String {
    let words = vec![WORD; bytes / (WORD.len() + 1)].join(",");
    format!(r#"{{"jsonrpc":"2.0","id":"0b8f6a4e-3f1d-4f43-9c39-0a0d5e0c7b11","result":[{words}]}}"#)
}

fn lines(line: &str, count: usize) -> Vec<u8> {
    format!("{line}\n").repeat(count).into_bytes()
}

/// Cuts as the reader thread does: what a pipe gives at once, read into the frame buffer.
fn cut(bytes: &[u8]) -> usize {
    let mut framer = Framer::new(Some(256 * MIB));
    let mut frames = 0;
    for piece in bytes.chunks(READ) {
        framer.spare(READ)[..piece.len()].copy_from_slice(piece);
        framer.filled(piece.len());
        while let Some(frame) = framer.next() {
            black_box(&frame);
            frames += 1;
        }
    }
    frames
}

#[library_benchmark]
#[bench::lines_of_100_bytes_x1000(lines(PROGRESS, 1000))]
#[bench::lines_of_1_kib_x1000(lines(&event_of_1_kib(), 1000))]
#[bench::one_line_of_16_mib_x1(lines(&reply_of_text(16 * MIB), 1))]
fn framer(bytes: Vec<u8>) -> usize {
    cut(black_box(&bytes))
}

fn read(line: &str) {
    read_line(black_box(line.as_bytes()), &mut |message| {
        black_box(message);
    });
}

#[library_benchmark]
#[bench::response_x100(RESPONSE.into())]
#[bench::progress_event_x100(PROGRESS.into())]
#[bench::event_of_1_kib_x100(event_of_1_kib())]
#[bench::noisy_line_x100(NOISY.into())]
#[bench::escaped_keys_x100(ESCAPED.into())]
fn scanner(line: String) {
    for _ in 0..100 {
        read(&line);
    }
}

#[library_benchmark]
#[bench::text_of_1_mib_x1(reply_of_text(MIB))]
#[bench::words_of_1_mib_x1(reply_of_words(MIB))]
fn scanner_once(line: String) {
    read(&line);
}

#[library_benchmark]
#[bench::ascii_x100(r#"{"path":"scan-0001.png","page":1,"languages":["deu","eng"]}"#)]
#[bench::non_ascii_x100(NON_ASCII)]
fn request(params: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..100 {
        push_request(&mut out, &Uuid::from_u128(number), "\"ocr.page\"", Some(black_box(params)));
    }
    out
}

struct Asleep;

impl Wake for Asleep {
    fn wake(&self, _: &Arc<Delivery>) {}
}

fn delivery() -> Arc<Delivery> {
    let delivery = Delivery::new(1, Box::new(Asleep));
    // Warm: the first item of all makes the queue's own memory.
    delivery.push(Op::JobEvent, 0, 0, Value::Null);
    delivery.signal();
    drop(delivery.take());
    delivery
}

// 64 items and the one batch that hands them over.
#[library_benchmark]
#[bench::events_x64(delivery())]
fn push_and_take(delivery: Arc<Delivery>) -> usize {
    for _ in 0..64 {
        delivery.push_event(true, Op::JobEvent, 0, 0, Value::Pieces(black_box(&[PROGRESS.as_bytes()])));
    }
    delivery.signal();
    delivery.take().map_or(0, |batch| batch.len())
}

#[library_benchmark]
#[bench::events_x64(delivery())]
fn drop_unheard(delivery: Arc<Delivery>) -> usize {
    let push =
        |_| delivery.push_event(false, Op::JobEvent, 0, 0, Value::Pieces(black_box(&[PROGRESS.as_bytes()])));
    (0..64).map(push).filter(|taken| *taken).count()
}

library_benchmark_group!(
    name = messages,
    benchmarks = [framer, scanner, scanner_once, request, push_and_take, drop_unheard]
);
