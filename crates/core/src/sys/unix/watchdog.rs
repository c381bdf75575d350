//! The last net under the engines: a shell in a group of its own that kills them when the app is gone without a word.
//!
//! It reads, on a pipe that only the app holds, which groups (`-PGID`) or processes (`PID`) live. The pipe's end is
//! the app's death, SIGKILL included. On Linux the engine itself dies at once (parent-death signal); its descendants,
//! and everything on macOS, need this.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Constant: nothing that an app or an engine says ever becomes part of it. Targets come as data, one to a line.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
alive=' '
while read -r sign target; do
  if [ "$sign" = + ]; then alive="$alive$target "; else alive="${alive%% $target *} ${alive#* $target }"; fi
done
for target in $alive; do kill -s KILL -- "$target"; done 2>/dev/null
"#;

struct Watchdog {
    shell: Option<Child>,
    targets: BTreeSet<String>,
}

static WATCHDOG: Mutex<Watchdog> = Mutex::new(Watchdog { shell: None, targets: BTreeSet::new() });

/// From now on `target` dies with the app.
pub(super) fn remember(target: &str) {
    let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    watchdog.targets.insert(target.to_owned());
    if watchdog.tell(&format!("+ {target}\n")).is_err() {
        watchdog.restart();
    }
}

/// `target` is about to be reaped: its number may soon be somebody else's.
pub(super) fn forget(target: &str) {
    let mut watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    if watchdog.targets.remove(target) && watchdog.shell.is_some() {
        // A shell that is gone kills nobody; the next `remember` starts another.
        let _ = watchdog.tell(&format!("- {target}\n"));
    }
}

impl Watchdog {
    fn tell(&mut self, line: &str) -> std::io::Result<()> {
        let pipe = self.shell.as_mut().and_then(|shell| shell.stdin.as_mut());
        pipe.ok_or(std::io::ErrorKind::BrokenPipe)?.write_all(line.as_bytes())
    }

    fn restart(&mut self) {
        if let Some(mut dead) = self.shell.take() {
            let _ = dead.kill();
            let _ = dead.wait();
        }
        let started = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let told = started.and_then(|shell| {
            self.shell = Some(shell);
            let targets = self.targets.clone();
            targets.iter().try_for_each(|target| self.tell(&format!("+ {target}\n")))
        });
        if let Err(error) = told {
            tracing::warn!(%error, "the watchdog did not start: if the app is killed, descendants of engines may stay behind");
        }
    }
}
