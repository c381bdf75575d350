//! What goes to an engine: lines joined into few writes, a short path when the pipe has room, a bounded queue when not.
//!
//! Nothing here blocks but the writer thread. Whoever pushes only appends; `flush` makes at most one non-waiting
//! write. While the writer thread has the pipe, everything queues behind it, so lines never overtake each other.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::sys::{Input, Trigger, Watch};

/// The most one write on the calling thread takes; the rest is the writer thread's (architecture, short path).
const SHORT_PATH: usize = 64 * 1024;
/// A pipe that breaks is mostly an engine that ends: so long its exit is waited for.
const ENDING: Duration = Duration::from_secs(1);

/// Why a line was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// More than the limit would wait: `BACKPRESSURE`.
    Full,
    /// The pipe is closed, by us or by the engine.
    Closed,
    /// The engine closed it, probably because it has ended: soon it is `Closed`, or there is another run.
    Ending,
}

impl Refused {
    /// Whether a request is given back to whoever wanted to send it. To a closed pipe it counts as sent, and waits for the
    /// exit or its timeout; but a job need not go down with an engine that never heard of it.
    #[must_use]
    pub fn gives_back(self, starts_job: bool) -> bool {
        match self {
            Refused::Full => true,
            Refused::Ending => starts_job,
            Refused::Closed => false,
        }
    }
}

#[derive(Debug)]
enum Pipe {
    /// Nothing is under way.
    Here(Input),
    /// The writer thread has it.
    Lent,
    /// Nothing can be written any more.
    Gone,
    /// Nothing can be written, and the engine's exit is waited for.
    Ending,
}

#[derive(Debug)]
struct State {
    pipe: Pipe,
    /// Lines of this turn, written together.
    joined: Vec<u8>,
    /// What the pipe did not take, and what came behind it; the first `skip` bytes of the first are written.
    queue: VecDeque<Vec<u8>>,
    skip: usize,
    queued: usize,
    cancel: Option<Trigger>,
}

/// The way to one run of an engine.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    work: Condvar,
    limit: Option<usize>,
}

impl Outbox {
    /// `cancel` ends a write of the writer thread that waits for the engine.
    #[must_use]
    pub fn new(pipe: Input, cancel: Trigger, limit: Option<usize>) -> Arc<Self> {
        let state = State {
            pipe: Pipe::Here(pipe),
            joined: Vec::new(),
            queue: VecDeque::new(),
            skip: 0,
            queued: 0,
            cancel: Some(cancel),
        };
        Arc::new(Self { state: Mutex::new(state), work: Condvar::new(), limit })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what `write_line` writes. When nothing waits, a line of any size is taken.
    ///
    /// # Errors
    /// [`Refused`]; then nothing was appended.
    pub fn push(&self, write_line: impl FnOnce(&mut Vec<u8>)) -> Result<(), Refused> {
        let mut state = self.lock();
        match state.pipe {
            Pipe::Gone => return Err(Refused::Closed),
            Pipe::Ending => return Err(Refused::Ending),
            Pipe::Here(_) | Pipe::Lent => {}
        }
        let before = state.joined.len();
        write_line(&mut state.joined);
        let line = state.joined.len() - before;
        let over = |waiting: usize| waiting > 0 && self.limit.is_some_and(|limit| waiting + line > limit);
        if over(state.queued + before) && state.queued == 0 {
            // What is joined waits for the end of this turn, not for the engine: it can go now.
            let behind = state.joined.split_off(before);
            self.write_joined(&mut state);
            state.joined.extend_from_slice(&behind);
        }
        let before = state.joined.len() - line;
        if over(state.queued + before) {
            state.joined.truncate(before);
            return Err(Refused::Full);
        }
        Ok(())
    }

    /// Sends what was pushed: as much as the pipe takes at once, the rest through the writer thread.
    pub fn flush(&self) {
        let mut state = self.lock();
        self.write_joined(&mut state);
    }

    fn write_joined(&self, state: &mut State) {
        if state.joined.is_empty() {
            return;
        }
        let mut written = 0;
        if state.queued == 0 {
            match &mut state.pipe {
                Pipe::Here(pipe) => match pipe.try_write(&state.joined[..state.joined.len().min(SHORT_PATH)])
                {
                    Ok(n) => written = n,
                    Err(error) => {
                        tracing::debug!(%error, "the engine closed its stdin");
                        state.pipe = Pipe::Gone;
                    }
                },
                Pipe::Lent | Pipe::Gone | Pipe::Ending => {}
            }
        }
        if matches!(state.pipe, Pipe::Gone | Pipe::Ending) || written == state.joined.len() {
            state.joined.clear();
            state.joined.shrink_to(SHORT_PATH);
            return;
        }
        let chunk = std::mem::take(&mut state.joined);
        if state.queue.is_empty() {
            state.skip = written;
        }
        state.queued += chunk.len() - written;
        state.queue.push_back(chunk);
        self.work.notify_one();
    }

    /// Bytes that wait for the engine.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        let state = self.lock();
        state.queued + state.joined.len()
    }

    /// Closes the engine's stdin; what waits is dropped.
    pub fn close(&self) {
        let mut state = self.lock();
        state.pipe = Pipe::Gone;
        state.joined = Vec::new();
        state.queue.clear();
        state.queued = 0;
        state.cancel = None;
        self.work.notify_one();
    }

    /// The writer thread: until the pipe is closed. `drained` is told each time nothing waits any more. When the engine has
    /// closed its stdin that is not before it is clear that it lives on: what met the limit must not go to one that ends.
    pub fn run(&self, cancelled: &Watch, drained: impl Fn()) {
        while let Some((mut pipe, chunk, skip)) = self.next_chunk() {
            let outcome = pipe.write(&chunk[skip..], cancelled);
            let mut state = self.lock();
            if matches!(state.pipe, Pipe::Gone) {
                return;
            }
            match outcome {
                Ok(n) => {
                    state.queued -= n;
                    if skip + n < chunk.len() {
                        state.skip = skip + n;
                        state.queue.push_front(chunk);
                    } else {
                        state.skip = 0;
                    }
                    state.pipe = Pipe::Here(pipe);
                }
                Err(error) => {
                    tracing::debug!(%error, "the engine closed its stdin");
                    state.pipe = Pipe::Ending;
                    state.queue.clear();
                    state.queued = 0;
                    state.joined = Vec::new();
                    let is_open = |state: &mut State| state.cancel.is_some();
                    let waited = self.work.wait_timeout_while(state, ENDING, is_open);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                    state.pipe = Pipe::Gone;
                    if state.cancel.is_none() {
                        return;
                    }
                }
            }
            let empty = state.queued == 0;
            drop(state);
            if empty {
                drained();
            }
        }
    }

    fn next_chunk(&self) -> Option<(Input, Vec<u8>, usize)> {
        let mut state = self.lock();
        loop {
            if matches!(state.pipe, Pipe::Gone | Pipe::Ending) {
                return None;
            }
            if let Some(chunk) = state.queue.pop_front() {
                return match std::mem::replace(&mut state.pipe, Pipe::Lent) {
                    Pipe::Here(pipe) => Some((pipe, chunk, state.skip)),
                    Pipe::Lent | Pipe::Gone | Pipe::Ending => None,
                };
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
