//! The cache and the journal, as far as no disk is involved.

use std::hint::black_box;

use desktop_runtime_core::cache::{Head, JSON, Key, Memory, Record};
use desktop_runtime_core::recovery::journal::push_lines;
use desktop_runtime_core::recovery::state::State;
use gungraun::{library_benchmark, library_benchmark_group};

const ENTRY: u64 = 1024;

/// Full: another entry makes the oldest leave.
fn full(entries: u32) -> Memory {
    let mut memory = Memory::new(Some(u64::from(entries) * ENTRY), false);
    for slot in 0..entries {
        memory.put(slot, ENTRY, &mut Vec::new());
    }
    memory
}

#[library_benchmark]
#[bench::at_1_k_x100(full(1_000))]
#[bench::at_100_k_x100(full(100_000))]
fn lru_hits(mut memory: Memory) -> Memory {
    let slots: Vec<u32> = (0..100).map(|number| number * 7).collect();
    memory.hits(black_box(&slots));
    memory
}

#[library_benchmark]
#[bench::at_1_k_x100((full(1_000), 1_000))]
#[bench::at_100_k_x100((full(100_000), 100_000))]
fn lru_set_and_evict((mut memory, first): (Memory, u32)) -> Memory {
    let mut gone = Vec::new();
    for slot in first..first + 100 {
        memory.put(slot, ENTRY, black_box(&mut gone));
    }
    memory
}

fn record(bytes: usize) -> (Key, Record) {
    let key: Vec<u16> = "thumbnails/scan-0001.png".encode_utf16().collect();
    let record = Record { kind: JSON, value: vec![b'1'; bytes], expires_at: Some(1), created_at: 0 };
    (Key::from_units(&key), record)
}

#[library_benchmark]
#[bench::of_100_bytes_x100(record(100))]
#[bench::of_64_kib_x100(record(64 * 1024))]
fn record_checksum((key, record): (Key, Record)) {
    for _ in 0..100 {
        let (key, record) = black_box((&key, &record));
        black_box(Head::of(key, record).checksum(key.as_bytes()));
    }
}

fn tracked() -> (State, Vec<String>) {
    let job = |number| {
        format!(
            r#"{{"id":"job-{number}","type":"ocr","payload":{{"path":"scan-{number:04}.png"}},"state":"running","progress":0,"createdAt":1700000000000,"startedAt":1700000000000,"retryCount":0}}"#
        )
    };
    (State::default(), (0..100).map(job).collect())
}

// From the text of a job to the bytes that are appended.
#[library_benchmark]
#[bench::jobs_x100(tracked())]
fn journal((mut state, jobs): (State, Vec<String>)) -> (State, Vec<u8>) {
    let mut out = Vec::new();
    for job in &jobs {
        black_box(state.track(black_box(job.as_bytes()), false, 1_700_000_000_000));
        push_lines(&mut out, 7, state.records());
        state.records().clear();
    }
    (state, out)
}

library_benchmark_group!(
    name = entries,
    benchmarks = [lru_hits, lru_set_and_evict, record_checksum, journal]
);
