//! An engine that is never the bottleneck of a benchmark: it answers all requests of a read with one write.
//!
//! - `echo`: the result is the `params`.
//! - `reply {size}`: a result of about `size` bytes in many small values, made once per size.
//! - `text {size}`: a result of `size` bytes, one string.
//! - `flood {events, jobId, size}`: `null`, and behind it that many `progress` events of `size` bytes more than an empty one.
//! - `hold`: never answered.
//! - `initialize`: what a client of the Model Context Protocol wants to hear.
//! - `jobs.start`: a job id, and right behind it the job's `result` event.

use std::borrow::Cow;
use std::io::{Read, Write};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Events of a flood are written in pieces of this size: a pipe holds no more.
const PIECE: usize = 64 * 1024;
const INITIALIZED: &str =
    r#"{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"benchmark","version":"0"}}"#;
const READ: usize = 256 * 1024;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ReplyParams {
    size: usize,
}

#[derive(Deserialize)]
struct FloodParams<'a> {
    events: usize,
    #[serde(rename = "jobId", borrow)]
    job_id: &'a RawValue,
    size: usize,
}

#[derive(Default)]
struct Engine {
    jobs: u64,
    reply: (usize, String),
    text: String,
}

impl Engine {
    fn answer(&mut self, line: &[u8], out: &mut impl Write) -> std::io::Result<()> {
        let Ok(request) = serde_json::from_slice::<Request>(line) else { return Ok(()) };
        let Some(id) = request.id else { return Ok(()) };
        let params = request.params.map_or("null", RawValue::get);
        match &*request.method {
            "reply" => {
                let size = serde_json::from_str::<ReplyParams>(params)?.size;
                if self.reply.0 != size {
                    self.reply = (size, reply_of(size));
                }
                respond(out, id, &self.reply.1)
            }
            "text" => {
                let size = serde_json::from_str::<ReplyParams>(params)?.size;
                if self.text.len() != size {
                    self.text = format!("\"{}\"", "x".repeat(size.saturating_sub(2)));
                }
                respond(out, id, &self.text)
            }
            "flood" => {
                respond(out, id, "null")?;
                flood(out, &serde_json::from_str(params)?)
            }
            "jobs.start" => {
                self.jobs += 1;
                let job = self.jobs;
                respond(out, id, &format!(r#"{{"jobId":"job-{job}"}}"#))?;
                writeln!(out, r#"{{"jobId":"job-{job}","type":"result","timestamp":1,"data":{{"ok":true}}}}"#)
            }
            "hold" => Ok(()),
            "initialize" => respond(out, id, INITIALIZED),
            "engine.health" => respond(out, id, r#"{"status":"ok"}"#),
            _ => respond(out, id, params),
        }
    }
}

fn respond(out: &mut impl Write, id: &RawValue, result: &str) -> std::io::Result<()> {
    out.write_all(br#"{"jsonrpc":"2.0","id":"#)?;
    out.write_all(id.get().as_bytes())?;
    out.write_all(br#","result":"#)?;
    out.write_all(result.as_bytes())?;
    out.write_all(b"}\n")
}

/// The words of a page as a recogniser reports them, as often as it takes.
fn reply_of(size: usize) -> String {
    const WORD: &str = r#"{"text":"reconnaissance","confidence":0.9731,"box":[118,204,377,241]}"#;
    if size < 2 * WORD.len() {
        return format!("\"{}\"", "x".repeat(size.saturating_sub(2)));
    }
    let mut text = String::with_capacity(size + WORD.len());
    text.push('[');
    text.push_str(WORD);
    while text.len() < size {
        text.push(',');
        text.push_str(WORD);
    }
    text.push(']');
    text
}

fn flood(out: &mut impl Write, params: &FloodParams) -> std::io::Result<()> {
    let filler =
        if params.size == 0 { String::new() } else { format!(r#","text":"{}""#, "x".repeat(params.size)) };
    let job = params.job_id.get();
    let mut piece = Vec::with_capacity(2 * PIECE);
    for number in 0..params.events {
        let percent = number % 101;
        writeln!(
            piece,
            r#"{{"jobId":{job},"type":"progress","timestamp":1,"data":{{"percent":{percent}{filler}}}}}"#
        )?;
        if piece.len() >= PIECE {
            out.write_all(&piece)?;
            piece.clear();
        }
    }
    out.write_all(&piece)
}

fn main() -> std::io::Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut stdout = std::io::stdout().lock();
    let mut engine = Engine::default();
    let mut pending = Vec::new();
    let mut answers = Vec::new();
    let mut buffer = vec![0; READ];
    loop {
        let read = stdin.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        pending.extend_from_slice(&buffer[..read]);
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &pending) {
            engine.answer(&pending[start..end], &mut answers)?;
            start = end + 1;
        }
        pending.drain(..start);
        // All of it ends in a newline, so std's line buffer passes it on whole.
        stdout.write_all(&answers)?;
        answers.clear();
    }
}
