//! What an engine client is told at construction (contract section 3), checked before it comes here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Options of an engine client. A duration of `None` means no limit.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Path or bare name of the engine.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its working directory; `None`: the app's.
    pub cwd: Option<PathBuf>,
    /// How long a call without a timeout of its own waits; contract default 30 s.
    pub request_timeout: Option<Duration>,
    /// The whole budget from `start()` to the health answer; contract default 10 s.
    pub startup_timeout: Option<Duration>,
    /// Whether an exit that nobody asked for is followed by a restart; contract default true.
    pub auto_restart: bool,
    /// Attempts since the engine was last ready for `restart_window`; `None`: no limit; contract default 3.
    pub max_restarts: Option<u32>,
    /// The delay before the first attempt; contract default 1 s.
    pub restart_delay: Duration,
    /// The factor from one attempt's delay to the next; contract default 1.
    pub restart_backoff: f64,
    /// Bounds the growth of the delay, never below `restart_delay`; contract default 30 s.
    pub max_restart_delay: Option<Duration>,
    /// How long the engine must have been ready for its attempts to be forgotten; contract default 60 s.
    pub restart_window: Option<Duration>,
    /// From asking the engine to end to ending it; contract default 5 s.
    pub kill_timeout: Option<Duration>,
    /// Whether the tree (process group, job object) ends with the engine; contract default true.
    pub kill_tree: bool,
    /// The health method as a JSON text; `None`: ready as soon as it is spawned.
    pub health_method: Option<Box<str>>,
    /// The time between two health calls of a running engine; `None`: no watch.
    pub health_interval: Option<Duration>,
    /// The longest line of stdout; `None`: no limit; contract default 256 MiB.
    pub max_message_bytes: Option<usize>,
    /// The most that waits for a slow engine; `None`: no limit; contract default 64 MiB.
    pub max_pending_bytes: Option<usize>,
}
