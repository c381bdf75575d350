//! How engines, and what they started, end.

use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::sys::Exit;

const KILLED: Exit = Exit { code: None, signal: Some(9) };

#[test]
fn an_exit_code_is_a_number_without_sign() {
    let Started { engine, ended: _ended } = start(&request("exits with an error of the system"));
    let exit = in_time(move || engine.process.wait());
    assert_eq!(exit, Exit { code: Some(0xC000_0005), signal: None });
}

#[test]
fn a_killed_engine_has_a_signal_and_no_code() {
    let Started { engine, ended: _ended } = start(&request("parks"));
    engine.process.kill();
    assert_eq!(in_time(move || engine.process.wait()), KILLED);
}

#[test]
fn one_that_ended_by_itself_has_its_code() {
    let Started { engine, ended: _ended } = start(&request("exits with 1"));
    assert_eq!(in_time(move || engine.process.wait()), Exit { code: Some(1), signal: None });
}

#[test]
fn kill_ends_the_tree() {
    let Started { engine, ended: _ended } = start(&request("has a child and parks"));
    let (child, _lines) = Stranger::from_line(Lines::of(engine.stdout).next());
    engine.process.kill();
    assert!(child.is_gone_within(Duration::from_secs(5)));
    assert_eq!(in_time(move || engine.process.wait()), KILLED);
}

#[test]
fn what_is_left_of_the_tree_ends_with_an_engine_that_exits() {
    let Started { engine, ended: _ended } = start(&request("leaves a child and exits"));
    let (child, _lines) = Stranger::from_line(Lines::of(engine.stdout).next());
    // Kept: with the last handle of the job everything would end anyway.
    let process = Arc::new(engine.process);
    let waiting = Arc::clone(&process);
    assert_eq!(in_time(move || waiting.wait()).code, Some(0));
    assert!(child.is_gone_within(Duration::from_secs(5)));
}

#[test]
fn without_kill_tree_the_engine_ends_alone() {
    let Started { engine, ended: _ended } =
        start(&SpawnRequest { kill_tree: false, ..request("has a child and parks") });
    let (child, _lines) = Stranger::from_line(Lines::of(engine.stdout).next());
    engine.process.kill();
    assert_eq!(in_time(move || engine.process.wait()), KILLED);
    assert!(!child.is_gone_within(Duration::from_millis(500)));
}

#[test]
fn an_engine_ends_with_the_last_handle_of_its_job() {
    let Started { engine, ended: _ended } = start(&request("parks"));
    let stranger = Stranger::open(engine.process.pid());
    drop(engine.process);
    assert!(stranger.is_gone_within(Duration::from_secs(1)));
}

#[test]
fn an_engine_and_its_tree_end_with_an_app_that_is_killed() {
    let described = request("is an app with an engine that has a child");
    let mut app = Command::new(&described.program)
        .args(&described.args)
        .envs(described.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = app.stdout.take().unwrap();
    let said = in_time(move || {
        let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
        while after_start(&said).unwrap_or_default().split(|byte| *byte == b'\n').count() < 3 {
            let n = io::Read::read(&mut stdout, &mut buffer).unwrap();
            assert_ne!(n, 0, "the app should have named its engine");
            said.extend_from_slice(&buffer[..n]);
        }
        String::from_utf8(after_start(&said).unwrap().to_vec()).unwrap()
    });
    let strangers: Vec<_> = said.lines().map(|pid| Stranger::open(pid.parse().unwrap())).collect();
    assert_eq!(strangers.len(), 2);
    app.kill().unwrap();
    app.wait().unwrap();
    assert!(strangers[0].is_gone_within(Duration::from_secs(1)), "the engine is still there");
    assert!(strangers[1].is_gone_within(Duration::from_secs(5)), "its child is still there");
}
