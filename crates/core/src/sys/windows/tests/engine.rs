//! What the test program does when a test starts it as an engine.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::process::{Child, Command, Stdio};
use std::{env, process, thread};

use super::{Started, request};

/// Names what the engine does.
pub(super) const BEHAVIOUR: &str = "ENGINE_BEHAVIOUR";

/// Comes before the engine's first own byte.
pub(super) const START: &str = "-- the engine speaks --\n";

/// Makes the test program run `engine` and nothing else; what follows is the engine's.
pub(super) const ARGS: [&str; 5] =
    ["--ignored", "--exact", "--nocapture", "sys::windows::tests::engine::engine", "--"];

#[test]
#[ignore = "the engine that the tests start"]
fn engine() {
    let behaviour = env::var(BEHAVIOUR).unwrap();
    let mut stdout = io::stdout();
    stdout.write_all(START.as_bytes()).unwrap();
    stdout.flush().unwrap();
    // For what a child that shares stdout must not come between.
    let mut stderr = io::stderr();
    stderr.write_all(START.as_bytes()).unwrap();
    let code = match behaviour.as_str() {
        "echoes" => {
            let copied = io::copy(&mut io::stdin().lock(), &mut *unbuffered());
            i32::from(copied.is_err())
        }
        "exits with an error of the system" => 0xC000_0005_u32.cast_signed(),
        "exits with 1" => 1,
        "parks" => park(),
        "says its arguments" => {
            for arg in env::args_os().skip_while(|arg| arg != "--").skip(1) {
                writeln!(stdout, "{}", arg.display()).unwrap();
            }
            0
        }
        "says its environment" => {
            for (name, value) in env::vars_os() {
                writeln!(stdout, "{}={}", name.display(), value.display()).unwrap();
            }
            0
        }
        "says its folder" => {
            writeln!(stdout, "{}", env::current_dir().unwrap().display()).unwrap();
            0
        }
        "writes nothing and then something" => {
            let mut pipe = unbuffered();
            // Windows hands it to the reader as a read of nothing; Wine swallows it.
            assert_eq!(pipe.write(b"").unwrap(), 0);
            pipe.write_all(b"something").unwrap();
            0
        }
        "writes 60000 bytes, leaves a child and exits" => {
            writeln!(stderr, "{}", descend("parks", Stdio::inherit()).id()).unwrap();
            unbuffered().write_all(&vec![b'x'; 60_000]).unwrap();
            0
        }
        "leaves a flood and exits" => {
            writeln!(stderr, "{}", descend("floods", Stdio::inherit()).id()).unwrap();
            0
        }
        "floods" => loop {
            if unbuffered().write_all(&[b'y'; 4096]).is_err() {
                break 0;
            }
        },
        "leaves a child and exits" => {
            writeln!(stdout, "{}", descend("parks", Stdio::null()).id()).unwrap();
            0
        }
        "has a child and parks" => {
            writeln!(stdout, "{}", descend("parks", Stdio::null()).id()).unwrap();
            park()
        }
        "is an app with an engine that has a child" => {
            let Started { engine, ended: _ended } = super::start(&request("has a child and parks"));
            let (child, _lines) = super::Lines::of(engine.stdout).next();
            writeln!(stdout, "{}\n{child}", engine.process.pid()).unwrap();
            park()
        }
        other => panic!("unknown behaviour {other}"),
    };
    stdout.flush().unwrap();
    process::exit(code);
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

fn descend(behaviour: &str, stdout: Stdio) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(ARGS.map(OsString::from)).env(BEHAVIOUR, behaviour);
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).spawn().unwrap()
}

/// Stdout without std's buffer and lines.
fn unbuffered() -> ManuallyDrop<File> {
    // SAFETY: stdout is open as long as the process, and is never closed through this.
    ManuallyDrop::new(unsafe { File::from_raw_handle(io::stdout().as_raw_handle()) })
}
