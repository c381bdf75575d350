#![expect(unsafe_code, reason = "the calls of the C runtime and of Windows that nobody wraps")]

use std::fs::File;
use std::io::{self, Write};
use std::os::windows::io::FromRawHandle;
use std::sync::mpsc::Sender;

use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::Memory;

/// A handle for requests alone; stdin is empty from now on: a child that reads it would take requests away.
pub fn take_stdin() -> io::Result<File> {
    let own = own_handle(STD_INPUT_HANDLE)?;
    // SAFETY: a text that ends in 0; a descriptor below 0 is an error of `dup2`.
    let replaced = unsafe { libc::dup2(libc::open(c"NUL".as_ptr(), libc::O_RDONLY), 0) };
    if replaced < 0 { Err(io::Error::last_os_error()) } else { Ok(own) }
}

/// A handle for messages alone; stdout is stderr from now on, for Rust, for C code and for children.
pub fn take_stdout() -> io::Result<File> {
    let own = own_handle(STD_OUTPUT_HANDLE)?;
    // The C runtime's own copy of the table: it sets the handle of Windows as well.
    // SAFETY: both are the numbers of standard streams; a closed one is an error, and told.
    if unsafe { libc::dup2(2, 1) } < 0 {
        return Err(io::Error::last_os_error());
    }
    io::stdout().flush()?;
    Ok(own)
}

/// A copy of a standard handle. Not inherited: a child must not hold it.
fn own_handle(name: STD_HANDLE) -> io::Result<File> {
    let mut own: HANDLE = std::ptr::null_mut();
    // SAFETY: the handles are this process's own, and `own` outlives the call.
    let duplicated = unsafe {
        let process = GetCurrentProcess();
        DuplicateHandle(process, GetStdHandle(name), process, &raw mut own, 0, 0, DUPLICATE_SAME_ACCESS)
    };
    if duplicated == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `own` was made above and belongs to nobody else.
    Ok(unsafe { File::from_raw_handle(own) })
}

/// Windows ends a process without a word.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
#[expect(clippy::needless_pass_by_value, reason = "elsewhere a thread keeps it")]
pub fn on_termination(_stop: Sender<()>) -> io::Result<()> {
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "the sizes of two small structs")]
pub fn memory() -> Memory {
    let mut memory = Memory::default();
    let mut process =
        PROCESS_MEMORY_COUNTERS { cb: size_of::<PROCESS_MEMORY_COUNTERS>() as u32, ..Default::default() };
    // SAFETY: `process` is as large as it is said to be, and outlives the call.
    if unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut process, process.cb) } != 0 {
        memory.used = process.WorkingSetSize as u64;
    }
    let mut machine = MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..Default::default() };
    // SAFETY: the same.
    if unsafe { GlobalMemoryStatusEx(&raw mut machine) } != 0 {
        memory.total = machine.ullTotalPhys;
    }
    memory
}
