//! Random sequences of operations, in random batches, on two stores of one folder, against a map.

use std::collections::BTreeMap;

use desktop_runtime_core::cache::{Answer, JSON, Key, Record, Store, Work};
use desktop_runtime_core::clock;
use proptest::prelude::*;

use crate::support::{Folder, run};

/// Few units, so that keys meet, and share prefixes; halves of pairs among them.
fn a_key() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![Just(0x61), Just(0x62), Just(0x3a), Just(0xd83d), Just(0xde00), Just(0xffff)];
    prop::collection::vec(unit, 0..4)
}

#[derive(Debug, Clone)]
enum Step {
    Set(Vec<u16>, u32, Option<i64>),
    Delete(Vec<u16>),
    Get(Vec<u16>),
    Has(Vec<u16>),
    Clear(Option<Vec<u16>>, Vec<Vec<u16>>),
    Prune(Vec<Vec<u16>>),
    Keys(Vec<u16>),
}

fn a_step() -> impl Strategy<Value = Step> {
    let ttl = prop_oneof![Just(None), (-50..100i64).prop_map(Some)];
    let memory = || prop::collection::vec(a_key(), 0..3);
    prop_oneof![
        6 => (a_key(), any::<u32>(), ttl).prop_map(|(key, value, ttl)| Step::Set(key, value, ttl)),
        2 => a_key().prop_map(Step::Delete),
        6 => a_key().prop_map(Step::Get),
        1 => a_key().prop_map(Step::Has),
        1 => (prop::option::of(a_key()), memory()).prop_map(|(prefix, keys)| Step::Clear(prefix, keys)),
        1 => memory().prop_map(Step::Prune),
        1 => a_key().prop_map(Step::Keys),
    ]
}

/// One call of one of the stores.
#[derive(Debug, Clone)]
struct Call {
    store: usize,
    steps: Vec<Step>,
    pause: i64,
    closes: bool,
}

fn a_call() -> impl Strategy<Value = Call> {
    let steps = prop::collection::vec(a_step(), 1..6);
    (0..2usize, steps, 0..40i64, prop::bool::weighted(0.2)).prop_map(|(store, steps, pause, closes)| Call {
        store,
        steps,
        pause,
        closes,
    })
}

type Model = BTreeMap<Vec<u16>, (u32, Option<i64>)>;

fn live(entry: Option<&(u32, Option<i64>)>, now: i64) -> Option<(u32, Option<i64>)> {
    entry.copied().filter(|(_, expires_at)| expires_at.is_none_or(|at| now < at))
}

/// The work of a step, and what the model says comes of it. `met` are expired entries that were asked for: they go behind
/// the batch.
fn expected(model: &mut Model, met: &mut Vec<Vec<u16>>, step: &Step, now: i64) -> (Work, Answer) {
    let key = |units: &Vec<u16>| Key::from_units(units);
    let memory_keys = |keys: &[Vec<u16>]| {
        let mut keys = keys.to_vec();
        keys.sort();
        keys.dedup();
        keys
    };
    if let Step::Get(name) | Step::Has(name) = step
        && model.contains_key(name)
        && live(model.get(name), now).is_none()
    {
        met.push(name.clone());
    }
    match step {
        Step::Set(name, value, ttl) => {
            let expires_at = ttl.map(|ttl| now + ttl);
            model.insert(name.clone(), (*value, expires_at));
            let value = value.to_string().into_bytes();
            (
                Work::Set(key(name), Record { kind: JSON, value, expires_at, created_at: now }),
                Answer::Done(true),
            )
        }
        Step::Delete(name) => {
            model.remove(name);
            (Work::Delete(key(name)), Answer::Done(true))
        }
        Step::Get(name) => {
            let answer = match live(model.get(name), now) {
                None => Answer::Missing,
                Some((value, expires_at)) => Answer::Found(Record {
                    kind: JSON,
                    value: value.to_string().into_bytes(),
                    expires_at,
                    // Not compared.
                    created_at: 0,
                }),
            };
            (Work::Get { key: key(name), known: false }, answer)
        }
        Step::Has(name) => (Work::Has(key(name)), Answer::Done(live(model.get(name), now).is_some())),
        Step::Clear(prefix, memory) => {
            let begins = |name: &Vec<u16>| prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix));
            let memory: Vec<_> = memory_keys(memory).into_iter().filter(begins).collect();
            let only_in_memory = memory.iter().filter(|name| !model.contains_key(*name)).count();
            let before = model.len();
            model.retain(|name, _| !begins(name));
            let count = before - model.len() + only_in_memory;
            let memory = memory.iter().map(key).collect();
            (
                Work::Clear { prefix: prefix.as_ref().map(key), memory },
                Answer::Counted { success: true, count },
            )
        }
        Step::Prune(memory) => {
            let memory = memory_keys(memory);
            let mut gone: Vec<_> = model
                .iter()
                .filter(|(_, entry)| live(Some(entry), now).is_none())
                .map(|(name, _)| name.clone())
                .collect();
            for name in &gone {
                model.remove(name);
            }
            gone.extend(memory.clone());
            gone.sort();
            gone.dedup();
            let memory = memory.iter().map(key).collect();
            (Work::Prune { memory }, Answer::Counted { success: true, count: gone.len() })
        }
        Step::Keys(prefix) => {
            let mut text = vec![b'['];
            for (name, entry) in model.iter() {
                if name.starts_with(prefix) && live(Some(entry), now).is_some() {
                    if text.len() > 1 {
                        text.push(b',');
                    }
                    key(name).push_json(&mut text);
                }
            }
            text.push(b']');
            (Work::Keys(key(prefix)), Answer::Keys(text))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_stores_on_one_folder_are_one_map(calls in prop::collection::vec(a_call(), 1..25)) {
        let folder = Folder::new();
        let mut stores: [Store; 2] = [folder.store(), folder.store()];
        let mut model = Model::new();
        let mut now = 1000;
        let mut met = Vec::new();
        for call in calls {
            now += call.pause;
            let (works, answers): (Vec<_>, Vec<_>) =
                call.steps.iter().map(|step| expected(&mut model, &mut met, step, now)).unzip();
            met.retain(|name| live(model.get(name), now).is_none());
            for name in met.drain(..) {
                model.remove(&name);
            }
            let outcome = run(&mut stores[call.store], works, now);
            let got: Vec<_> = outcome.answers.into_iter().map(|answer| match answer {
                Answer::Found(record) => Answer::Found(Record { created_at: 0, ..record }),
                other => other,
            }).collect();
            prop_assert_eq!(got, answers);
            prop_assert!(outcome.lines.is_empty(), "{:?}", outcome.lines);
            if call.closes {
                stores[call.store].close(clock::now());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// maxDiskSize: the least recently used go, and nothing else does.
    #[test]
    fn a_bounded_store_keeps_what_was_used_last(steps in prop::collection::vec((0..6u16, 0..60usize, any::<bool>()), 1..40)) {
        const MAX: usize = 100;
        let folder = Folder::new();
        let mut store = Store::new(folder.path(), Some(MAX as u64), clock::now());
        // Least recently used first.
        let mut model: Vec<(u16, usize)> = Vec::new();
        for (name, length, reads) in steps {
            let key = Key::from_units(&[name]);
            let at = model.iter().position(|entry| entry.0 == name);
            if reads {
                let answer = run(&mut store, vec![Work::Get { key, known: false }], 0).answers.remove(0);
                prop_assert_eq!(matches!(answer, Answer::Found(_)), at.is_some());
                if let Some(at) = at {
                    let entry = model.remove(at);
                    model.push(entry);
                }
                continue;
            }
            let value = vec![b'1'; length + 1];
            let size = value.len() + 2;
            let record = Record { kind: JSON, value, expires_at: None, created_at: 0 };
            let answer = run(&mut store, vec![Work::Set(key, record)], 0).answers.remove(0);
            prop_assert_eq!(answer, Answer::Done(size <= MAX));
            if let Some(at) = at {
                model.remove(at);
            }
            if size <= MAX {
                model.push((name, size));
            }
            while model.iter().map(|entry| entry.1).sum::<usize>() > MAX {
                model.remove(0);
            }
        }
        let (size, count) = store.figures();
        prop_assert_eq!(usize::try_from(count).unwrap(), model.len());
        prop_assert_eq!(usize::try_from(size).unwrap(), model.iter().map(|entry| entry.1).sum::<usize>());
    }
}
