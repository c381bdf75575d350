//! What the wire says of a line, as texts for `wire_json_parse.js` to judge.

use std::fmt::Write as _;

use desktop_runtime_core::wire::message::{Answer, JobEventKind, Message, read_line};
use desktop_runtime_core::wire::request::push_json_string;

/// What `read_line` says: JSON lists of strings, the first of each the kind.
pub fn claimed_messages(line: &[u8]) -> Vec<String> {
    let mut lists = Vec::new();
    read_line(line, &mut |message| lists.push(claimed_message(&message)));
    lists
}

fn claimed_message(message: &Message) -> String {
    match message {
        Message::Request { id, method, params } => list("request", &[Some(*id), Some(*method), *params]),
        Message::Notification { method, params } => list("notification", &[Some(*method), *params]),
        Message::Response { id, answer: Answer::Result(raw) } => {
            list("response", &[Some(id), Some(b"result"), Some(raw)])
        }
        Message::Response { id, answer: Answer::Error(raw) } => {
            list("response", &[Some(id), Some(b"error"), Some(raw)])
        }
        Message::Response { id, answer: Answer::Empty } => {
            list("response", &[Some(id), Some(b"empty"), None])
        }
        Message::JobEvent { kind, job_id, data, text } => {
            list("event", &[Some(kind_name(*kind)), Some(*job_id), *data, Some(*text)])
        }
        Message::BrokenResponse { id } => list("brokenResponse", &[Some(id)]),
        Message::BrokenJobEvent { kind, job_id } => {
            list("brokenEvent", &[Some(kind_name(*kind)), Some(job_id)])
        }
        Message::Noise(text) => list("noise", &[Some(text)]),
        Message::Ignored => list("ignored", &[]),
    }
}

/// A list of a kind and parts; `null` for an absent one.
fn list(kind: &str, parts: &[Option<&[u8]>]) -> String {
    let mut json = format!("[\"{kind}\"");
    for part in parts {
        match part {
            None => json.push_str(",null"),
            Some(raw) => {
                let mut string = Vec::new();
                push_json_string(&mut string, &String::from_utf8_lossy(raw));
                write!(json, ",{}", String::from_utf8(string).unwrap()).unwrap();
            }
        }
    }
    json.push(']');
    json
}

fn kind_name(kind: JobEventKind) -> &'static [u8] {
    match kind {
        JobEventKind::Progress => b"progress",
        JobEventKind::Log => b"log",
        JobEventKind::Partial => b"partial",
        JobEventKind::Result => b"result",
        JobEventKind::Error => b"error",
        JobEventKind::Other => b"other",
    }
}
