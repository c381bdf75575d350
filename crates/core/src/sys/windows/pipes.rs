//! The engine's three pipes. Ours is the server end of a named pipe with overlapped I/O, whose waits an event can end;
//! the engine's is an ordinary client end, as any program expects it. Anonymous pipes cannot do the first.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, GENERIC_READ, GENERIC_WRITE,
    INVALID_HANDLE_VALUE, TRUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_WRITE_ATTRIBUTES, PIPE_ACCESS_INBOUND,
    PIPE_ACCESS_OUTBOUND, ReadFile, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT,
    PeekNamedPipe,
};
use windows_sys::core::BOOL;

use super::event::{Event, Watch, first_of};

/// What a pipe holds, as on Linux, and the most that one write hands over: it completes when all of it has gone.
const CAPACITY: u32 = 64 * 1024;

/// Both ends of a new pipe: ours and the engine's.
fn pipe(our_access: u32, engine_access: u32) -> io::Result<(OwnedHandle, File)> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name =
        format!(r"\\.\pipe\desktop-runtime-{}-{:032x}", std::process::id(), u128::from_le_bytes(random));
    let wide: Vec<u16> = std::ffi::OsStr::new(&name).encode_wide().chain([0]).collect();
    // SAFETY: the name ends with a zero; no attributes, so no child inherits the handle.
    let handle = unsafe {
        CreateNamedPipeW(
            wide.as_ptr(),
            our_access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            1,
            CAPACITY,
            CAPACITY,
            0,
            ptr::null(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made it, and nobody else has it.
    let ours = unsafe { OwnedHandle::from_raw_handle(handle) };
    // The one client there can be: from here on nobody else can open the name.
    let engines = OpenOptions::new().access_mode(engine_access).share_mode(0).open(&name)?;
    Ok((ours, engines))
}

/// Begins an operation by `start` and waits for its end. `None`: `watch` was triggered first, and nothing was moved.
fn complete(
    pipe: &OwnedHandle,
    done: &Event,
    watch: Option<&Watch>,
    start: impl FnOnce(*mut OVERLAPPED) -> BOOL,
) -> io::Result<Option<usize>> {
    let mut overlapped = OVERLAPPED { hEvent: done.handle(), ..OVERLAPPED::default() };
    let overlapped = &raw mut overlapped;
    if start(overlapped) == 0 {
        let error = io::Error::last_os_error();
        if !is(&error, ERROR_IO_PENDING) {
            return Err(error);
        }
    }
    // From here to the end of the operation `overlapped` and the bytes belong to the system: no way out before that.
    let waited = match watch {
        Some(watch) => first_of(&[done.handle(), watch.handle()]),
        None => Ok(0),
    };
    if !matches!(waited, Ok(0)) {
        // SAFETY: both are alive. An error says that the operation has ended already.
        unsafe {
            CancelIoEx(pipe.as_raw_handle(), overlapped);
        }
    }
    let mut moved = 0;
    // SAFETY: all three are alive; it returns when the operation has ended, by itself or by the cancellation.
    let succeeded = unsafe { GetOverlappedResult(pipe.as_raw_handle(), overlapped, &raw mut moved, TRUE) };
    if succeeded != 0 {
        return Ok(Some(moved as usize));
    }
    let error = io::Error::last_os_error();
    match waited {
        Ok(1) if is(&error, ERROR_OPERATION_ABORTED) => Ok(None),
        Err(waiting) if is(&error, ERROR_OPERATION_ABORTED) => Err(waiting),
        _ => Err(error),
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// The read end of the engine's stdout or stderr.
#[derive(Debug)]
pub struct Output {
    pipe: OwnedHandle,
    done: Event,
    ended: Watch,
    /// Set once the engine has ended: how many bytes of its own may still be in the pipe.
    remaining: Option<u32>,
}

impl Output {
    /// Our end, and the engine's.
    pub(super) fn new(ended: Watch) -> io::Result<(Self, File)> {
        let (pipe, engines) = pipe(PIPE_ACCESS_INBOUND, GENERIC_WRITE)?;
        Ok((Self { pipe, done: Event::new()?, ended, remaining: None }, engines))
    }

    /// Waits for bytes and puts them into `buffer`. 0: the end.
    ///
    /// After the engine's end only what was in the pipe at that moment is read: a descendant that holds the pipe
    /// open, or goes on writing, cannot keep the end away.
    ///
    /// # Errors
    /// When the pipe cannot be read.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.read_some(buffer) {
            Err(error) if is(&error, ERROR_BROKEN_PIPE) => Ok(0),
            outcome => outcome,
        }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Looked at before each read: somebody who never stops writing must not keep the end away.
            if self.remaining.is_none() && self.ended.is_triggered()? {
                self.remaining = Some(self.available()?);
            }
            let most =
                u32::try_from(buffer.len()).unwrap_or(u32::MAX).min(self.remaining.unwrap_or(u32::MAX));
            if most == 0 {
                return Ok(0);
            }
            // What remains is in the pipe: that read does not wait.
            let watch = if self.remaining.is_none() { Some(&self.ended) } else { None };
            let read = complete(&self.pipe, &self.done, watch, |overlapped| {
                // SAFETY: `buffer` has room for `most` bytes and is not touched before the operation has ended.
                unsafe {
                    ReadFile(
                        self.pipe.as_raw_handle(),
                        buffer.as_mut_ptr(),
                        most,
                        ptr::null_mut(),
                        overlapped,
                    )
                }
            })?;
            match read {
                // An empty write of the engine, which is not its end.
                Some(0) | None => {}
                Some(n) => {
                    if let Some(left) = &mut self.remaining {
                        *left = left.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX));
                    }
                    return Ok(n);
                }
            }
        }
    }

    fn available(&self) -> io::Result<u32> {
        let mut available = 0;
        // SAFETY: no buffer, only the count is asked for; the pointers not used may be null.
        let done = unsafe {
            let pipe = self.pipe.as_raw_handle();
            PeekNamedPipe(pipe, ptr::null_mut(), 0, ptr::null_mut(), &raw mut available, ptr::null_mut())
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(available) }
    }
}

/// The write end of the engine's stdin. Dropping it closes the pipe; what is in it can still be read.
#[derive(Debug)]
pub struct Input {
    pipe: OwnedHandle,
    done: Event,
}

impl Input {
    /// Our end, and the engine's.
    pub(super) fn new() -> io::Result<(Self, File)> {
        // The right to set attributes lets the engine choose how it waits, as runtimes do with their stdin.
        let (pipe, engines) = pipe(PIPE_ACCESS_OUTBOUND, GENERIC_READ | FILE_WRITE_ATTRIBUTES)?;
        Ok((Self { pipe, done: Event::new()? }, engines))
    }

    /// Never takes anything: a write that would have to wait cannot be told from others in advance, so all of them
    /// are the writer thread's.
    ///
    /// # Errors
    /// None; the signature is the one of all systems.
    pub fn try_write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    /// Waits until the pipe takes some of `bytes`, and says how many.
    ///
    /// # Errors
    /// `Interrupted` when `cancelled` was triggered, `BrokenPipe` when the engine has closed its stdin.
    pub fn write(&mut self, bytes: &[u8], cancelled: &Watch) -> io::Result<usize> {
        let most = u32::try_from(bytes.len()).unwrap_or(CAPACITY).min(CAPACITY);
        let written = complete(&self.pipe, &self.done, Some(cancelled), |overlapped| {
            // SAFETY: `bytes` has `most` bytes or more and stays as it is until the operation has ended.
            unsafe { WriteFile(self.pipe.as_raw_handle(), bytes.as_ptr(), most, ptr::null_mut(), overlapped) }
        })?;
        written.ok_or_else(|| io::ErrorKind::Interrupted.into())
    }
}
