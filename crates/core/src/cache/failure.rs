//! What the disk can answer instead of doing what it was asked, and what is told of it.

use std::io;
use std::path::Path;

use rusqlite::ffi;

/// Why the database could not be asked, or did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The folder cannot be made. Nothing can be in it.
    NoFolder(String),
    /// The folder or its files cannot be opened for writing.
    Unusable(String),
    /// It was damaged, and another process still has it open; or another process is making it anew.
    InUse,
    /// Another copy of this addon in this process has it open.
    OtherCopy,
    /// A later version of this package wrote it.
    Newer(i64),
    /// The files that are open are not those in the folder any more.
    Vanished,
    /// It contradicts itself.
    Damaged(String),
    /// The disk takes no more.
    Full(String),
    /// Anything else: another process writes for too long, the disk fails.
    Refused(String),
}

impl Failure {
    /// What an episode is told by: one line each, until a write succeeds.
    pub fn episode(&self) -> u8 {
        match self {
            Self::NoFolder(_) => 0,
            Self::Unusable(_) => 1,
            Self::InUse | Self::OtherCopy => 2,
            Self::Newer(_) => 3,
            Self::Vanished => 4,
            Self::Damaged(_) => 5,
            Self::Full(_) => 6,
            Self::Refused(_) => 7,
        }
    }

    /// A line for the log.
    pub fn line(&self, folder: &Path) -> String {
        let folder = folder.display();
        match self {
            Self::NoFolder(error) => format!(
                "the cache folder {folder} cannot be made ({error}); entries are kept in memory only: check cacheDir"
            ),
            Self::Unusable(error) => format!(
                "the cache in {folder} cannot be written ({error}); entries are kept in memory only: check the folder's \
                 permissions"
            ),
            Self::InUse => format!(
                "the cache in {folder} has to be made anew, and another process keeps it locked; entries are kept in memory \
                 only until that one lets go of it"
            ),
            Self::OtherCopy => format!(
                "another copy of this package in this process uses the cache in {folder}; entries are kept in memory only \
                 until that one closes it: give each copy a cacheDir of its own"
            ),
            Self::Newer(schema) => format!(
                "the cache in {folder} was written by a later version of this package (format {schema}); entries are \
                 kept in memory only: update the app or use another cacheDir"
            ),
            Self::Vanished => format!(
                "the cache in {folder} is removed again and again while it is written; entries are kept in memory only"
            ),
            Self::Damaged(what) => {
                format!("the cache in {folder} is damaged ({what}); entries are kept in memory only")
            }
            Self::Full(error) => format!(
                "CACHE_FULL (-29002): the disk takes no more entries in {folder} ({error}); new ones are kept in memory \
                 only until there is space"
            ),
            Self::Refused(error) => {
                format!(
                    "the cache in {folder} could not be used ({error}); what failed is kept in memory only"
                )
            }
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let (rusqlite::Error::SqliteFailure(code, _) | rusqlite::Error::SqlInputError { error: code, .. }) =
            &error
        else {
            // The statements are constants, so a value that does not fit them is not what was written.
            return Self::Damaged(error.to_string());
        };
        let text = error.to_string();
        match code.extended_code {
            ffi::SQLITE_READONLY_DBMOVED => return Self::Vanished,
            // What the system answers for a quota or a file-size limit; a device without space is SQLITE_FULL.
            ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE => {
                return Self::Full(text);
            }
            ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_DATA => {
                return Self::Damaged(text);
            }
            _ => {}
        }
        match code.extended_code & 0xff {
            ffi::SQLITE_FULL => Self::Full(text),
            ffi::SQLITE_CORRUPT
            | ffi::SQLITE_NOTADB
            | ffi::SQLITE_ERROR
            | ffi::SQLITE_CONSTRAINT
            | ffi::SQLITE_MISMATCH
            | ffi::SQLITE_FORMAT
            | ffi::SQLITE_SCHEMA
            | ffi::SQLITE_RANGE
            | ffi::SQLITE_TOOBIG => Self::Damaged(text),
            ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_READONLY => Self::Unusable(text),
            _ => Self::Refused(text),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let text = error.to_string();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full(text)
            }
            io::ErrorKind::NotFound => Self::Vanished,
            _ => Self::Unusable(text),
        }
    }
}
