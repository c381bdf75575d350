//! What differs between operating systems: spawning an engine, its pipes, its signals, its end.
//!
//! One interface, two implementations: `unix` and `windows`. The only place of `cfg` on the platform and of `unsafe`
//! in this crate. Nothing here knows JSON or the contract's messages.
//!
//! The interface, as both sides export it:
//! - `spawn(&SpawnRequest, &Watch) -> Result<Spawned, SpawnFailure>`: blocking; call it on the spawner thread only.
//! - `failure(&io::Error) -> SpawnFailure`: with the number that Node gives for the error.
//! - `Process`: `pid`, `terminate`, `kill` (no-ops once reaped) and `wait`, which blocks until the engine has ended,
//!   ends what is left of its tree, and reaps it.
//! - `Output`: the read end of stdout or stderr. `read` blocks; after the `Trigger` of the `Watch` given to `spawn` was dropped it returns what
//!   is in the pipe at that moment and then the end, even while somebody else holds the pipe open.
//! - `Input`: the write end of stdin. `try_write` never waits; `write` waits until a `Trigger` is dropped.
//! - `LONGEST_GRACE`: a bound on the time between `terminate` and `kill`, where the system needs one.
//! - `CACHE_IDLE`: how long a cache that nobody asks keeps its files open.
//! - `boot_id`: a number that changes when the machine starts anew.
//! - `create_private_folder`, `open_private_file`, `open_lock_file`, `create_private_file`, `open_to_read`,
//!   `make_private`, `real_folder`, `file_identity`, `sync_folder`: files that others may want to read, replace or link.
//! - `Seat::take`: the place of this process at a file, for one copy of this addon at a time; `None` while another has it.
//! - `is_shortage`: whether an error says that the process or the machine lacks something.
//! - `trigger() -> (Trigger, Watch)`: dropping the first wakes everyone who waits with the second.

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{
    CACHE_IDLE, Input, LONGEST_GRACE, Output, Process, Seat, Trigger, Watch, boot_id, create_private_file,
    create_private_folder, failure, file_identity, is_shortage, is_writable, make_private, open_lock_file,
    open_private_file, open_to_read, real_folder, spawn, sync_folder, trigger,
};
#[cfg(windows)]
pub use windows::{
    CACHE_IDLE, Input, LONGEST_GRACE, Output, Process, Seat, Trigger, Watch, boot_id, create_private_file,
    create_private_folder, failure, file_identity, is_shortage, is_writable, make_private, open_lock_file,
    open_private_file, open_to_read, real_folder, spawn, sync_folder, trigger,
};

/// What to start.
#[derive(Debug, Clone)]
pub struct SpawnRequest {
    /// A path, or a bare name that is searched in the `PATH` of `env`. A relative path starts at `cwd`.
    pub program: OsString,
    /// The arguments behind the program's name.
    pub args: Vec<OsString>,
    /// The working directory; `None` is the app's own.
    pub cwd: Option<PathBuf>,
    /// The whole environment of the engine.
    pub env: Vec<(OsString, OsString)>,
    /// Whether signals go to the engine's tree (process group, job object) or to the engine alone.
    pub kill_tree: bool,
}

/// A started engine.
#[derive(Debug)]
pub struct Spawned {
    /// Signals and the end.
    pub process: Process,
    /// The engine's stdin.
    pub stdin: Input,
    /// The engine's stdout.
    pub stdout: Output,
    /// The engine's stderr.
    pub stderr: Output,
}

/// Why an engine could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpawnFailure {
    /// The error number as Node gives it in `error.errno`: negative, libuv's own numbers on Windows.
    pub errno: i32,
}

/// How an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The exit code; `None` when a signal ended it, or when the host reaped it first.
    pub code: Option<i64>,
    /// The number of the signal that ended it. On Windows 9 (SIGKILL) when we did, as Node reports it.
    pub signal: Option<i32>,
}
