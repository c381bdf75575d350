//! The last net under the engines: a shell in a group of its own that kills them when the app is gone without a word.
//!
//! It reads, on a pipe that only the app holds, which groups (`-PGID`) or processes (`PID`) live. The pipe's end is
//! the app's death, SIGKILL included. On Linux the engine itself dies at once (parent-death signal); its descendants,
//! and everything on macOS, need this.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::Pid;

/// Constant: nothing that an app or an engine says ever becomes part of it. Targets come as data, one to a line; one may
/// come twice.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
alive=' '
while read -r sign target; do
  case $alive in *" $target "*) alive="${alive%% $target *} ${alive#* $target }" ;; esac
  if [ "$sign" = + ]; then alive="$alive$target "; fi
done
for target in $alive; do kill -s KILL -- "$target"; done 2>/dev/null
"#;

struct Shell {
    process: Child,
    pipe: Arc<OwnedFd>,
}

struct Watchdog {
    shell: Option<Shell>,
    targets: BTreeSet<String>,
}

static WATCHDOG: Mutex<Watchdog> = Mutex::new(Watchdog { shell: None, targets: BTreeSet::new() });

fn watchdog() -> MutexGuard<'static, Watchdog> {
    WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A way for an engine to put itself under watch, between its fork and its exec: the app may be killed before it can do
/// that, and the engine's descendants would stay behind.
pub(super) struct Entry {
    pipe: Option<Arc<OwnedFd>>,
    kill_tree: bool,
}

impl Entry {
    /// Starts the watchdog when there is none.
    pub(super) fn new(kill_tree: bool) -> Self {
        let mut watchdog = watchdog();
        if !watchdog.lives() {
            watchdog.restart();
        }
        Self { pipe: watchdog.shell.as_ref().map(|shell| Arc::clone(&shell.pipe)), kill_tree }
    }

    /// From now on the calling process dies with the app. Allocates nothing, takes no lock.
    pub(super) fn sign_in(&self) {
        self.say(b'+');
    }

    /// The calling process will be no engine.
    pub(super) fn sign_out(&self) {
        self.say(b'-');
    }

    fn say(&self, sign: u8) {
        let Some(pipe) = &self.pipe else { return };
        let mut line = [0; 24];
        line[23] = b'\n';
        let mut at = 23;
        let mut rest = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
        while rest > 0 {
            at -= 1;
            line[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        if self.kill_tree {
            at -= 1;
            line[at] = b'-';
        }
        at -= 2;
        line[at] = sign;
        line[at + 1] = b' ';
        // The app says the same once more, and mends what is broken.
        let _ = rustix::io::write(pipe, &line[at..]);
    }
}

/// How the watchdog calls this engine.
pub(super) fn target(pid: Pid, kill_tree: bool) -> String {
    format!("{}{}", if kill_tree { "-" } else { "" }, pid.as_raw_nonzero())
}

/// From now on `target` dies with the app.
pub(super) fn remember(target: &str) {
    let mut watchdog = watchdog();
    watchdog.targets.insert(target.to_owned());
    if watchdog.tell('+', target).is_err() {
        watchdog.restart();
    }
}

/// `target` is about to be reaped: its number may soon be somebody else's.
pub(super) fn forget(target: &str) {
    let mut watchdog = watchdog();
    watchdog.targets.remove(target);
    // Also of one that only signed itself in. A shell that is gone kills nobody, and the next engine starts another. One that
    // is halted would kill later.
    if watchdog.tell('-', target).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
        watchdog.restart();
    }
}

#[cfg(test)]
pub(super) fn watches_over(target: &str) -> bool {
    WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner).targets.contains(target)
}

impl Watchdog {
    fn lives(&mut self) -> bool {
        self.shell.as_mut().is_some_and(|shell| matches!(shell.process.try_wait(), Ok(None)))
    }

    /// Never waits: neither a start nor the word of an exit hangs on a shell that somebody halted.
    fn tell(&self, sign: char, target: &str) -> io::Result<()> {
        let shell = self.shell.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        // Short enough for a pipe to take it whole or not at all.
        rustix::io::write(&shell.pipe, format!("{sign} {target}\n").as_bytes())?;
        Ok(())
    }

    fn restart(&mut self) {
        if let Some(Shell { mut process, .. }) = self.shell.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        let told = start().and_then(|shell| {
            self.shell = Some(shell);
            self.targets.iter().try_for_each(|target| self.tell('+', target))
        });
        if let Err(error) = told {
            tracing::warn!(%error, "the watchdog did not start: if the app is killed, descendants of engines may stay behind");
        }
    }
}

fn start() -> io::Result<Shell> {
    let mut process = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let stdin = process.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let pipe = OwnedFd::from(stdin);
    super::pipes::set_nonblocking(&pipe)?;
    Ok(Shell { process, pipe: Arc::new(pipe) })
}

#[cfg(test)]
#[path = "watchdog_tests.rs"]
mod tests;
