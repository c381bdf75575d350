//! Folders and files that only their owner may read, and what tells one file from another.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Makes a folder and those above it, for the owner alone. One that is there already stays as it is.
///
/// # Errors
/// The system's.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A folder's path without links in it.
///
/// # Errors
/// The system's.
pub fn real_folder(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Opens a file for reading and writing and makes it when it is missing, for the owner alone; never through a symbolic
/// link.
///
/// # Errors
/// The system's.
pub fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options.open(path)
}

/// Opens a file for reading; never through a symbolic link.
///
/// # Errors
/// The system's.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    // Without O_NONBLOCK a named pipe in the folder would block for ever.
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// What is the same for one file under all its names, and for no other file on this machine. `None`: the system does
/// not say, and an open file cannot vanish there.
#[must_use]
pub fn file_identity(metadata: &Metadata) -> Option<(u64, u64)> {
    Some((metadata.dev(), metadata.ino()))
}

/// After this the names of the folder's files survive a power cut.
///
/// # Errors
/// The system's.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// What is the same until the machine starts anew; `None`: the system does not say.
#[must_use]
pub fn boot_id() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    u64::from_str_radix(text.trim().replace('-', "").get(..16)?, 16).ok()
}

/// Whether this process may write into a file. Without opening it: closing any descriptor of a file drops all locks that
/// the process has on it.
#[must_use]
pub fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}
