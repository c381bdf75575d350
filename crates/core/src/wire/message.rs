//! What a line of the engine's output says (contract section 2).
//!
//! A line is one message, or a search for messages between noise. Knows no pending call and no job.

use std::borrow::Cow;

use memchr::memchr;

use super::scan::{self, Fields, Key, ObjectScan};
use super::{grammar, string};

/// How many `{` of a line may turn out to begin no object. Accepted ones do not count: nothing is searched twice there.
const MAX_FAILED_TRIES: usize = 64;

/// A message from the engine. All parts are JSON texts, parts of the line, without whitespace around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The engine asks something: `jsonrpc`, `method` and `id`.
    Request {
        /// Of any type.
        id: &'a [u8],
        /// Of any type: only the key decides.
        method: &'a [u8],
        /// Absent when the key is.
        params: Option<&'a [u8]>,
    },
    /// The engine tells something: `jsonrpc` and `method`.
    Notification {
        /// Of any type: only the key decides.
        method: &'a [u8],
        /// Absent when the key is.
        params: Option<&'a [u8]>,
    },
    /// The engine answers: `jsonrpc` and `id`.
    Response {
        /// Of any type.
        id: &'a [u8],
        /// What it answers.
        answer: Answer<'a>,
    },
    /// Something happened to a job: `type` and `jobId`.
    JobEvent {
        /// The event's type.
        kind: JobEventKind,
        /// Of any type.
        job_id: &'a [u8],
        /// Absent when the key is.
        data: Option<&'a [u8]>,
        /// The whole event.
        text: &'a [u8],
    },
    /// A response with a readable id that is no JSON: its call fails with `PARSE_ERROR`.
    BrokenResponse {
        /// Of any type.
        id: &'a [u8],
    },
    /// A job's last event with a readable job id that is no JSON: the job fails with `PARSE_ERROR`.
    BrokenJobEvent {
        /// `Result` or `Error`.
        kind: JobEventKind,
        /// Of any type.
        job_id: &'a [u8],
    },
    /// What of the line is no message, its pieces joined; never only whitespace and byte order marks.
    Noise(Cow<'a, [u8]>),
    /// A value that is none of the above.
    Ignored,
}

/// What a response answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The value of `result`.
    Result(&'a [u8]),
    /// The value of `error`, unless JavaScript takes it for false.
    Error(&'a [u8]),
    /// Neither: the call resolves with `undefined`.
    Empty,
}

/// The type of a job event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobEventKind {
    /// `progress`
    Progress,
    /// `log`
    Log,
    /// `partial`
    Partial,
    /// `result`: the job is done.
    Result,
    /// `error`: the job has failed.
    Error,
    /// Any other type, or one that is no string.
    Other,
}

impl JobEventKind {
    fn of(raw: &[u8]) -> JobEventKind {
        match string::body(raw).map(string::name).as_deref() {
            Some(b"progress") => JobEventKind::Progress,
            Some(b"log") => JobEventKind::Log,
            Some(b"partial") => JobEventKind::Partial,
            Some(b"result") => JobEventKind::Result,
            Some(b"error") => JobEventKind::Error,
            _ => JobEventKind::Other,
        }
    }
}

/// A line without its newline, looked at once.
#[derive(Debug)]
pub enum Line<'a> {
    /// It says nothing.
    Blank,
    /// It is one message.
    One(Message<'a>),
    /// Messages have to be searched in it.
    Mixed(Search<'a>),
}

impl<'a> Line<'a> {
    /// Looks at the line.
    #[must_use]
    pub fn of(line: &'a [u8]) -> Self {
        let start = grammar::skip_whitespace(line, 0);
        match line.get(start) {
            None => Line::Blank,
            Some(b'{') => {
                let first = scan::scan_object(line, start);
                match first {
                    ObjectScan::Complete { end, fields }
                        if grammar::skip_whitespace(line, end) == line.len() =>
                    {
                        Line::One(classify(&fields, &line[start..end]))
                    }
                    _ => Line::Mixed(Search::new(line, Some((start, first)))),
                }
            }
            Some(_) if scan::is_json_text(line) => Line::One(Message::Ignored),
            Some(_) => Line::Mixed(Search::new(line, None)),
        }
    }

    /// When the line is a response with a result and nothing else: its id, of any type, and the result.
    #[must_use]
    pub fn result(&self) -> Option<(&'a [u8], &'a [u8])> {
        match *self {
            Line::One(Message::Response { id, answer: Answer::Result(result) }) => Some((id, result)),
            _ => None,
        }
    }

    /// Calls `on_message` for each message in the order of the line, last for the noise.
    ///
    /// A broken message takes the place where it begins.
    pub fn tell(self, on_message: &mut impl FnMut(Message<'a>)) {
        match self {
            Line::Blank => {}
            Line::One(message) => on_message(message),
            Line::Mixed(search) => search.run(on_message),
        }
    }
}

/// Reads a line without its newline, as [`Line::tell`] does.
pub fn read_line<'a>(line: &'a [u8], on_message: &mut impl FnMut(Message<'a>)) {
    Line::of(line).tell(on_message);
}

/// Reads what was kept of a line that was too long: the call or the job that must now fail, if it can be told.
///
/// Only what the line begins with counts, whole or broken.
#[must_use]
pub fn read_head_of_too_long(head: &[u8]) -> Option<Message<'_>> {
    let start = skip_blank(head, 0);
    if head.get(start) != Some(&b'{') {
        return None;
    }
    match scan::scan_object(head, start) {
        ObjectScan::Complete { fields, .. } | ObjectScan::Broken { fields, .. } => salvage(&fields),
    }
}

/// The search for messages in a line that is not one JSON text.
#[derive(Debug)]
pub struct Search<'a> {
    line: &'a [u8],
    /// The scan at the line's first brace, where it was made already.
    first: Option<(usize, ObjectScan<'a>)>,
    /// Where the rest begins: behind the last accepted value.
    rest: usize,
    /// The rest began with a broken message, which has been told.
    salvaged: bool,
    noise: Noise<'a>,
}

impl<'a> Search<'a> {
    fn new(line: &'a [u8], first: Option<(usize, ObjectScan<'a>)>) -> Self {
        Self { line, first, rest: 0, salvaged: false, noise: Noise::None }
    }

    fn run(mut self, on_message: &mut impl FnMut(Message<'a>)) {
        let mut failed = 0;
        let mut at = 0;
        while failed < MAX_FAILED_TRIES
            && let Some(ahead) = memchr(b'{', &self.line[at..])
        {
            let open = at + ahead;
            let scan = match self.first.take() {
                Some((place, scan)) if place == open => scan,
                _ => scan::scan_object(self.line, open),
            };
            match scan {
                ObjectScan::Complete { end, fields } => {
                    self.end_rest(open);
                    on_message(classify(&fields, &self.line[open..end]));
                    self.rest = end;
                    at = end;
                }
                ObjectScan::Broken { fields, .. } => {
                    failed += 1;
                    at = open + 1;
                    if open == skip_blank(self.line, self.rest)
                        && let Some(message) = salvage(&fields)
                    {
                        self.salvaged = true;
                        on_message(message);
                    }
                }
            }
        }
        self.end_rest(self.line.len());
        if let Some(noise) = self.noise.into_message() {
            on_message(noise);
        }
    }

    fn end_rest(&mut self, end: usize) {
        let rest = &self.line[self.rest..end];
        // A salvaged rest is reported as an error of its own.
        let told = std::mem::take(&mut self.salvaged);
        if !told && skip_blank(rest, 0) < rest.len() {
            self.noise.add(rest);
        }
    }
}

/// The pieces of noise so far; joined only when there are several.
#[derive(Debug)]
enum Noise<'a> {
    None,
    Pieces(Cow<'a, [u8]>),
}

impl<'a> Noise<'a> {
    fn add(&mut self, piece: &'a [u8]) {
        match self {
            Noise::None => *self = Noise::Pieces(Cow::Borrowed(piece)),
            Noise::Pieces(pieces) => pieces.to_mut().extend_from_slice(piece),
        }
    }

    fn into_message(self) -> Option<Message<'a>> {
        match self {
            Noise::None => None,
            Noise::Pieces(pieces) => Some(Message::Noise(pieces)),
        }
    }
}

/// The message that a good object is.
fn classify<'a>(fields: &Fields<'a>, text: &'a [u8]) -> Message<'a> {
    match *fields {
        Fields { jsonrpc: Some(_), method: Some(method), id: Some(id), params, .. } => {
            Message::Request { id, method, params }
        }
        Fields { jsonrpc: Some(_), method: Some(method), params, .. } => {
            Message::Notification { method, params }
        }
        Fields { jsonrpc: Some(_), id: Some(id), .. } => Message::Response { id, answer: answer(fields) },
        Fields { type_: Some(kind), job_id: Some(job_id), data, .. } => {
            Message::JobEvent { kind: JobEventKind::of(kind), job_id, data, text }
        }
        _ => Message::Ignored,
    }
}

fn answer<'a>(fields: &Fields<'a>) -> Answer<'a> {
    match (fields.error, fields.result) {
        (Some(error), _) if !scan::is_falsy(error) => Answer::Error(error),
        (_, Some(result)) => Answer::Result(result),
        (_, None) => Answer::Empty,
    }
}

/// The call or the job that a message which cannot be delivered was for, by what it showed before the fault.
fn salvage<'a>(fields: &Fields<'a>) -> Option<Message<'a>> {
    if fields.saw(Key::Jsonrpc) && (fields.saw(Key::Method) || fields.saw(Key::Id)) {
        let answers = fields.saw(Key::Result) || fields.saw(Key::Error);
        let id = fields.id.filter(|_| answers && !fields.saw(Key::Method))?;
        return Some(Message::BrokenResponse { id });
    }
    let kind = JobEventKind::of(fields.type_?);
    let job_id = fields.job_id.filter(|_| matches!(kind, JobEventKind::Result | JobEventKind::Error))?;
    Some(Message::BrokenJobEvent { kind, job_id })
}

/// The index of the first byte from `at` on that is neither JSON whitespace nor part of a byte order mark.
fn skip_blank(text: &[u8], mut at: usize) -> usize {
    loop {
        at = grammar::skip_whitespace(text, at);
        if !text[at..].starts_with("\u{feff}".as_bytes()) {
            return at;
        }
        at += '\u{feff}'.len_utf8();
    }
}
