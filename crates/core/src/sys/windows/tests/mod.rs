//! Real processes: the engines, and an app that is killed, are this very test program, see `engine`.

use std::ffi::OsString;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

use super::{Output, Trigger, spawn, trigger};
use crate::sys::{SpawnRequest, Spawned};

mod end;
mod engine;
mod input;
mod output;
mod start;

/// Long enough for a busy machine; whatever takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// The request for an engine that behaves as `behaviour` says.
fn request(behaviour: &str) -> SpawnRequest {
    let mut env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    env.push((engine::BEHAVIOUR.into(), behaviour.into()));
    SpawnRequest {
        program: std::env::current_exe().unwrap().into(),
        args: engine::ARGS.map(OsString::from).to_vec(),
        cwd: None,
        env,
        kill_tree: true,
    }
}

/// A started engine, and what tells its outputs of its end.
struct Started {
    engine: Spawned,
    ended: Trigger,
}

fn start(request: &SpawnRequest) -> Started {
    let (ended, watch) = trigger().unwrap();
    let engine = spawn(request, &watch).unwrap();
    Started { engine, ended }
}

/// Runs `work` on a thread of its own and fails when it does not come back.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = channel();
    thread::spawn(move || done.send(work()));
    outcome.recv_timeout(DEADLINE).expect("it should have come back by now")
}

/// All that an output has to say, from the engine's first own byte.
fn read_all(mut output: Output) -> Vec<u8> {
    let bytes = in_time(move || {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match output.read(&mut buffer).unwrap() {
                0 => return all,
                n => all.extend_from_slice(&buffer[..n]),
            }
        }
    });
    after_start(&bytes).expect("the engine should have started to speak").to_vec()
}

/// The engine's own lines, one at a time: the test program prints a heading of its own before them.
struct Lines {
    output: Output,
    bytes: Vec<u8>,
    taken: usize,
}

impl Lines {
    fn of(output: Output) -> Self {
        Self { output, bytes: Vec::new(), taken: 0 }
    }

    fn next(mut self) -> (String, Self) {
        in_time(move || {
            let mut buffer = [0; 4096];
            loop {
                let own = after_start(&self.bytes).unwrap_or_default();
                if let Some(line) =
                    own[self.taken.min(own.len())..].split_inclusive(|byte| *byte == b'\n').next()
                    && line.ends_with(b"\n")
                {
                    let line = String::from_utf8(line.to_vec()).unwrap();
                    self.taken += line.len();
                    return (line.trim_end().to_owned(), self);
                }
                let n = self.output.read(&mut buffer).unwrap();
                assert_ne!(n, 0, "the engine should have said a line");
                self.bytes.extend_from_slice(&buffer[..n]);
            }
        })
    }
}

fn after_start(bytes: &[u8]) -> Option<&[u8]> {
    let start = engine::START.as_bytes();
    bytes.windows(start.len()).position(|window| window == start).map(|at| &bytes[at + start.len()..])
}

/// A process that is not a child of the test.
struct Stranger(OwnedHandle);

impl Stranger {
    fn from_line((pid, lines): (String, Lines)) -> (Self, Lines) {
        (Self::open(pid.parse().unwrap()), lines)
    }

    fn open(pid: u32) -> Self {
        // SAFETY: the handle is checked before it becomes owned; nobody else has it.
        let handle = unsafe {
            let handle = OpenProcess(PROCESS_SYNCHRONIZE | PROCESS_TERMINATE, 0, pid);
            assert!(!handle.is_null(), "process {pid}: {}", io::Error::last_os_error());
            OwnedHandle::from_raw_handle(handle)
        };
        Self(handle)
    }

    fn is_gone_within(&self, time: Duration) -> bool {
        // SAFETY: the handle is open.
        let outcome =
            unsafe { WaitForSingleObject(self.0.as_raw_handle(), u32::try_from(time.as_millis()).unwrap()) };
        outcome == WAIT_OBJECT_0
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // SAFETY: the handle is open; an error says that the process is gone.
        unsafe {
            TerminateProcess(self.0.as_raw_handle(), 1);
        }
    }
}
