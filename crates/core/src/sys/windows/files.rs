//! Folders and files. Windows gives what is below a user's profile to that user alone, so no rights are set here.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;

/// Makes a folder and those above it. One that is there already stays as it is.
///
/// # Errors
/// The system's.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// The path as it is: the system's form without links begins with `\\?\`, which not every reader of paths takes.
///
/// # Errors
/// The system's.
pub fn real_folder(path: &Path) -> io::Result<PathBuf> {
    fs::metadata(path).map(|_| path.to_owned())
}

/// Opens a file for reading and writing and makes it when it is missing; a link is opened itself, not followed.
///
/// # Errors
/// The system's.
pub fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    options.open(path)
}

/// Opens a file for reading; a link is opened itself, not followed.
///
/// # Errors
/// The system's.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// `None`: an open file cannot vanish here, so nobody has to ask.
#[must_use]
pub fn file_identity(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Nothing to do: NTFS journals its folders.
///
/// # Errors
/// Never.
pub fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// `None`: a locked file cannot be written here, so there is nothing that would be compared with it.
#[must_use]
pub fn boot_id() -> Option<u64> {
    None
}

/// Whether this process may write into a file, as far as its attributes tell.
#[must_use]
pub fn is_writable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.permissions().readonly())
}
