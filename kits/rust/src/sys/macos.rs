#![expect(unsafe_code, reason = "the calls of the C library that nobody wraps")]

use std::mem;
use std::ptr;

use super::Memory;

pub fn memory() -> Memory {
    Memory { used: used(), total: total() }
}

fn used() -> u64 {
    // SAFETY: a struct of integers, for which zeros are values.
    let mut info: libc::proc_taskinfo = unsafe { mem::zeroed() };
    let Ok(size) = i32::try_from(mem::size_of_val(&info)) else { return 0 };
    // SAFETY: `info` is as large as the call is told, and outlives it.
    let written = unsafe {
        libc::proc_pidinfo(libc::getpid(), libc::PROC_PIDTASKINFO, 0, ptr::from_mut(&mut info).cast(), size)
    };
    if written == size { info.pti_resident_size } else { 0 }
}

fn total() -> u64 {
    let mut total: u64 = 0;
    let mut size = mem::size_of_val(&total);
    // SAFETY: the name ends with a NUL, `total` is as large as `size` says, and both outlive the call.
    let failed = unsafe {
        libc::sysctlbyname(
            c"hw.memsize".as_ptr(),
            ptr::from_mut(&mut total).cast(),
            &raw mut size,
            ptr::null_mut(),
            0,
        )
    };
    if failed == 0 { total } else { 0 }
}
