//! The one thread that starts processes.
//!
//! Linux ends an engine when the thread that started it ends (parent-death signal), so this thread lives as long as
//! the process. A fork of a large app takes milliseconds, which the event loop must not pay.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::fault::caught;

type Work = Box<dyn FnOnce() + Send>;

static SPAWNER: Mutex<Option<Sender<Work>>> = Mutex::new(None);

/// Runs `work` on the spawner thread.
///
/// # Errors
/// When the thread cannot be started.
pub fn submit(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if spawner.is_none() {
        let (sender, receiver) = channel::<Work>();
        thread::Builder::new().name("desktop-runtime spawner".into()).spawn(move || {
            for work in receiver {
                // Whoever submitted it hears of a panic by its own guard; the thread must outlive it.
                caught(work);
            }
        })?;
        *spawner = Some(sender);
    }
    let sent = spawner.as_ref().map(|sender| sender.send(Box::new(work)));
    sent.and_then(Result::ok).ok_or_else(|| io::ErrorKind::BrokenPipe.into())
}

/// Drops what is so large that giving its memory back takes time which the caller does not have.
pub fn discard(large: impl Send + 'static) {
    // Without the thread the closure comes back, and is dropped here after all.
    let _ = submit(move || drop(large));
}
