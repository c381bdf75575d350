//! From the core to JavaScript: items gather as JSON text, one wake-up hands over a batch.
//!
//! A batch is one JSON array that V8 parses in one go; an item is four elements of it: [`Op`], target, number, value.
//! Only the edge from empty to not empty wakes the event loop. A batch holds about [`SLICE`] of text, and ends behind
//! a response that an event follows: between two batches the host runs its microtasks (contract section 2).
//!
//! Bounded: whoever reads from an engine waits in [`Delivery::wait_for_space`] while more than [`CAPACITY`] waits for
//! JavaScript. Then the engine's pipe fills, and the engine waits too. Nothing is dropped.

mod op;

use std::collections::VecDeque;
use std::io::Write;
use std::ops::{Deref, Range};
use std::sync::{Arc, PoisonError};

pub use op::Op;

use crate::fault::{Faults, Place, caught, go_on, insisted};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// Text in one batch. Longer ones land in V8's large-object space, which is slower (measured: 2–5 times).
const SLICE: usize = 60 * 1024;
/// Text that may wait for JavaScript before reading from the engine stops. One longer message is still taken.
const CAPACITY: usize = 1024 * 1024;
/// What an item's text may have at most: a little under the longest string of V8's (2^29 - 24 units), which must hold the
/// rest of its batch as well.
pub const LONGEST_TEXT: usize = 536_800_000;

/// Wakes the event loop of the environment that owns the delivery; it then calls [`Delivery::take`].
pub trait Wake: Send + Sync {
    /// Called from any thread, never twice before the next `take`.
    fn wake(&self, delivery: &Arc<Delivery>);
}

/// What belongs to one JavaScript environment and ends with it.
pub trait Tenant: Send + Sync {
    /// The environment, or the whole app, is about to end: end at once and for good, without waiting.
    fn abandon(self: Arc<Self>);
}

/// The value of an item.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// JSON `null`.
    Null,
    /// A text that is JSON, passed on as it is.
    Json(&'a [u8]),
    /// A text that is JSON in several pieces.
    Pieces(&'a [&'a [u8]]),
    /// Text of the engine's that becomes a JSON string; invalid UTF-8 becomes U+FFFD.
    Text(&'a [u8]),
    /// A small record of our own.
    Record(&'a serde_json::Value),
}

/// A value in the text that it came in, which is given away with it.
#[derive(Debug)]
pub struct Embedded {
    /// JSON around the value.
    pub text: Vec<u8>,
    /// Where in the text the value is, itself JSON.
    pub value: Range<usize>,
    /// The text is known to be ASCII.
    pub is_ascii: bool,
}

/// What is handed over at once: the text of a JSON array.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where the array begins.
    start: usize,
    is_ascii: bool,
}

impl Batch {
    /// Whether the text is known to be ASCII: whoever needs to know need not look.
    #[must_use]
    pub fn is_known_ascii(&self) -> bool {
        self.is_ascii
    }
}

impl Deref for Batch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[derive(Debug, Default)]
struct Slice {
    /// Without the bracket that closes the array.
    batch: Batch,
    ends_with_response: bool,
}

/// Whether an event may still find a listener that does not exist yet, because the code behind an `await` of a
/// response has not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Shut,
    /// A response waits for JavaScript.
    Queued,
    /// The last response was handed over; its microtasks have run by the next `take`, or by `shut_window`.
    HandedOver,
}

#[derive(Debug)]
struct Inner {
    slices: VecDeque<Slice>,
    bytes: usize,
    scheduled: bool,
    window: Window,
    /// Code of the app that just asked for something is still running, and may go on to listen.
    in_turn: bool,
    open: bool,
}

/// The queue of one object on the JavaScript side.
pub struct Delivery {
    id: u32,
    wake: Box<dyn Wake>,
    inner: Mutex<Inner>,
    space: Condvar,
    faults: Faults,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Delivery {
    /// An empty queue for the object that JavaScript knows as `id`.
    #[must_use]
    pub fn new(id: u32, wake: Box<dyn Wake>) -> Arc<Self> {
        let inner = Inner {
            slices: VecDeque::new(),
            bytes: 0,
            scheduled: false,
            window: Window::Shut,
            in_turn: false,
            open: true,
        };
        Arc::new(Self {
            id,
            wake,
            inner: Mutex::new(inner),
            space: Condvar::new(),
            faults: Faults::default(),
        })
    }

    /// The number that JavaScript knows the owner by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The faults of the object that it belongs to.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what must reach JavaScript.
    pub fn push(&self, op: Op, target: u32, number: u64, value: Value<'_>) {
        self.lock().push(op, target, number, value, &self.faults);
    }

    /// Adds a value without copying it: the item is written around it, in its own text.
    pub fn push_embedded(&self, op: Op, target: u32, number: u64, value: Embedded) {
        self.lock().push_embedded(op, target, number, value, &self.faults);
    }

    /// Adds an event. Unheard ones are dropped here, unless a response before them, or the rest of the app's turn, may
    /// bring them a listener.
    /// Says whether it was taken.
    pub fn push_event(&self, heard: bool, op: Op, target: u32, number: u64, value: Value<'_>) -> bool {
        let mut inner = self.lock();
        let taken = heard || inner.window != Window::Shut || inner.in_turn;
        if taken {
            inner.push(op, target, number, value, &self.faults);
        }
        taken
    }

    /// Whether code is about to run that may start to listen to what comes now.
    #[must_use]
    pub fn may_bring_listeners(&self) -> bool {
        let inner = self.lock();
        inner.window != Window::Shut || inner.in_turn
    }

    /// All code that ran behind the responses that were handed over is through: who did not listen by now will not.
    pub fn shut_window(&self) {
        let mut inner = self.lock();
        if inner.window == Window::HandedOver {
            inner.window = Window::Shut;
        }
    }

    /// The app asked for something whose events it may listen to before its turn is over.
    pub fn begin_turn(&self) {
        self.lock().in_turn = true;
    }

    /// The app's turn is over.
    pub fn end_turn(&self) {
        self.lock().in_turn = false;
    }

    /// Wakes JavaScript if something waits and nobody has yet. Called once behind a group of pushes.
    pub fn signal(self: &Arc<Self>) {
        let mut inner = self.lock();
        if inner.open && !inner.scheduled && !inner.slices.is_empty() {
            inner.scheduled = true;
            drop(inner);
            let woken = insisted(|| {
                self.faults.visit(Place::Wake);
                self.wake.wake(self);
            });
            if woken.is_none() {
                self.lock().scheduled = false;
            }
        }
    }

    /// The next batch, as the text of a JSON array; another wake-up is under way when more waits.
    ///
    /// To be called when woken: everything that ran before has seen its microtasks. It does not panic, and a batch is not
    /// lost: nobody else would ever settle what is in it.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Batch> {
        let taken = insisted(|| self.take_slice());
        if taken.is_none() {
            self.lock().scheduled = false;
            self.signal();
        }
        taken.flatten()
    }

    fn take_slice(self: &Arc<Self>) -> Option<Batch> {
        let mut inner = self.lock();
        inner.scheduled = false;
        self.faults.visit(Place::Take);
        if inner.window == Window::HandedOver {
            inner.window = Window::Shut;
        }
        let mut slice = inner.slices.pop_front()?;
        let was_full = inner.bytes >= CAPACITY;
        inner.bytes -= slice.batch.len();
        if inner.window == Window::Queued && !inner.slices.iter().any(|slice| slice.ends_with_response) {
            inner.window = Window::HandedOver;
        }
        // Only who found it full waits, and to notify is a system call.
        if was_full && inner.bytes < CAPACITY {
            self.space.notify_all();
        }
        drop(inner);
        self.signal();
        slice.batch.bytes.push(b']');
        Some(slice.batch)
    }

    /// Everything that waits, as one batch, at once. A wake-up that is under way will find nothing, or what came since.
    #[must_use]
    pub fn take_all(&self) -> Option<Batch> {
        let mut inner = self.lock();
        let mut slices = std::mem::take(&mut inner.slices).into_iter();
        inner.bytes = 0;
        inner.window = Window::Shut;
        self.space.notify_all();
        let mut all = slices.next()?.batch;
        for Slice { batch, .. } in slices {
            all.bytes.push(b',');
            all.bytes.extend_from_slice(&batch[1..]);
            all.is_ascii &= batch.is_ascii;
        }
        all.bytes.push(b']');
        Some(all)
    }

    /// Whether nothing waits for JavaScript.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().slices.is_empty()
    }

    /// Whether [`Delivery::wait_for_space`] would wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let inner = self.lock();
        inner.open && inner.bytes >= CAPACITY
    }

    /// Blocks the calling thread while JavaScript is behind. A reader calls it before it reads on, having signalled what it
    /// has pushed.
    pub fn wait_for_space(&self) {
        let mut inner = self.lock();
        while inner.open && inner.bytes >= CAPACITY {
            inner = self.space.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The JavaScript side is gone: nothing is kept, nobody waits.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.open = false;
        inner.slices.clear();
        inner.bytes = 0;
        self.space.notify_all();
    }
}

impl Inner {
    fn push(&mut self, op: Op, target: u32, number: u64, value: Value<'_>, faults: &Faults) {
        if !self.open {
            return;
        }
        let fits = self
            .slices
            .back()
            .is_some_and(|last| last.batch.len() < SLICE && (op.is_response() || !last.ends_with_response));
        if !fits {
            self.slices.push_back(Slice::default());
        }
        let Some(slice) = self.slices.back_mut() else { return };
        slice.batch.is_ascii = false;
        let text = &mut slice.batch.bytes;
        let before = text.len();
        text.push(if before == 0 { b'[' } else { b',' });
        let written = caught(|| {
            // Writing into a Vec cannot fail.
            let _ = write!(text, "{},{target},{number},", op as u8);
            faults.visit(Place::Push);
            match value {
                Value::Null => text.extend_from_slice(b"null"),
                Value::Json(json) => {
                    // At once, with the bracket that closes the batch: the event loop must not pay for moving a large text.
                    text.reserve(json.len() + 1);
                    text.extend_from_slice(json);
                }
                Value::Pieces(pieces) => {
                    text.reserve(pieces.iter().map(|piece| piece.len()).sum::<usize>() + 1);
                    for piece in pieces {
                        text.extend_from_slice(piece);
                    }
                }
                Value::Text(plain) => {
                    let _ = serde_json::to_writer(&mut *text, &String::from_utf8_lossy(plain));
                }
                Value::Record(record) => {
                    let _ = serde_json::to_writer(&mut *text, record);
                }
            }
            text.reserve(1);
        });
        if written.is_none() {
            // Half an item would make the whole batch unreadable.
            text.truncate(before);
            if before == 0 {
                self.slices.pop_back();
            }
            go_on();
        }
        self.bytes += text.len() - before;
        self.pushed(op);
    }

    fn push_embedded(&mut self, op: Op, target: u32, number: u64, value: Embedded, faults: &Faults) {
        let Embedded { text: mut bytes, value, is_ascii } = value;
        let head = format!("[{},{target},{number},", op as u8);
        let Some(start) = value.start.checked_sub(head.len()) else {
            self.push(op, target, number, Value::Json(&bytes[value]), faults);
            return;
        };
        if !self.open {
            return;
        }
        faults.visit(Place::Push);
        bytes[start..value.start].copy_from_slice(head.as_bytes());
        // In place of what followed the value there is room for the bracket.
        bytes.truncate(value.end);
        self.bytes += bytes.len() - start;
        self.slices.push_back(Slice { batch: Batch { bytes, start, is_ascii }, ends_with_response: false });
        self.pushed(op);
    }

    /// An item is at the end of the last slice.
    fn pushed(&mut self, op: Op) {
        if op.is_response() {
            if let Some(slice) = self.slices.back_mut() {
                slice.ends_with_response = true;
            }
            self.window = Window::Queued;
        }
    }
}

/// Whether a text of the engine's is no longer than `limit` as a JSON string: a control character takes six characters, a
/// byte that is no UTF-8 three bytes.
#[must_use]
pub fn fits_as_string(text: &[u8], limit: usize) -> bool {
    const MOST: usize = 6;
    let size_of = |byte: &u8| match byte {
        0..b' ' => MOST,
        b'"' | b'\\' => 2,
        0x80.. => 3,
        _ => 1,
    };
    text.len() <= limit / MOST || text.iter().map(size_of).sum::<usize>() <= limit
}

#[cfg(test)]
mod tests;
