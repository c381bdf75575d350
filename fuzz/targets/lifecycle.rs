//! An engine's life by whatever inputs, beside the twin of `crates/core/tests/lifecycle_model`: both agree at every step,
//! and every start settles once.

#![no_main]

#[path = "../../crates/core/tests/lifecycle_model/world.rs"]
mod world;

use std::time::Duration;

use desktop_runtime_core::engine::EngineOptions;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use world::{Op, live};

fn limit(u: &mut Unstructured<'_>) -> Result<Option<Duration>> {
    let millis = u.arbitrary::<u8>()?;
    Ok((millis != u8::MAX).then_some(Duration::from_millis(millis.into())))
}

fn options(u: &mut Unstructured<'_>) -> Result<EngineOptions> {
    let flags = u.arbitrary::<u8>()?;
    Ok(EngineOptions {
        startup_timeout: limit(u)?,
        kill_timeout: limit(u)?,
        auto_restart: flags & 7 != 0,
        max_restarts: Some(u32::from(flags >> 3 & 3)).filter(|_| flags & 0x20 == 0),
        restart_delay: limit(u)?.unwrap_or_default(),
        // With a limit of attempts only, as a growth without end leaves what a duration holds.
        restart_backoff: if flags & 0x20 == 0 { f64::from(1 + (flags >> 6)) } else { 1.0 },
        max_restart_delay: limit(u)?,
        restart_window: limit(u)?,
        health_method: (flags & 0x40 == 0).then(|| "\"h\"".into()),
        ..world::options()
    })
}

fn op(u: &mut Unstructured<'_>) -> Result<Op> {
    let byte = u.arbitrary::<u8>()?;
    let ops = [
        Op::Start,
        Op::Stop,
        Op::Spawned,
        Op::SpawnFailed,
        Op::HealthAnswered,
        Op::Environment,
        Op::Exit,
        Op::Due,
    ];
    Ok(match ops.get(usize::from(byte % 9)) {
        Some(op) => *op,
        None => Op::Pass { ms: u.arbitrary::<u8>()?.into() },
    })
}

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let Ok(options) = options(&mut u) else { return };
    let mut ops = Vec::new();
    while let Ok(op) = op(&mut u) {
        if u.is_empty() {
            break;
        }
        ops.push(op);
    }
    live(options, ops);
});
