//! What differs between operating systems: the descriptors of stdin and stdout, the end by a signal, the memory in use.

#[cfg(all(unix, not(target_os = "macos")))]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(all(unix, not(target_os = "macos")))]
pub use linux::memory;
#[cfg(target_os = "macos")]
pub use macos::memory;
#[cfg(unix)]
pub use unix::{on_termination, take_stdin, take_stdout};
#[cfg(windows)]
pub use windows::{memory, on_termination, take_stdin, take_stdout};

/// Bytes; 0 where the system does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// What this process has in memory.
    pub used: u64,
    /// What the machine has.
    pub total: u64,
}
