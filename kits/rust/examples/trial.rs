//! One of three engines of the same behaviour, for `__test__/kits/`: what a kit is tried with.
#![expect(clippy::cast_precision_loss, reason = "small counts")]
#![expect(clippy::print_stdout, reason = "stray prints, which must not disturb the app")]
#![expect(clippy::unwrap_used, reason = "a test's program")]

use std::panic::panic_any;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use niche_knack_engine::{Engine, Health, Job, JobError, Level, ModelInfo};
use serde_json::{Value, json};

type Outcome<T> = Result<T, JobError>;

fn main() -> std::io::Result<()> {
    let mut engine = Engine::new("1.2.3");
    methods(&mut engine);
    jobs(&mut engine);
    long_jobs(&mut engine);
    prints(&mut engine);
    engine.run()
}

fn methods(engine: &mut Engine) {
    let healthy = Arc::new(Mutex::new(Health::Ok));
    let asked = Arc::clone(&healthy);
    engine.health(move || {
        let health = *asked.lock().unwrap();
        assert!(health != Health::Error, "no health");
        health
    });
    engine.method("health.set", move |params: Value| -> Outcome<bool> {
        *healthy.lock().unwrap() = match params["status"].as_str() {
            Some("degraded") => Health::Degraded,
            Some("ok") => Health::Ok,
            _ => Health::Error,
        };
        Ok(true)
    });
    engine.method("double", |params: Value| -> Outcome<i64> {
        let number = params["number"].as_i64().unwrap_or_default();
        if number < 0 {
            return Err(JobError::new(-31999, "too small").with_data(json!({ "number": number })));
        }
        Ok(number * 2)
    });
    engine.method("fails", |_: Value| -> Outcome<()> { Ok(Err(std::io::Error::other("a surprise"))?) });
    let notifier = engine.notifier();
    engine.method("tell", move |params: Value| -> Outcome<()> {
        notifier.notify(params["method"].as_str().unwrap_or_default(), &params["params"])
    });
}

fn jobs(engine: &mut Engine) {
    engine.job("echo", |payload: Value, _: &Job| -> Outcome<Value> { Ok(payload) });
    engine.job("nothing", |_: Value, _: &Job| -> Outcome<()> { Ok(()) });
    engine.job("reports", |_: Value, job: &Job| -> Outcome<&str> {
        job.progress(10.0, "begun")?;
        job.progress(10.0, "begun")?; // the same again
        job.progress(250.0, "")?;
        job.log_with(Level::Warn, "a log line", json!({ "answer": 42 }))?;
        job.partial((1, "zwei"))?;
        Ok("done")
    });
    engine.job("nan", |_: Value, _: &Job| -> Outcome<_> {
        Ok(std::collections::BTreeMap::from([("score", f64::NAN)]))
    });
    engine.job("nanPartial", |_: Value, job: &Job| -> Outcome<()> { job.partial(f64::NAN) });
    engine.job("throws", |_: Value, _: &Job| -> Outcome<()> { panic!("a surprise") });
    engine.job("fails", |_: Value, _: &Job| -> Outcome<()> {
        Err(JobError::new(-30003, "no memory left").with_data(json!({ "needed": 5 })))
    });

    engine.job("throwsOdd", |index: u64, _: &Job| -> Outcome<&str> {
        match index {
            0 => panic_any(42),
            1 => Err(JobError::new(-1, "")),
            _ => Ok("no more"),
        }
    });
    engine.job("childReads", |_: Value, _: &Job| -> Outcome<String> {
        let program = if cfg!(windows) { "more" } else { "cat" };
        let child = Command::new(program).stdin(Stdio::inherit()).output()?;
        Ok(String::from_utf8_lossy(&child.stdout).into_owned())
    });

    let loads = AtomicU64::new(0);
    let info = ModelInfo { name: "English".into(), kind: "ocr".into(), size: 7, ..ModelInfo::new("eng") };
    let model = engine.model(info, move |options| {
        if options["fail"] == json!(true) {
            Err(std::io::Error::other("no such data"))?;
        }
        Ok(loads.fetch_add(1, Ordering::Relaxed) + 1)
    });
    engine.job("model", move |_: Value, _: &Job| -> Outcome<u64> { Ok(*model.get()?) });
}

fn long_jobs(engine: &mut Engine) {
    engine.job("waits", |_: Value, job: &Job| -> Outcome<()> {
        job.progress(1.0, "waiting")?;
        let _ = job.wait(Duration::from_mins(1));
        job.progress(2.0, "told")?; // behind the cancellation: not sent
        job.check()
    });
    engine.job("ignoresCancel", |payload: Value, job: &Job| -> Outcome<&str> {
        job.progress(1.0, "busy")?;
        thread::sleep(Duration::from_secs_f64(payload["seconds"].as_f64().unwrap_or_default()));
        Ok("all the same")
    });
    engine.job("talks", |payload: Value, job: &Job| -> Outcome<&str> {
        let text = "x".repeat(number(&payload, "size"));
        for part in 0..number(&payload, "parts") {
            job.partial(json!({ "part": part, "text": text }))?;
        }
        Ok("said")
    });
    engine.job("progresses", |payload: Value, job: &Job| -> Outcome<&str> {
        let (text, times) = ("x".repeat(number(&payload, "size")), number(&payload, "times"));
        for time in 1..=times {
            job.progress(100.0 * time as f64 / times as f64, format!("{text}{time}"))?;
        }
        Ok("done")
    });
}

fn prints(engine: &mut Engine) {
    engine.job("prints", |_: Value, _: &Job| -> Outcome<&str> {
        println!("printed by println");
        println!("{}", json!({ "jsonrpc": "2.0", "method": "stray" }));
        Command::new("echo").arg("printed by a child").status()?;
        Ok("done")
    });
    engine.job("noise", |payload: Value, job: &Job| -> Outcome<&str> {
        let events = number(&payload, "events");
        thread::scope(|scope| {
            for thread in 0..number(&payload, "threads") {
                scope.spawn(move || {
                    for event in 0..events {
                        println!("noise {thread}");
                        let part = json!({ "thread": thread, "event": event, "text": "ä".repeat(200) });
                        let _ = job.partial(part);
                    }
                });
            }
        });
        Ok("done")
    });
}

fn number(payload: &Value, name: &str) -> usize {
    payload[name].as_u64().and_then(|number| number.try_into().ok()).unwrap_or_default()
}
