//! What a queued job costs; alone in its process, for other tests would blur the figure.

#![expect(clippy::disallowed_methods, reason = "the queue takes instants, and one must come from somewhere")]

use std::time::{Duration, Instant};

use desktop_runtime_core::clock::Now;
use desktop_runtime_core::jobs::*;

/// Of the 500 bytes that a queued job may cost, JavaScript needs its share too.
#[test]
fn a_million_queued_jobs_take_at_most_180_bytes_each_beside_their_texts() {
    // Where the system does not tell, there is nothing to measure.
    let Some(before) = resident_bytes() else { return };
    let mut queue = JobQueue::new(Config {
        concurrency: Some(2),
        default_timeout: Some(Duration::from_mins(5)),
        retries: 0,
        retry_delay: Duration::from_secs(1),
        retry_backoff: 1.0,
        asks_before_retry: false,
        max_queue_size: None,
        max_completed: Some(1000),
        cancel_grace: Some(Duration::from_secs(5)),
    });
    let now = Now { instant: Instant::now(), wall_ms: 0 };
    let mut out = vec![];
    for ticket in 0..1_000_000 {
        let job = NewJob {
            id: None,
            ticket,
            path: Path::Native,
            type_json: "\"ocr\"".into(),
            payload_json: None,
            priority: Priority::Normal,
            timeout: TimeoutChoice::Default,
            retries: None,
            exits: None,
        };
        queue.submit(job, now, &mut out).unwrap();
    }
    let each = resident_bytes().unwrap().saturating_sub(before) / 1_000_000;
    assert_eq!(queue.queue_len(), 1_000_000);
    assert!(each <= 180, "{each} bytes each");
}

fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? * 1024)
}
