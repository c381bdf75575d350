//! What a line says (contract section 2), naive: every brace is read to its end again.

use desktop_runtime_core::wire::message::{Answer, JobEventKind, Message};

use crate::json::{self, Member, Value, is, space};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The messages of a line without its newline.
pub fn messages(line: &[u8]) -> Vec<Message<'_>> {
    let start = space(line, 0);
    if start == line.len() {
        return Vec::new();
    }
    if json::parse(line).is_some() {
        return vec![if line[start] == b'{' { classified(line, start).0 } else { Message::Ignored }];
    }
    let mut found = Vec::new();
    let mut noise = Vec::new();
    let (mut rest, mut told, mut failed, mut at) = (0, false, 0, 0);
    while failed < 64
        && let Some(ahead) = line[at..].iter().position(|byte| *byte == b'{')
    {
        let open = at + ahead;
        let (members, end) = json::object(line, open);
        if let Some(end) = end {
            noise.extend_from_slice(unheard(&line[rest..open], told));
            found.push(classified(line, open).0);
            (rest, told, at) = (end, false, end);
        } else {
            failed += 1;
            at = open + 1;
            if blank(&line[rest..open]) == open - rest
                && let Some(message) = salvaged(line, &members)
            {
                found.push(message);
                told = true;
            }
        }
    }
    noise.extend_from_slice(unheard(&line[rest..], told));
    if !noise.is_empty() {
        found.push(Message::Noise(noise.into()));
    }
    found
}

/// Whom the head of a line that is too long was for.
pub fn of_head(head: &[u8]) -> Option<Message<'_>> {
    let start = blank(head);
    (head.get(start) == Some(&b'{')).then(|| salvaged(head, &json::object(head, start).0))?
}

/// What of a piece between messages is noise.
fn unheard(piece: &[u8], told: bool) -> &[u8] {
    if told || blank(piece) == piece.len() { &[] } else { piece }
}

/// The number of bytes that are whitespace or byte order marks.
fn blank(text: &[u8]) -> usize {
    let mut at = space(text, 0);
    while text[at..].starts_with(BYTE_ORDER_MARK) {
        at = space(text, at + BYTE_ORDER_MARK.len());
    }
    at
}

/// The message that the good object at `open` is, and its end.
fn classified(text: &[u8], open: usize) -> (Message<'_>, usize) {
    let (members, end) = json::object(text, open);
    let end = end.expect("the object is good");
    let raw = |key: &str| complete(text, &members, key).map(|(raw, _)| raw);
    let message = match (raw("jsonrpc"), raw("method"), raw("id"), raw("type"), raw("jobId")) {
        (Some(_), Some(method), Some(id), ..) => Message::Request { id, method, params: raw("params") },
        (Some(_), Some(method), None, ..) => Message::Notification { method, params: raw("params") },
        (Some(_), None, Some(id), ..) => {
            let error = complete(text, &members, "error").filter(|(_, value)| value.is_truthy());
            let answer = match (error, raw("result")) {
                (Some((error, _)), _) => Answer::Error(error),
                (None, Some(result)) => Answer::Result(result),
                (None, None) => Answer::Empty,
            };
            Message::Response { id, answer }
        }
        (.., Some(_), Some(job_id)) => {
            let kind = kind(complete(text, &members, "type").map(|(_, value)| value));
            Message::JobEvent { kind, job_id, data: raw("data"), text: &text[open..end] }
        }
        _ => Message::Ignored,
    };
    (message, end)
}

fn kind(value: Option<&Value>) -> JobEventKind {
    let Some(Value::String(units)) = value else { return JobEventKind::Other };
    let kinds = [
        ("progress", JobEventKind::Progress),
        ("log", JobEventKind::Log),
        ("partial", JobEventKind::Partial),
        ("result", JobEventKind::Result),
        ("error", JobEventKind::Error),
    ];
    kinds.into_iter().find(|(name, _)| is(units, name)).map_or(JobEventKind::Other, |(_, kind)| kind)
}

/// The last member of that key, unless its value is broken.
fn complete<'a, 'm>(text: &'a [u8], members: &'m [Member], key: &str) -> Option<(&'a [u8], &'m Value)> {
    let (range, value) = members.iter().rev().find(|member| is(&member.key, key))?.value.as_ref()?;
    Some((&text[range.clone()], value))
}

/// What a broken object still tells.
fn salvaged<'a>(text: &'a [u8], members: &[Member]) -> Option<Message<'a>> {
    let saw = |key: &str| members.iter().any(|member| is(&member.key, key));
    if saw("jsonrpc") && (saw("method") || saw("id")) {
        let answers = !saw("method") && (saw("result") || saw("error"));
        return answers.then(|| complete(text, members, "id"))?.map(|(id, _)| Message::BrokenResponse { id });
    }
    let kind = kind(complete(text, members, "type").map(|(_, value)| value));
    let (job_id, _) = complete(text, members, "jobId")?;
    matches!(kind, JobEventKind::Result | JobEventKind::Error)
        .then_some(Message::BrokenJobEvent { kind, job_id })
}
