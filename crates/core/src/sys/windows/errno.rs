//! Windows error numbers as Node reports them: libuv's own numbers, which mean the same on every version of Windows.

use std::io;

use windows_sys::Win32::Foundation as windows;

use crate::sys::SpawnFailure;

const EACCES: i32 = -4092;
const EBADF: i32 = -4083;
const EBUSY: i32 = -4082;
const EINVAL: i32 = -4071;
const EIO: i32 = -4070;
const EISDIR: i32 = -4068;
const ELOOP: i32 = -4067;
const EMFILE: i32 = -4066;
const ENAMETOOLONG: i32 = -4064;
const ENOENT: i32 = -4058;
const ENOMEM: i32 = -4057;
const ENOTSUP: i32 = -4049;
const EPERM: i32 = -4048;
const UNKNOWN: i32 = -4094;

/// What Node's `error.errno` would be (contract section 3). An argument or a variable that cannot be expressed on a
/// command line, of which std reports no number, is `EINVAL`.
#[must_use]
pub fn failure(error: &io::Error) -> SpawnFailure {
    let errno = match error.raw_os_error() {
        Some(code) => translated(code.cast_unsigned()),
        None if error.kind() == io::ErrorKind::InvalidInput => EINVAL,
        None => UNKNOWN,
    };
    SpawnFailure { errno }
}

/// Of libuv's table, what starting a process can meet. A refused access is `EPERM` in every release of Node, and a
/// file that is no program is `UNKNOWN`.
fn translated(code: u32) -> i32 {
    match code {
        windows::ERROR_ELEVATION_REQUIRED | windows::ERROR_CANT_ACCESS_FILE | windows::ERROR_NOACCESS => {
            EACCES
        }
        windows::ERROR_INVALID_HANDLE | windows::ERROR_INVALID_FLAGS => EBADF,
        windows::ERROR_SHARING_VIOLATION | windows::ERROR_LOCK_VIOLATION | windows::ERROR_PIPE_BUSY => EBUSY,
        windows::ERROR_INVALID_PARAMETER
        | windows::ERROR_INVALID_DATA
        | windows::ERROR_INSUFFICIENT_BUFFER => EINVAL,
        windows::ERROR_GEN_FAILURE
        | windows::ERROR_IO_DEVICE
        | windows::ERROR_CRC
        | windows::ERROR_DISK_CORRUPT
        | windows::ERROR_OPEN_FAILED => EIO,
        windows::ERROR_INVALID_FUNCTION => EISDIR,
        windows::ERROR_CANT_RESOLVE_FILENAME => ELOOP,
        windows::ERROR_TOO_MANY_OPEN_FILES => EMFILE,
        windows::ERROR_FILENAME_EXCED_RANGE => ENAMETOOLONG,
        windows::ERROR_FILE_NOT_FOUND
        | windows::ERROR_PATH_NOT_FOUND
        | windows::ERROR_BAD_PATHNAME
        | windows::ERROR_DIRECTORY
        | windows::ERROR_INVALID_NAME
        | windows::ERROR_INVALID_DRIVE
        | windows::ERROR_INVALID_REPARSE_DATA
        | windows::ERROR_MOD_NOT_FOUND => ENOENT,
        windows::ERROR_NOT_ENOUGH_MEMORY | windows::ERROR_OUTOFMEMORY => ENOMEM,
        windows::ERROR_NOT_SUPPORTED => ENOTSUP,
        windows::ERROR_ACCESS_DENIED | windows::ERROR_PRIVILEGE_NOT_HELD => EPERM,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_numbers_are_nodes() {
        for (code, errno) in [
            (windows::ERROR_FILE_NOT_FOUND, -4058),
            (windows::ERROR_PATH_NOT_FOUND, -4058),
            (windows::ERROR_DIRECTORY, -4058),
            (windows::ERROR_ACCESS_DENIED, -4048),
            (windows::ERROR_ELEVATION_REQUIRED, -4092),
            (windows::ERROR_BAD_EXE_FORMAT, -4094),
            (windows::ERROR_NOT_ENOUGH_MEMORY, -4057),
            (windows::ERROR_TOO_MANY_OPEN_FILES, -4066),
            (windows::ERROR_INVALID_PARAMETER, -4071),
            (windows::ERROR_FILENAME_EXCED_RANGE, -4064),
        ] {
            let error = io::Error::from_raw_os_error(code.cast_signed());
            assert_eq!(failure(&error).errno, errno, "{error}");
        }
    }

    #[test]
    fn what_cannot_be_expressed_on_a_command_line_is_invalid() {
        assert_eq!(failure(&io::ErrorKind::InvalidInput.into()).errno, -4071);
        assert_eq!(failure(&io::ErrorKind::Other.into()).errno, -4094);
    }
}
