//! The job queue beside its naive twin, by whatever inputs: the run of `crates/core/tests/jobs_model`, which compares all
//! outputs, sees that no more leases are held than `concurrency` allows, and that every job settles exactly once.

#![no_main]

#[path = "../../crates/core/tests/jobs_model/observer.rs"]
mod observer;
#[path = "../../crates/core/tests/jobs_model/run.rs"]
mod run;
#[path = "../../crates/core/tests/jobs_model/twin.rs"]
mod twin;

use std::time::Duration;

use desktop_runtime_core::jobs::{Config, Path, Priority};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use run::{Op, Run};

/// The run is slow to judge: what takes more steps finds no more.
const MOST_STEPS: usize = 200;

fn maybe<T>(
    u: &mut Unstructured<'_>,
    some: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    u.arbitrary::<bool>()?.then(|| some(u)).transpose()
}

fn below(u: &mut Unstructured<'_>, end: u8) -> Result<u8> {
    Ok(u.arbitrary::<u8>()? % end)
}

fn pick(u: &mut Unstructured<'_>, end: u8) -> Result<usize> {
    below(u, end).map(usize::from)
}

fn millis(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_millis(u.arbitrary::<u8>()?.into()))
}

fn config(u: &mut Unstructured<'_>) -> Result<Config> {
    Ok(Config {
        concurrency: maybe(u, |u| Ok(1 + pick(u, 3)?))?,
        default_timeout: maybe(u, |u| Ok(millis(u)? + Duration::from_millis(1)))?,
        retries: [0, 1, 2, u32::MAX][pick(u, 4)?],
        retry_delay: millis(u)?,
        retry_backoff: [1.0, 1.5, 2.0][pick(u, 3)?],
        asks_before_retry: u.arbitrary()?,
        max_queue_size: maybe(u, |u| pick(u, 5))?,
        max_completed: maybe(u, |u| pick(u, 4))?,
        cancel_grace: maybe(u, millis)?,
    })
}

fn path(u: &mut Unstructured<'_>) -> Result<Path> {
    Ok([Path::Native, Path::Native, Path::Script][pick(u, 3)?])
}

fn op(u: &mut Unstructured<'_>) -> Result<Op> {
    Ok(match below(u, 19)? {
        0 | 1 => Op::Submit {
            path: path(u)?,
            priority: [Priority::Low, Priority::Normal, Priority::High][pick(u, 3)?],
            timeout: below(u, 4)?,
            retries: maybe(u, |u| Ok(below(u, 3)?.into()))?,
            old_id: maybe(u, |u| pick(u, 9))?,
            exits: maybe(u, |u| Ok([0, 1, 2, u32::MAX][pick(u, 4)?]))?,
        },
        2 => {
            Op::Answer { pick: pick(u, 6)?, stale: below(u, 10)? == 0, kind: below(u, 16)?, id: below(u, 8)? }
        }
        3 => Op::Answer { pick: 0, stale: false, kind: 15, id: below(u, 8)? },
        4 => Op::Block { pick: pick(u, 6)? },
        5 => Op::Drained,
        6 | 7 => Op::Event { id: below(u, 8)?, kind: below(u, 10)? },
        8 => Op::AnswerCancel { pick: pick(u, 4)?, kind: below(u, 3)? },
        9 => Op::Decide { pick: pick(u, 3)?, retry: u.arbitrary()? },
        10 => Op::Cancel { pick: pick(u, 6)? },
        11 => Op::Ready(path(u)?),
        12 => Op::NotReady(path(u)?),
        13 => Op::Exit,
        14 => Op::Pass { ms: u.arbitrary::<u8>()?.into() },
        15 => [Op::Stop, Op::Pause, Op::Drain, Op::Unfollow][pick(u, 4)?].clone(),
        16 => Op::Resume,
        17 => Op::Follow,
        _ => Op::Grant { pick: pick(u, 6)?, exits: below(u, 3)?.into() },
    })
}

fn drive(u: &mut Unstructured<'_>) -> Result<()> {
    let mut run = Run::new(config(u)?);
    run.apply(&Op::Ready(Path::Native));
    for _ in 0..MOST_STEPS {
        if u.is_empty() {
            break;
        }
        match op(u) {
            Ok(op) => run.apply(&op),
            Err(_) => break,
        }
    }
    run.finish();
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    // Too few bytes for a configuration say nothing.
    let _ = drive(&mut Unstructured::new(data));
});
