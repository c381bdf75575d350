//! Events: what threads wait for, together with an I/O operation or alone.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::Arc;

use windows_sys::Win32::Foundation::{FALSE, HANDLE, TRUE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects};

/// An event that stays set once it was set, until an I/O operation that uses it begins.
#[derive(Debug)]
pub(super) struct Event(OwnedHandle);

impl Event {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no attributes (so no child inherits it) and no name; both may be null.
        let handle = unsafe { CreateEventW(ptr::null(), TRUE, FALSE, ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made it, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    pub(super) fn handle(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    fn set(&self) {
        // SAFETY: the handle is an event's and open as long as `self`.
        // It cannot fail for an event that this process made with all rights.
        unsafe {
            SetEvent(self.handle());
        }
    }
}

/// Dropped, it ends the waiting of everyone who holds the [`Watch`] of the pair.
#[derive(Debug)]
pub struct Trigger(Arc<Event>);

impl Drop for Trigger {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// The waiting side of a [`Trigger`].
#[derive(Debug, Clone)]
pub struct Watch(Arc<Event>);

impl Watch {
    pub(super) fn handle(&self) -> HANDLE {
        self.0.handle()
    }

    /// Whether the trigger was dropped.
    pub(super) fn is_triggered(&self) -> io::Result<bool> {
        Ok(wait(&[self.handle()], 0)?.is_some())
    }
}

/// A connected [`Trigger`] and [`Watch`].
///
/// # Errors
/// When the process has no handles left.
pub fn trigger() -> io::Result<(Trigger, Watch)> {
    let event = Arc::new(Event::new()?);
    Ok((Trigger(Arc::clone(&event)), Watch(event)))
}

/// Waits until one of `handles` is signalled and says which, the first of several.
pub(super) fn first_of(handles: &[HANDLE]) -> io::Result<usize> {
    loop {
        if let Some(index) = wait(handles, INFINITE)? {
            return Ok(index);
        }
    }
}

fn wait(handles: &[HANDLE], milliseconds: u32) -> io::Result<Option<usize>> {
    let count = u32::try_from(handles.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `handles` is an array of `count` handles, which the caller keeps open during the call.
    let outcome = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), FALSE, milliseconds) };
    match outcome.checked_sub(WAIT_OBJECT_0) {
        Some(index) if index < count => Ok(Some(index as usize)),
        _ if outcome == windows_sys::Win32::Foundation::WAIT_TIMEOUT => Ok(None),
        _ => Err(io::Error::last_os_error()),
    }
}
