//! Folders and files that only their owner may read, and what tells one file from another.
//!
//! A folder may be writable by others. So nothing in it is opened through a link, nothing that is no file, and nothing
//! that somebody else put there: what is found is judged by the descriptor that is used, or, for what only `SQLite` may
//! open, by its name just before. In a folder that nobody but us and root can write into, owners and second names prove
//! nothing: restored backups and containers that changed their user leave files of other owners, backups second names.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Through no link; without waiting for the other end of a named pipe; and never as this process's terminal.
const NO_DETOUR: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
/// What a file's owner alone may do.
const PRIVATE: u32 = 0o600;
const OF_OTHERS: u32 = 0o077;
const ROOT: u32 = 0;
/// What lets others put files into a folder. Also in one where they cannot take files of others away (the sticky bit).
const OPEN_TO_OTHERS: u32 = 0o022;
/// How often a name is cleared that somebody else takes again.
const TRIES: usize = 8;
/// A file that is made to see whom new files belong to, and removed at once.
const SAMPLE: &str = ".desktop-runtime-owner";

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

/// Opens a file for reading and writing and makes it when it is missing. Afterwards it is for its owner alone.
///
/// # Errors
/// The system's; and for what is a link, no file, a file with other names, or somebody else's.
pub fn open_private_file(path: &Path) -> io::Result<File> {
    let (file, standing) = open_or_make(path)?;
    if standing.is_elsewhere { Err(refused(SECOND_NAME)) } else { Ok(file) }
}

/// As [`open_private_file`], for a file that is never written to: under whatever other names, it comes to no harm.
///
/// # Errors
/// The system's; and for what is a link, no file, or somebody else's.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    open_or_make(path).map(|(file, _)| file)
}

fn open_or_make(path: &Path) -> io::Result<(File, Standing)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(PRIVATE).custom_flags(NO_DETOUR);
    let file = options.open(path).map_err(plainly)?;
    let standing = judge(&file.metadata()?, path)?;
    if standing.is_to_be_narrowed {
        // A file system without rights refuses.
        let _ = file.set_permissions(Permissions::from_mode(PRIVATE));
    }
    Ok((file, standing))
}

/// Makes a new file, for the owner alone, in place of whatever has the name: that is removed, never opened.
///
/// # Errors
/// The system's.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(PRIVATE);
    for _ in 0..TRIES {
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
            opened => return opened,
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Opens a file for reading.
///
/// # Errors
/// The system's; and for what is a link, no file, or somebody else's.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(NO_DETOUR).open(path).map_err(plainly)?;
    judge(&file.metadata()?, path)?;
    Ok(file)
}

/// Judges a file that somebody else is about to open and write to by its name, as [`open_private_file`] does, and
/// leaves it to its owner alone. Without opening it: closing any descriptor of a file drops all locks that the process
/// has on it. One that is missing is good.
///
/// # Errors
/// The system's; and for what is a link, no file, a file with other names, or somebody else's.
pub fn make_private(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    let standing = judge(&metadata, path)?;
    if standing.is_elsewhere {
        return Err(refused(SECOND_NAME));
    }
    if standing.is_to_be_narrowed {
        // A file system without rights refuses.
        let _ = narrow(path, &metadata);
    }
    Ok(())
}

/// By a descriptor that is good for nothing but naming the file: closing it drops no lock.
#[cfg(target_os = "linux")]
fn narrow(path: &Path, judged: &Metadata) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    use std::os::fd::AsRawFd;

    let named =
        File::from(rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?);
    if file_identity(&named.metadata()?) != file_identity(judged) {
        return Err(refused("it was replaced meanwhile"));
    }
    fs::set_permissions(format!("/proc/self/fd/{}", named.as_raw_fd()), Permissions::from_mode(PRIVATE))
}

#[cfg(not(target_os = "linux"))]
fn narrow(path: &Path, _judged: &Metadata) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Mode};

    rustix::fs::chmodat(CWD, path, Mode::RUSR | Mode::WUSR, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// What is known of a file that is believed.
struct Standing {
    /// It may be at home in another folder: what is written here must not be written into it.
    is_elsewhere: bool,
    /// Others may do something with it, and it is ours to forbid that.
    is_to_be_narrowed: bool,
}

/// Whose word is good in a folder: where only we and root can write, everybody's, for nobody else can have put it there.
/// Elsewhere ours, root's, and that of the folder's owner, who could replace everything in it.
fn judge(metadata: &Metadata, path: &Path) -> io::Result<Standing> {
    if !metadata.is_file() {
        let link = metadata.file_type().is_symlink();
        return Err(refused(if link { LINK } else { "it is not a file" }));
    }
    let folder = path.parent().unwrap_or(path);
    let around = fs::metadata(folder)?;
    let is_closed = is_ours_or_roots(around.uid()) && around.mode() & OPEN_TO_OTHERS == 0;
    let owner = metadata.uid();
    if !is_closed && !is_ours_or_roots(owner) && around.uid() != owner {
        match owner_of_new(folder) {
            Ok(ours) if ours == owner => {}
            Err(error) if is_shortage(&error) => return Err(error),
            _ => return Err(refused("it belongs to another user")),
        }
    }
    let is_elsewhere = !is_closed && metadata.nlink() > 1;
    let is_to_be_narrowed =
        metadata.mode() & OF_OTHERS != 0 && !is_elsewhere && (is_closed || owner == own_id());
    Ok(Standing { is_elsewhere, is_to_be_narrowed })
}

/// Whom the files belong to that this process makes in a folder: a server may give them to another user than ours, as NFS
/// does with root's.
fn owner_of_new(folder: &Path) -> io::Result<u32> {
    let path = folder.join(SAMPLE);
    let owner = create_private_file(&path)?.metadata()?.uid();
    // Another process may have been quicker.
    let _ = fs::remove_file(path);
    Ok(owner)
}

fn is_ours_or_roots(owner: u32) -> bool {
    owner == own_id() || owner == ROOT
}

fn own_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

const LINK: &str = "it is a symbolic link";
const SECOND_NAME: &str = "it has a second name, a hard link";

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// The system's words for a link that was not followed speak of a loop.
fn plainly(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::ELOOP) { refused(LINK) } else { error }
}

/// Whether a call failed because the process or the machine had too little of something, and not because of the file: it
/// may succeed the next time.
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    const SHORTAGES: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN];
    error.kind() == io::ErrorKind::OutOfMemory
        || error.raw_os_error().is_some_and(|number| SHORTAGES.map(Errno::raw_os_error).contains(&number))
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

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
