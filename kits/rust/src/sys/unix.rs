use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::Sender;
use std::thread;

use rustix::fd::AsFd;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A descriptor for requests alone; 0 is empty from now on: a child that reads it would take requests away.
pub fn take_stdin() -> io::Result<File> {
    let own = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(own.into())
}

/// A descriptor for messages alone; 1 is stderr from now on, for everything in this process and its children.
pub fn take_stdout() -> io::Result<File> {
    // What waits in Rust's buffer was printed before: it goes where all else does.
    let own = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    io::stdout().flush()?;
    Ok(own.into())
}

/// Tells of SIGTERM and SIGINT instead of being ended by them.
pub fn on_termination(stop: Sender<()>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            let _ = stop.send(());
        }
    })?;
    Ok(())
}
