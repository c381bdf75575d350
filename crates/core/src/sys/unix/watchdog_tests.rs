//! The watchdog against shells that were killed or halted, and its script on its own.

use std::io::Write;
use std::process::Stdio;

use rustix::process::{Signal, kill_process};

use super::*;

/// Process numbers beyond any that a system gives out: a shell that kills them kills nobody.
fn nobody(number: u32) -> String {
    format!("-{}", 900_000_000 + number)
}

/// What the script would kill after these lines.
fn killed(lines: &str) -> String {
    let script = SCRIPT.replace("kill -s KILL -- \"$target\"", "echo \"$target\"");
    assert_ne!(script, SCRIPT);
    let mut shell = Command::new("/bin/sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("every Unix has /bin/sh");
    shell.stdin.take().expect("asked for").write_all(lines.as_bytes()).expect("the shell reads");
    let output = shell.wait_with_output().expect("the shell ends");
    String::from_utf8(output.stdout).expect("ASCII").replace('\n', " ")
}

#[test]
fn the_script_kills_what_was_signed_in_and_not_signed_out() {
    assert_eq!(killed(""), "");
    assert_eq!(killed("+ -12\n+ -123\n+ 3\n- -12\n"), "-123 3 ");
    assert_eq!(killed("+ -1\n- -1\n+ -1\n"), "-1 ");
}

#[test]
fn a_target_that_was_signed_in_twice_is_signed_out_by_one_word() {
    assert_eq!(killed("+ -12\n+ -12\n+ -7\n- -12\n"), "-7 ");
    assert_eq!(killed("+ -7\n- -12\n- -12\n+ -8\n"), "-7 -8 ");
}

#[test]
fn neither_a_start_nor_an_exit_waits_for_a_shell_that_is_halted() {
    remember(&nobody(0));
    let shell = || watchdog().shell.as_ref().map(|shell| Pid::from_child(&shell.process));
    let first = shell().expect("it was started");
    kill_process(first, Signal::STOP).expect("it is ours");
    // More than a pipe holds.
    for number in 1..20_000 {
        remember(&nobody(number));
        forget(&nobody(number));
    }
    assert_ne!(shell(), Some(first));
    forget(&nobody(0));
}
