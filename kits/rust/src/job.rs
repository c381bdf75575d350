use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::JobError;
use crate::encode::encode;
use crate::jobs::Running;

/// What a job's function is given: the way to report, and to learn of a cancellation. Any thread may use it; a clone
/// is the same job.
#[derive(Clone)]
pub struct Job {
    pub(crate) running: Running,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

impl Job {
    /// The job's id on the wire.
    #[must_use]
    pub fn id(&self) -> &str {
        self.running.id()
    }

    /// The type it was started as.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.running.kind()
    }

    /// `low`, `normal` or `high`.
    #[must_use]
    pub fn priority(&self) -> &str {
        self.running.priority()
    }

    /// Whether the app has cancelled the job, or ends.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.running.is_cancelled()
    }

    /// An error when the job is cancelled: `job.check()?` is the shortest way out of a loop.
    pub fn check(&self) -> Result<(), JobError> {
        if self.is_cancelled() { Err(JobError::cancelled()) } else { Ok(()) }
    }

    /// Waits, at most until the job is cancelled. Whether it is.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        self.running.wait(timeout)
    }

    /// How far the job is. `percent` is brought into 0–100; an empty message is none. The same again is not sent.
    pub fn progress(&self, percent: f64, message: impl AsRef<str>) -> Result<(), JobError> {
        if percent.is_nan() {
            return Err(JobError::internal("Job::progress: percent must be a number, got NaN"));
        }
        self.running.progress(percent.clamp(0.0, 100.0), message.as_ref());
        Ok(())
    }

    /// A line for the app's log.
    pub fn log(&self, level: Level, message: impl AsRef<str>) {
        self.running.tell("log", &json!({ "level": level.name(), "message": message.as_ref() }).to_string());
    }

    /// A line for the app's log, with what belongs to it.
    pub fn log_with(
        &self,
        level: Level,
        message: impl AsRef<str>,
        context: impl Serialize,
    ) -> Result<(), JobError> {
        let context = encode(&context, "Job::log_with: the context")?;
        let text = json!({ "level": level.name(), "message": message.as_ref() }).to_string();
        self.running.tell("log", &format!(r#"{},"context":{context}}}"#, &text[..text.len() - 1]));
        Ok(())
    }

    /// A part of the result that the app may show already.
    pub fn partial(&self, data: impl Serialize) -> Result<(), JobError> {
        self.running.tell("partial", &encode(&data, "Job::partial: what it is given")?);
        Ok(())
    }
}
