//! Spawning in a process group, signalling it, and its end.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use super::pipes::{Input, Output, Watch};
use super::watchdog;
use crate::sys::{Exit, SpawnFailure, SpawnRequest, Spawned};

/// A spawned engine: its signals and its end.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    kill_tree: bool,
    /// Kept so that the child counts as ours; std's own `wait` is not used.
    _child: Child,
    /// Whether the id still is ours: signals are sent under this lock, reaping takes it.
    reaped: Mutex<bool>,
}

impl Process {
    /// The engine's process id, which is its group's id too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Asks the engine (with `kill_tree` its group) to end: SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the engine (with `kill_tree` its group): SIGKILL.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            self.send(signal);
        }
    }

    fn send(&self, signal: Signal) {
        // An error means that nothing is left to signal.
        let _ = if self.kill_tree {
            kill_process_group(self.pid, signal)
        } else {
            kill_process(self.pid, signal)
        };
    }

    /// Waits until the engine has ended, ends what is left of its tree, and reaps it. Call it once.
    pub fn wait(&self) -> Exit {
        // Looked at before it is reaped: the group's id is ours only until its leader is reaped.
        let status = wait_for(self.pid, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        if self.kill_tree && status.is_some() {
            self.kill();
        }
        // Not under the lock: it writes to a pipe, and the event loop takes the lock to signal.
        watchdog::forget(&watchdog::target(self.pid, self.kill_tree));
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_some() {
            wait_for(self.pid, WaitIdOptions::EXITED);
        }
        *reaped = true;
        status.unwrap_or(Exit { code: None, signal: None })
    }
}

/// `None` when the child is not ours any more: a host that waits for all children took it.
fn wait_for(pid: Pid, options: WaitIdOptions) -> Option<Exit> {
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(Some(status)) => {
                return Some(Exit {
                    code: status.exit_status().map(i64::from),
                    signal: status.terminating_signal(),
                });
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Starts an engine. Blocks for the time of a fork and exec; call it on the spawner thread: Linux ends the engine
/// when the *thread* that started it ends.
///
/// # Errors
/// With the number that Node reports for the same failure.
pub fn spawn(request: &SpawnRequest, ended: &Watch) -> Result<Spawned, SpawnFailure> {
    let program = find_program(request)?;
    let mut command = Command::new(&program);
    command
        .args(&request.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(cwd) = &request.cwd {
        command.current_dir(cwd);
    }
    let image = Image::new(&program, request)?;
    let app = rustix::process::getpid();
    let watched = watchdog::Entry::new(request.kill_tree);
    // SAFETY: the closure only makes system calls that are async-signal-safe, on memory made before the fork.
    unsafe {
        command.pre_exec(move || {
            die_with(app)?;
            ignore_broken_pipes();
            watched.sign_in();
            forget_signal_dispositions();
            let error = image.execute();
            ignore_broken_pipes();
            watched.sign_out();
            Err(error)
        });
    }
    let mut child = command.spawn().map_err(|error| failure(&error))?;
    let pid = Pid::from_child(&child);
    let pipes = (|| {
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let stdin = Input::new(child.stdin.take().ok_or_else(missing)?.into())?;
        let stdout = Output::new(child.stdout.take().ok_or_else(missing)?.into(), ended.clone())?;
        let stderr = Output::new(child.stderr.take().ok_or_else(missing)?.into(), ended.clone())?;
        Ok((stdin, stdout, stderr))
    })();
    let process = Process { pid, kill_tree: request.kill_tree, _child: child, reaped: Mutex::new(false) };
    match pipes {
        Ok((stdin, stdout, stderr)) => {
            watchdog::remember(&watchdog::target(pid, request.kill_tree));
            Ok(Spawned { process, stdin, stdout, stderr })
        }
        Err(error) => {
            process.kill();
            process.wait();
            Err(failure(&error))
        }
    }
}

/// The number that Node gives for this error.
#[must_use]
pub fn failure(error: &io::Error) -> SpawnFailure {
    SpawnFailure { errno: -error.raw_os_error().unwrap_or_else(|| Errno::INVAL.raw_os_error()) }
}

/// An engine begins as any program does: what the host ignores (Node: SIGXFSZ, under `nohup`: SIGHUP) would otherwise be
/// ignored by the engine too.
fn forget_signal_dispositions() {
    for signal in 1..32 {
        // No safe library offers this between fork and exec.
        // SAFETY: `signal` is async-signal-safe; for those that cannot be changed it fails.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// A watchdog that is gone must not take the engine along.
fn ignore_broken_pipes() {
    // No safe library offers this between fork and exec.
    // SAFETY: `signal` is async-signal-safe.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

/// Linux: the engine gets SIGKILL when the spawner thread, that is the app, dies. Elsewhere the watchdog does it.
#[cfg(target_os = "linux")]
fn die_with(app: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The app may have died between the fork and the call above.
    if rustix::process::getppid() == Some(app) { Ok(()) } else { Err(Errno::SRCH.into()) }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
fn die_with(_app: Pid) -> io::Result<()> {
    Ok(())
}

/// A bare name is looked up in the engine's own `PATH`, as `execvp` does.
fn find_program(request: &SpawnRequest) -> Result<PathBuf, SpawnFailure> {
    let program = Path::new(&request.program);
    if request.program.as_bytes().contains(&b'/') {
        return Ok(program.to_path_buf());
    }
    let path = request.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let mut errno = Errno::NOENT;
    for folder in path.unwrap_or(OsStr::new("/usr/bin:/bin")).as_bytes().split(|byte| *byte == b':') {
        let folder = if folder.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(folder)) };
        let candidate = folder.join(program);
        // A relative folder starts where the engine starts.
        let seen_from_here =
            request.cwd.as_ref().map_or_else(|| candidate.clone(), |cwd| cwd.join(&candidate));
        match seen_from_here.metadata() {
            Ok(found) if found.is_file() => {
                match rustix::fs::access(&seen_from_here, rustix::fs::Access::EXEC_OK) {
                    Ok(()) => return Ok(candidate),
                    Err(error) => errno = error,
                }
            }
            _ => {}
        }
    }
    Err(SpawnFailure { errno: -errno.raw_os_error() })
}

/// Program, arguments and environment as `execve` takes them, made before the fork.
///
/// `execve` itself instead of std's `execvp`: the latter hands a file without `#!` line to a shell.
struct Image {
    path: CString,
    argv: Vec<*const libc::c_char>,
    envp: Vec<*const libc::c_char>,
    _texts: Vec<CString>,
}

// SAFETY: the pointers point into `_texts`, which moves along; nothing is mutated after `new`.
unsafe impl Send for Image {}
// SAFETY: as above; all access is read-only.
unsafe impl Sync for Image {}

impl Image {
    fn new(program: &Path, request: &SpawnRequest) -> Result<Self, SpawnFailure> {
        let text = |bytes: OsString| {
            CString::new(bytes.into_vec()).map_err(|_| SpawnFailure { errno: -Errno::INVAL.raw_os_error() })
        };
        let mut texts = vec![text(request.program.clone())?];
        for arg in &request.args {
            texts.push(text(arg.clone())?);
        }
        let args = texts.len();
        for (name, value) in &request.env {
            let mut entry = name.clone();
            entry.push("=");
            entry.push(value);
            texts.push(text(entry)?);
        }
        let pointers = |texts: &[CString]| {
            texts
                .iter()
                .map(|text| text.as_ptr())
                .chain(std::iter::once(std::ptr::null()))
                .collect::<Vec<_>>()
        };
        let path = text(program.as_os_str().to_owned())?;
        Ok(Self { path, argv: pointers(&texts[..args]), envp: pointers(&texts[args..]), _texts: texts })
    }

    /// Becomes the engine; returns only the error.
    fn execute(&self) -> io::Error {
        // No safe library offers this without allocating after the fork.
        // SAFETY: both arrays end with a null pointer and their texts live in `self`.
        unsafe {
            libc::execve(self.path.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr());
        }
        io::Error::last_os_error()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    #[test]
    fn the_watchdog_watches_over_an_engine_until_it_is_reaped() {
        for kill_tree in [true, false] {
            let request = SpawnRequest {
                program: "cat".into(),
                args: Vec::new(),
                cwd: None,
                env: std::env::vars_os().collect(),
                kill_tree,
            };
            let (_ended, watch) = sys::trigger().unwrap();
            let Spawned { process, stdin, .. } = spawn(&request, &watch).unwrap();
            assert!(watchdog::watches_over(&watchdog::target(process.pid, process.kill_tree)));
            drop(stdin);
            assert_eq!(process.wait().code, Some(0));
            // From here the number may be somebody else's.
            assert!(!watchdog::watches_over(&watchdog::target(process.pid, process.kill_tree)));
        }
    }
}
