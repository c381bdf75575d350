//! Spawning into a job, ending it, and its end.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_SUSPENDED, GetExitCodeProcess, OpenThread, ResumeThread, THREAD_SUSPEND_RESUME,
};

use super::errno::failure;
use super::event::{Watch, first_of};
use super::job::{ENDED, Job};
use super::pipes::{Input, Output};
use super::program;
use crate::sys::{Exit, SpawnFailure, SpawnRequest, Spawned};

/// The number that Node reports, on Windows too, for a process that it ended.
const SIGKILL: i32 = 9;

/// A spawned engine: its end, and how to bring it about.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    /// Keeps the id from being given to another process.
    handle: OwnedHandle,
    /// Holds the engine alone without `kill_tree`, so ending the job is right in both cases.
    job: Job,
    killed: AtomicBool,
}

impl Process {
    /// The engine's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Nothing: a program without a window has no signal to get, its closed stdin is what asks it to end.
    pub fn terminate(&self) {}

    /// Ends the engine (with `kill_tree` its job).
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.job.terminate();
    }

    /// Waits until the engine has ended, and ends what is left of its tree. Call it once.
    pub fn wait(&self) -> Exit {
        let code = first_of(&[self.handle.as_raw_handle()]).and_then(|_| exit_code(&self.handle));
        self.job.terminate();
        match code {
            // As Node tells it; an engine that ended by itself a moment before keeps its own code.
            Ok(ENDED) if self.killed.load(Ordering::Acquire) => Exit { code: None, signal: Some(SIGKILL) },
            Ok(code) => Exit { code: Some(i64::from(code)), signal: None },
            Err(error) => {
                tracing::warn!(%error, "the end of the engine cannot be learnt");
                Exit { code: None, signal: None }
            }
        }
    }
}

fn exit_code(process: &OwnedHandle) -> io::Result<u32> {
    let mut code = 0;
    // SAFETY: the handle is open, and `code` is written before the call returns.
    let done = unsafe { GetExitCodeProcess(process.as_raw_handle(), &raw mut code) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(code) }
}

/// Starts an engine. Blocks for the time that the system takes; call it on the spawner thread.
///
/// # Errors
/// With the number that Node reports for the same failure.
pub fn spawn(request: &SpawnRequest, ended: &Watch) -> Result<Spawned, SpawnFailure> {
    start(request, ended).map_err(|error| failure(&error))
}

fn start(request: &SpawnRequest, ended: &Watch) -> io::Result<Spawned> {
    let program = program::find(request)?;
    let (stdin, engines_stdin) = Input::new()?;
    let (stdout, engines_stdout) = Output::new(ended.clone())?;
    let (stderr, engines_stderr) = Output::new(ended.clone())?;
    let job = Job::new(request.kill_tree)?;
    let mut child = suspended(&program, request, [engines_stdin, engines_stdout, engines_stderr])?;
    let pid = child.id();
    // Both or neither: an engine outside of the job would outlive the app.
    if let Err(error) = job.assign(&child).and_then(|()| resume(pid)) {
        let _ = child.kill();
        return Err(error);
    }
    let process = Process { pid, handle: child.into(), job, killed: AtomicBool::new(false) };
    Ok(Spawned { process, stdin, stdout, stderr })
}

/// The engine, loaded but not running. Its ends of the pipes are closed on our side: their end is its end.
fn suspended(program: &std::path::Path, request: &SpawnRequest, pipes: [File; 3]) -> io::Result<Child> {
    let [stdin, stdout, stderr] = pipes;
    let mut command = Command::new(program);
    // Without a window means a console of its own, too: Ctrl-C in the app's does not reach the engine.
    command.creation_flags(CREATE_NO_WINDOW | CREATE_SUSPENDED);
    command.args(&request.args).env_clear().envs(request.env.iter().map(|(name, value)| (name, value)));
    command.stdin(stdin).stdout(stdout).stderr(stderr);
    if let Some(cwd) = &request.cwd {
        command.current_dir(cwd);
    }
    command.spawn()
}

/// Lets a suspended process run. Its thread must be looked for: std keeps the handle for itself.
fn resume(pid: u32) -> io::Result<()> {
    let mut resumed = false;
    for thread in threads_of(pid)? {
        // SAFETY: no pointers are involved.
        let handle = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, thread) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made it, and nobody else has it.
        let suspended = unsafe {
            let handle = OwnedHandle::from_raw_handle(handle);
            ResumeThread(handle.as_raw_handle())
        };
        if suspended == u32::MAX {
            return Err(io::Error::last_os_error());
        }
        resumed |= suspended > 0;
    }
    if resumed { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn threads_of(pid: u32) -> io::Result<Vec<u32>> {
    // SAFETY: no pointers are involved.
    let handle = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made it, and nobody else has it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(handle) };
    let size = u32::try_from(size_of::<THREADENTRY32>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut entry = THREADENTRY32 { dwSize: size, ..THREADENTRY32::default() };
    let mut threads = Vec::new();
    // SAFETY: the snapshot is open, and `entry` says its own size.
    let mut more = unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    while more {
        if entry.th32OwnerProcessID == pid {
            threads.push(entry.th32ThreadID);
        }
        // SAFETY: as above.
        let found = unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut entry) };
        more = found != 0;
    }
    Ok(threads)
}
