//! Which copy of this addon may use a file. Two copies in one process share nothing but the process: no lock on a file tells
//! them apart, and what they have in memory neither can find. So who sits has a socket of a name that says which process
//! and which file, bound and never listened at: no two can have it, and it goes with its owner.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file, by device and number.
type Identity = (u64, u64);

/// A seat at a file. All of one copy share it.
#[derive(Debug)]
pub struct Seat(Identity);

/// A file that this copy sits at.
struct Taken {
    file: Identity,
    seats: usize,
    _socket: Option<OwnedFd>,
}

static TAKEN: Mutex<Vec<Taken>> = Mutex::new(Vec::new());

fn taken() -> MutexGuard<'static, Vec<Taken>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seat {
    /// `None` while another copy in this process has it. Where that cannot be known it is given.
    #[must_use]
    pub fn take(file: Identity) -> Option<Self> {
        let mut taken = taken();
        if let Some(ours) = taken.iter_mut().find(|ours| ours.file == file) {
            ours.seats += 1;
        } else {
            let socket = match name::bind(file) {
                name::Bound::Ours(socket) => Some(socket),
                name::Bound::Unknown => None,
                name::Bound::OtherCopys => return None,
            };
            taken.push(Taken { file, seats: 1, _socket: socket });
        }
        Some(Self(file))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // The socket is closed under the lock: who takes the seat next in this copy must not meet it.
        let mut taken = taken();
        let Some(at) = taken.iter().position(|ours| ours.file == self.0) else { return };
        taken[at].seats -= 1;
        if taken[at].seats == 0 {
            taken.swap_remove(at);
        }
    }
}

#[cfg(target_os = "linux")]
mod name {
    use std::fs;
    use std::os::fd::OwnedFd;
    use std::time::Duration;
    use std::{process, thread};

    use rustix::io::Errno;
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind as bind_to, socket_with};

    use super::Identity;

    pub enum Bound {
        Ours(OwnedFd),
        OtherCopys,
        Unknown,
    }

    /// How often a name that somebody has is looked for among what this process has open: its owner may close it in the middle
    /// of a look, and for a moment only a child has it that is about to become an engine.
    const LOOKS: u32 = 10;
    const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

    /// The name is known to everybody on this machine, who may have it bound to spite us, and a process in another container
    /// may have our number: only what this process itself has open counts.
    pub fn bind((device, inode): Identity) -> Bound {
        let name = format!("niche-knack/desktop-runtime/{}/{device:x}/{inode:x}", process::id());
        for _ in 0..LOOKS {
            match try_bind(&name) {
                Ok(socket) => return Bound::Ours(socket),
                Err(Errno::ADDRINUSE) if is_open_here(&name) => return Bound::OtherCopys,
                Err(Errno::ADDRINUSE) => thread::park_timeout(BETWEEN_LOOKS),
                Err(_) => break,
            }
        }
        Bound::Unknown
    }

    fn try_bind(name: &str) -> Result<OwnedFd, Errno> {
        let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        bind_to(&socket, &address)?;
        Ok(socket)
    }

    /// Whether a descriptor of this process is the socket of that name.
    fn is_open_here(name: &str) -> bool {
        let Ok(sockets) = fs::read_to_string("/proc/self/net/unix") else { return false };
        // Number, counts, flags and states, then the inode and the name.
        let inode = sockets.lines().find_map(|line| {
            let (fields, of) = line.rsplit_once(" @")?;
            if of == name { fields.rsplit_once(' ').map(|(_, inode)| inode) } else { None }
        });
        let Some(inode) = inode else { return false };
        let link = format!("socket:[{inode}]");
        let Ok(descriptors) = fs::read_dir("/proc/self/fd") else { return false };
        descriptors
            .flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == link.as_str()))
    }
}

/// Elsewhere sockets have no names but those of files, which would stay behind when the app is killed.
#[cfg(not(target_os = "linux"))]
mod name {
    use std::os::fd::OwnedFd;

    use super::Identity;

    pub enum Bound {
        #[expect(dead_code, reason = "there is nothing to bind here")]
        Ours(OwnedFd),
        #[expect(dead_code, reason = "there is nothing to bind here")]
        OtherCopys,
        Unknown,
    }

    pub fn bind(_file: Identity) -> Bound {
        Bound::Unknown
    }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "seat_tests.rs"]
mod tests;
