//! The lifecycle under random inputs, against a twin that knows facts in place of phases: what runs, what was asked,
//! what is owed (contract section 3, architecture invariants 3 and 7). `fuzz/targets/lifecycle.rs` drives the same twin.

#![expect(clippy::disallowed_methods, reason = "the machine takes instants: any moment will do")]

mod world;

use std::time::Duration;

use desktop_runtime_core::engine::EngineOptions;
use proptest::prelude::*;
use world::{Op, live, options};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Start),
        1 => Just(Op::Stop),
        8 => Just(Op::Spawned),
        2 => Just(Op::SpawnFailed),
        6 => Just(Op::HealthAnswered),
        6 => Just(Op::Environment),
        4 => Just(Op::Exit),
        3 => (0..400_u64).prop_map(|ms| Op::Pass { ms }),
        6 => Just(Op::Due),
    ]
}

fn limit() -> impl Strategy<Value = Option<Duration>> {
    proptest::option::weighted(0.8, (0..400_u64).prop_map(Duration::from_millis))
}

fn any_options() -> impl Strategy<Value = EngineOptions> {
    let attempts = prop_oneof![4 => (0..4_u32, 1..4_u32).prop_map(|(max, factor)| (Some(max), factor)), 1 => Just((None, 1))];
    let restarts =
        (prop::bool::weighted(0.9), attempts, (0..200_u64).prop_map(Duration::from_millis), limit(), limit());
    (limit(), limit(), restarts, prop::bool::weighted(0.8)).prop_map(
        |(startup_timeout, kill_timeout, restarts, health)| {
            let (auto_restart, (max_restarts, factor), restart_delay, restart_window, max_restart_delay) =
                restarts;
            EngineOptions {
                startup_timeout,
                kill_timeout,
                auto_restart,
                max_restarts,
                restart_delay,
                restart_backoff: f64::from(factor),
                max_restart_delay,
                restart_window,
                health_method: health.then(|| "\"h\"".into()),
                ..options()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lifecycle_does_what_its_twin_expects(
        options in any_options(),
        ops in proptest::collection::vec(op(), 1..120),
    ) {
        live(options, ops);
    }
}
