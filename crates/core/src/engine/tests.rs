//! The engine with a real process; what JavaScript would get is read from its delivery.

use std::ffi::OsString;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{CallRefused, Engine, EngineOptions};
use crate::delivery::{Delivery, Op, Wake};
use crate::fault::Place;

/// How long anything here may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(20);

struct Told(Mutex<Sender<(Arc<Delivery>, ())>>);

impl Wake for Told {
    fn wake(&self, delivery: &Arc<Delivery>) {
        let _ = self.0.lock().unwrap().send((Arc::clone(delivery), ()));
    }
}

/// What was delivered, one item after the other.
struct Inbox {
    wakes: Receiver<(Arc<Delivery>, ())>,
    items: std::collections::VecDeque<(u64, serde_json::Value)>,
}

impl Inbox {
    fn next(&mut self) -> (u64, serde_json::Value) {
        loop {
            if let Some(item) = self.items.pop_front() {
                return item;
            }
            let (delivery, ()) = self.wakes.recv_timeout(DEADLINE).expect("something is delivered");
            let batch = delivery.take();
            let text = batch.as_deref().unwrap_or(b"[]");
            self.add(text);
        }
    }

    fn add(&mut self, batch: &[u8]) {
        let items: serde_json::Value = serde_json::from_slice(batch).unwrap();
        for item in items.as_array().unwrap().chunks(4) {
            self.items.push_back((item[0].as_u64().unwrap(), item[3].clone()));
        }
    }

    /// What `stop` gives back may be all there is to come: the engine may have ended by then.
    fn stop(&mut self, engine: &Arc<Engine>) {
        if let Some(left) = engine.stop() {
            self.add(&left);
        }
        self.wait_for(Op::Stopped);
    }

    fn wait_for(&mut self, op: Op) -> serde_json::Value {
        self.wait_for_either(op, op).1
    }

    fn wait_for_either(&mut self, one: Op, other: Op) -> (Op, serde_json::Value) {
        loop {
            let (number, value) = self.next();
            if let Some(op) = [one, other].into_iter().find(|op| *op as u64 == number) {
                return (op, value);
            }
        }
    }
}

fn echo_engine() -> (Arc<Engine>, Inbox) {
    engine_of("cat", &[])
}

/// It echoes the health request, and falls silent.
fn silent_engine() -> (Arc<Engine>, Inbox) {
    engine_of("sh", &["-c", "read -r line; printf '%s\\n' \"$line\"; cat >/dev/null"])
}

fn engine_of(program: &str, args: &[&str]) -> (Arc<Engine>, Inbox) {
    let (sender, wakes) = channel();
    let delivery = Delivery::new(1, Box::new(Told(Mutex::new(sender))));
    let options = EngineOptions {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
        cwd: None,
        request_timeout: Some(DEADLINE),
        startup_timeout: Some(DEADLINE),
        auto_restart: true,
        max_restarts: Some(3),
        restart_delay: Duration::ZERO,
        restart_backoff: 1.0,
        max_restart_delay: None,
        restart_window: None,
        kill_timeout: Some(DEADLINE),
        kill_tree: true,
        health_method: Some("\"engine.health\"".into()),
        health_interval: None,
        max_message_bytes: None,
        max_pending_bytes: None,
    };
    (Engine::new(options, delivery), Inbox { wakes, items: std::collections::VecDeque::new() })
}

fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

#[test]
fn an_engine_starts_echoes_a_call_and_stops() {
    let (engine, mut inbox) = echo_engine();
    assert_eq!(engine.call(0, "\"early\"", None, None, false), Err(CallRefused::NotReady));
    assert!(engine.start(environment()).is_some());
    inbox.wait_for(Op::Started);
    assert_eq!(engine.call(3, "\"m\"", Some("{\"a\":1}"), None, false), Ok(()));
    engine.flush();
    inbox.wait_for(Op::Empty);
    assert!(engine.stats().pid.is_some());
    inbox.stop(&engine);
    assert!(engine.is_idle());
    assert_eq!(engine.stats().pid, None);
}

#[test]
fn a_panic_under_the_lock_is_told_ends_the_engine_and_the_next_call_works() {
    let (engine, mut inbox) = echo_engine();
    assert!(engine.start(environment()).is_some());
    inbox.wait_for(Op::Started);
    let pid = engine.stats().pid;
    assert!(engine.guarded(|| panic!("a defect, on purpose")).is_none());
    inbox.wait_for(Op::Panicked);
    inbox.wait_for(Op::Exit);
    inbox.wait_for(Op::AskEnvironment);
    engine.restart(environment());
    inbox.wait_for(Op::Restart);
    assert_ne!(engine.stats().pid, pid);
    assert_eq!(engine.call(0, "\"m\"", None, None, false), Ok(()));
    engine.flush();
    inbox.wait_for(Op::Empty);
    inbox.stop(&engine);
}

#[test]
fn a_panic_wherever_a_start_goes_fails_that_start_and_the_next_one_works() {
    let (engine, mut inbox) = echo_engine();
    let places = [
        Place::Lock,
        Place::Unlock,
        Place::Spawner,
        Place::Spawned,
        Place::Stdout,
        Place::Stderr,
        Place::Stdin,
        Place::Waiter,
    ];
    for place in places {
        engine.faults().ask(place, 1);
        let begun = engine.start(environment());
        if (begun.is_some() || !engine.is_idle())
            && inbox.wait_for_either(Op::StartFailed, Op::Started).0 == Op::Started
        {
            // The engine was quicker than the thread that panics.
            inbox.wait_for(Op::Panicked);
            inbox.stop(&engine);
        }
        assert!(engine.is_idle() && engine.stats().pid.is_none(), "{place:?}");
    }
    assert!(engine.start(environment()).is_some());
    inbox.wait_for(Op::Started);
    inbox.stop(&engine);
}

#[test]
fn a_panic_in_the_timer_thread_fails_no_other_engines_timers() {
    let (engine, mut inbox) = silent_engine();
    let (other, mut others) = silent_engine();
    for (engine, inbox) in [(&engine, &mut inbox), (&other, &mut others)] {
        assert!(engine.start(environment()).is_some());
        inbox.wait_for(Op::Started);
    }
    engine.faults().ask(Place::Timer, 1);
    assert_eq!(engine.call(0, "\"m\"", None, Some(Duration::from_millis(30)), false), Ok(()));
    inbox.wait_for(Op::Panicked);
    assert_eq!(other.call(0, "\"m\"", None, Some(Duration::from_millis(30)), false), Ok(()));
    others.wait_for(Op::Failed);
    inbox.wait_for(Op::AskEnvironment);
    engine.restart(environment());
    inbox.wait_for(Op::Restart);
    assert_eq!(engine.call(0, "\"m\"", None, Some(Duration::from_millis(30)), false), Ok(()));
    inbox.wait_for(Op::Failed);
    for (engine, inbox) in [(&engine, &mut inbox), (&other, &mut others)] {
        inbox.stop(engine);
    }
}
