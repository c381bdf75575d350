//! The engine's three pipes. Both directions are non-blocking on our side; waiting is `poll`, together with a pipe
//! whose hang-up says that the wait is over.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, ioctl_fionread, read, write};

/// Dropped, it ends the waiting of everyone who holds the [`Watch`] of the pair.
#[derive(Debug)]
pub struct Trigger(#[expect(dead_code, reason = "held for its drop: the hang-up is the message")] OwnedFd);

/// The waiting side of a [`Trigger`].
#[derive(Debug, Clone)]
pub struct Watch(Arc<OwnedFd>);

/// A connected [`Trigger`] and [`Watch`].
///
/// # Errors
/// When the process has no descriptors left.
pub fn trigger() -> io::Result<(Trigger, Watch)> {
    let (reader, writer) = io::pipe()?;
    Ok((Trigger(writer.into()), Watch(Arc::new(reader.into()))))
}

/// Waits until the pipe is ready or the watch was triggered, and says whether it was the latter.
fn wait_for(pipe: &OwnedFd, interest: PollFlags, watch: &Watch) -> io::Result<bool> {
    loop {
        let mut fds = [PollFd::new(pipe, interest), PollFd::new(watch.0.as_ref(), PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => return Ok(!fds[1].revents().is_empty()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    Ok(rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)?)
}

/// The read end of the engine's stdout or stderr.
#[derive(Debug)]
pub struct Output {
    fd: OwnedFd,
    ended: Watch,
    /// Set once the engine has ended: how many bytes of its own may still be in the pipe.
    remaining: Option<u64>,
}

impl Output {
    pub(super) fn new(fd: OwnedFd, ended: Watch) -> io::Result<Self> {
        set_nonblocking(&fd)?;
        Ok(Self { fd, ended, remaining: None })
    }

    /// Waits for bytes and puts them into `buffer`. 0: the end.
    ///
    /// After the engine's end only what was in the pipe at that moment is read: a descendant that holds the pipe
    /// open, or goes on writing, cannot keep the end away.
    ///
    /// # Errors
    /// When the pipe cannot be read.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.remaining.is_none() && wait_for(&self.fd, PollFlags::IN, &self.ended)? {
                self.remaining = Some(ioctl_fionread(&self.fd)?);
            }
            let most = match self.remaining {
                Some(0) => return Ok(0),
                Some(left) => usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len()),
                None => buffer.len(),
            };
            match read(&self.fd, &mut buffer[..most]) {
                Ok(n) => {
                    if let Some(left) = &mut self.remaining {
                        *left = if n == 0 { 0 } else { left.saturating_sub(n as u64) };
                    }
                    return Ok(n);
                }
                Err(Errno::AGAIN) if self.remaining.is_some() => return Ok(0),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The write end of the engine's stdin. Dropping it closes the pipe.
#[derive(Debug)]
pub struct Input {
    fd: OwnedFd,
}

impl Input {
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd)?;
        Ok(Self { fd })
    }

    /// Writes what the pipe takes at once; 0 when it is full. Never waits.
    ///
    /// # Errors
    /// `BrokenPipe` when the engine has closed its stdin.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match write(&self.fd, bytes) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(0),
                other => return Ok(other?),
            }
        }
    }

    /// Waits until the pipe takes some of `bytes`, and says how many.
    ///
    /// # Errors
    /// `Interrupted` when `cancelled` was triggered, `BrokenPipe` when the engine has closed its stdin.
    pub fn write(&mut self, bytes: &[u8], cancelled: &Watch) -> io::Result<usize> {
        loop {
            if wait_for(&self.fd, PollFlags::OUT, cancelled)? {
                return Err(io::ErrorKind::Interrupted.into());
            }
            // Not `write_all`: another writer cannot exist, but a signal can cut a write short.
            match self.try_write(bytes)? {
                0 => {}
                n => return Ok(n),
            }
        }
    }
}
