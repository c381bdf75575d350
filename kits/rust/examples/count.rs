//! Counts the words of a text, one by one. A job's payload: `{text, secondsPerWord?}`.
#![expect(clippy::cast_precision_loss, reason = "nobody has that many words")]
#![expect(clippy::print_stdout, reason = "a stray print, which must not disturb the app")]

use std::time::Duration;

use niche_knack_engine::{Engine, Job, JobError};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    text: String,
    #[serde(default)]
    seconds_per_word: f64,
}

fn main() -> std::io::Result<()> {
    let mut engine = Engine::new("1.0.0");
    engine.job("count", |payload: Payload, job: &Job| -> Result<_, JobError> {
        let words: Vec<_> = payload.text.split_whitespace().collect();
        for (index, word) in words.iter().enumerate() {
            let _ = job.wait(Duration::from_secs_f64(payload.seconds_per_word));
            job.check()?;
            println!("counted {word}"); // goes to stderr
            job.progress((100 * (index + 1) / words.len()) as f64, word)?;
        }
        Ok(json!({ "words": words.len() }))
    });
    engine.run()
}
