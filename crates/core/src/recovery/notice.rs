//! What recovery has to tell the app, as lines for its log. No job's content is in them.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Something an app should know of, and that recovery goes on from. The path is the folder's or the file's.
#[derive(Debug)]
pub enum Notice {
    /// A change could not be appended.
    Append(PathBuf, io::Error),
    /// The snapshot could not be written.
    Snapshot(PathBuf, io::Error),
    /// The folder cannot be used at all.
    Folder(PathBuf, io::Error),
    /// The folder, or a file in use, was removed.
    Vanished(PathBuf),
    /// A file was damaged; a copy of it was set aside, if that was possible.
    Damaged(PathBuf, Option<PathBuf>),
    /// A file could not be read.
    Unreadable(PathBuf, io::Error),
    /// So many entries of the snapshot are no jobs.
    Skipped(PathBuf, usize),
    /// The file system has no locks.
    NoLock(PathBuf, io::Error),
    /// The thread that syncs and compacts could not be started.
    NoThread(PathBuf, io::Error),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(folder, error) => write!(
                f,
                "Changes cannot be written to {}: {error}. They are kept in memory and written again every \
                 persistInterval; free some space, or check the folder's rights",
                folder.display()
            ),
            Self::Snapshot(folder, error) => write!(
                f,
                "The snapshot cannot be written to {}: {error}. What the journal has stays, and it is tried again \
                 every persistInterval",
                folder.display()
            ),
            Self::Folder(folder, error) => write!(
                f,
                "The folder {} cannot be used: {error}. Jobs are tracked in memory, and the folder is tried again \
                 every persistInterval",
                folder.display()
            ),
            Self::Vanished(folder) => {
                write!(f, "The state in {} was removed while in use; it is written anew", folder.display())
            }
            Self::Damaged(file, aside) => {
                write!(f, "{} is damaged; what can be read is used", file.display())?;
                match aside {
                    Some(aside) => write!(f, ", a copy is kept as {}", aside.display()),
                    None => write!(f, ", a copy of it could not be kept"),
                }
            }
            Self::Unreadable(file, error) => {
                write!(f, "{} cannot be read: {error}. Recovery goes on without it", file.display())
            }
            Self::Skipped(file, count) => {
                write!(f, "{count} entries of {} are no jobs (no id, or no type); skipped", file.display())
            }
            Self::NoLock(folder, error) => write!(
                f,
                "{} cannot be locked: {error}. See to it that no other process uses this stateDir",
                folder.display()
            ),
            Self::NoThread(folder, error) => {
                write!(
                    f,
                    "No thread for {}: {error}. Jobs are tracked in memory, and a thread is tried again with later changes",
                    folder.display()
                )
            }
        }
    }
}
