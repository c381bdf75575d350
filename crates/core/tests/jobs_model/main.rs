//! The queue against a naive twin, driven with random inputs on both paths; and the invariants that no rule may break
//! (contract section 4, architecture invariants 3, 4 and 7). `fuzz/targets/jobs.rs` drives the same run.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "the queue takes instants, and one must come from somewhere")]

mod observer;
mod run;
mod twin;

use std::time::Duration;

use desktop_runtime_core::jobs::*;
use proptest::prelude::*;
use run::{Op, Run};

fn path() -> impl Strategy<Value = Path> {
    prop_oneof![3 => Just(Path::Native), 1 => Just(Path::Script)]
}

fn op() -> impl Strategy<Value = Op> {
    let priority = prop_oneof![Just(Priority::Low), Just(Priority::Normal), Just(Priority::High)];
    let exits = proptest::option::weighted(0.4, prop_oneof![0..3u32, Just(u32::MAX)]);
    let submit = (
        path(),
        priority,
        0..4u8,
        proptest::option::of(0..3u32),
        proptest::option::weighted(0.1, 0..9usize),
        exits,
    )
        .prop_map(|(path, priority, timeout, retries, old_id, exits)| Op::Submit {
            path,
            priority,
            timeout,
            retries,
            old_id,
            exits,
        });
    let answer = (0..6usize, prop::bool::weighted(0.1), 0..16u8, 0..8u8)
        .prop_map(|(pick, stale, kind, id)| Op::Answer { pick, stale, kind, id });
    prop_oneof![
        10 => submit,
        14 => answer,
        2 => (0..6usize).prop_map(|pick| Op::Block { pick }),
        2 => Just(Op::Drained),
        10 => (0..8u8, 0..10u8).prop_map(|(id, kind)| Op::Event { id, kind }),
        5 => (0..4usize, 0..3u8).prop_map(|(pick, kind)| Op::AnswerCancel { pick, kind }),
        3 => (0..3usize, any::<bool>()).prop_map(|(pick, retry)| Op::Decide { pick, retry }),
        8 => (0..6usize).prop_map(|pick| Op::Cancel { pick }),
        4 => path().prop_map(Op::Ready),
        1 => path().prop_map(Op::NotReady),
        2 => Just(Op::Exit),
        1 => Just(Op::Follow),
        2 => (0..6usize, 0..3u32).prop_map(|(pick, exits)| Op::Grant { pick, exits }),
        1 => Just(Op::Unfollow),
        1 => Just(Op::Stop),
        6 => (0..250u64).prop_map(|ms| Op::Pass { ms }),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        1 => Just(Op::Drain),
    ]
}

prop_compose! {
    fn config()(
        concurrency in prop::option::weighted(0.9, 1..4usize),
        default_timeout in prop::option::of(50..300u64),
        retries in prop_oneof![Just(0), Just(1), Just(2), Just(u32::MAX)],
        retry_delay in prop_oneof![Just(0), Just(40), Just(100)],
        retry_backoff in prop_oneof![Just(1.0), Just(2.0)],
        asks_before_retry: bool,
        max_queue_size in prop::option::weighted(0.3, 0..5usize),
        max_completed in prop::option::of(0..4usize),
        cancel_grace in prop::option::weighted(0.8, 0..200u64),
    ) -> Config {
        Config {
            concurrency,
            default_timeout: default_timeout.map(Duration::from_millis),
            retries,
            retry_delay: Duration::from_millis(retry_delay),
            retry_backoff,
            asks_before_retry,
            max_queue_size,
            max_completed,
            cancel_grace: cancel_grace.map(Duration::from_millis),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_its_naive_twin_does(config in config(), ops in prop::collection::vec(op(), 1..120)) {
        let mut run = Run::new(config);
        run.apply(&Op::Ready(Path::Native));
        for op in &ops {
            run.apply(op);
        }
        run.finish();
    }
}
