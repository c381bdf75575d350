//! Folders and files. Windows gives what is below a user's profile to that user alone, so no rights are set here.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::{
    ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_TOO_MANY_OPEN_FILES,
};
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

/// Opens a file for reading and writing and makes it when it is missing.
///
/// # Errors
/// The system's; and for what is a link, or no file.
pub fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let file = options.open(path)?;
    trust(&file.metadata()?)?;
    Ok(file)
}

/// The same: second names are not looked at.
///
/// # Errors
/// The system's; and for what is a link, or no file.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    open_private_file(path)
}

/// Makes a new file in place of whatever has the name: that is removed, never opened.
///
/// # Errors
/// The system's.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        opened => opened,
    }
}

/// Opens a file for reading.
///
/// # Errors
/// The system's; and for what is a link, or no file.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    trust(&file.metadata()?)?;
    Ok(file)
}

/// Judges a file that somebody else is about to open by its name. One that is missing is good.
///
/// # Errors
/// The system's; and for what is a link, or no file.
pub fn make_private(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        metadata => trust(&metadata?),
    }
}

/// Opened as what it is, a link is no file.
fn trust(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let link = metadata.file_type().is_symlink();
    let why = if link { "it is a symbolic link" } else { "it is not a file" };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Whether a call failed because the process or the machine had too little of something, and not because of the file: it
/// may succeed the next time.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    const SHORTAGES: [u32; 4] =
        [ERROR_TOO_MANY_OPEN_FILES, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_NO_SYSTEM_RESOURCES];
    error.kind() == io::ErrorKind::OutOfMemory
        || error.raw_os_error().is_some_and(|number| SHORTAGES.contains(&number.unsigned_abs()))
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
