//! The job object that holds an engine: it ends with the app, whatever ends the app.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_BREAKAWAY_OK,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, SetInformationJobObject, TerminateJobObject,
};

/// The exit code of what was ended, as Node's own `kill` leaves it.
pub(super) const ENDED: u32 = 1;

/// An engine, and with `kill_tree` everything that it starts.
///
/// The only handle is ours and is not inherited, so the system closes it when the app ends in any way, and ends what
/// is in the job.
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

impl Job {
    pub(super) fn new(kill_tree: bool) -> io::Result<Self> {
        // SAFETY: no attributes (so no child inherits it) and no name; both may be null.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made it, and nobody else has it.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });
        job.set_limits(kill_tree)?;
        Ok(job)
    }

    fn set_limits(&self, kill_tree: bool) -> io::Result<()> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        // Without the second flag a crash can wait behind a dialog of the system, for ever where nobody sees it.
        limits.BasicLimitInformation.LimitFlags =
            JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
        limits.BasicLimitInformation.LimitFlags |= if kill_tree {
            // A descendant that asks to leave may, as on Unix by `setsid`: refused, it would not start at all.
            JOB_OBJECT_LIMIT_BREAKAWAY_OK
        } else {
            JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK
        };
        let size = u32::try_from(size_of_val(&limits)).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: `limits` is the structure that this class of information takes, and `size` is its size.
        let done = unsafe {
            let limits = (&raw const limits).cast();
            SetInformationJobObject(self.0.as_raw_handle(), JobObjectExtendedLimitInformation, limits, size)
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Takes a process in. It must not have run yet: what it started before would be outside.
    pub(super) fn assign(&self, process: &impl AsRawHandle) -> io::Result<()> {
        // SAFETY: both handles are open for the time of the call.
        let done = unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), process.as_raw_handle()) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Ends everything in the job; an empty one stays as it is.
    pub(super) fn terminate(&self) {
        // SAFETY: the handle is open as long as `self`.
        // Nothing can be done about an error, and an empty job is none.
        unsafe {
            TerminateJobObject(self.0.as_raw_handle(), ENDED);
        }
    }
}
