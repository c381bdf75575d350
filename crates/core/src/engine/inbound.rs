//! What an engine says: to the calls, the queues and the listeners it concerns.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::clock::Now;
use crate::delivery::{Embedded, LONGEST_TEXT, Op, Value, fits_as_string};
use crate::engine::attached::{AttachedQueue, cancel_params};
use crate::engine::calls::Purpose;
use crate::engine::engine::Engine;
use crate::engine::job_streams::{Attachment, RawEvent};
use crate::engine::lifecycle::Input;
use crate::engine::state::{Heard, State};
use crate::jobs::{self, CancelResult, Data, EngineEvent, Failure, StartReply};
use crate::stream::Offer;
use crate::wire::id::{JsonId, as_request_id};
use crate::wire::message::{Answer, JobEventKind, Message, read_head_of_too_long};
use crate::wire::scan::{is_falsy, object_fields};

/// What of a line goes to the log when nobody listens (contract section 2).
const LOGGED: usize = 1024;
/// What of an id goes to the log.
const LOGGED_ID: usize = 128;

impl State {
    /// One message of a line.
    pub fn message(&mut self, engine: &Arc<Engine>, message: &Message<'_>, now: Now) {
        self.received += 1;
        match *message {
            Message::Request { id, method, params } => self.engine_request(engine, id, method, params, now),
            Message::Notification { method, params } => {
                let heard = self.heard.has(Heard::NOTIFICATION);
                self.event(heard, Op::Notification, 0, &method_and_params(b"{", method, params));
            }
            Message::Response { id, answer } => self.response(engine, id, &answer, now),
            Message::JobEvent { kind, job_id, data, text } => self.job_event(kind, job_id, data, text, now),
            Message::BrokenResponse { id } => self.broken_response(engine, id, "PARSE_ERROR", now),
            Message::BrokenJobEvent { job_id, .. } => self.broken_job(job_id, false, now),
            Message::Noise(ref noise) => self.noise(noise),
            Message::Ignored => self.dropped += 1,
        }
    }

    fn noise(&mut self, noise: &[u8]) {
        tracing::debug!(bytes = noise.len(), "a line on stdout is no message");
        let whole = self.heard.has(Heard::STDOUT) || self.delivery.may_bring_listeners();
        let shown = if whole { noise } else { &noise[..noise.len().min(LOGGED)] };
        if fits_as_string(shown, LONGEST_TEXT) {
            self.delivery.push(Op::Stdout, 0, 0, Value::Text(shown));
        } else {
            self.fault("MESSAGE_TOO_LARGE");
        }
    }

    fn fault(&mut self, code: &str) {
        tracing::warn!(code, "a line on stdout is lost");
        self.delivery.push(Op::Fault, 0, 0, Value::Record(&json!({ "code": code })));
    }

    fn event(&mut self, heard: bool, op: Op, number: u64, pieces: &[&[u8]]) {
        if !self.delivery.push_event(heard, op, 0, number, Value::Pieces(pieces)) {
            self.dropped += 1;
        }
    }

    fn engine_request(
        &mut self,
        engine: &Arc<Engine>,
        id: &[u8],
        method: &[u8],
        params: Option<&[u8]>,
        now: Now,
    ) {
        // An engine that echoes its stdin (`/bin/cat`) answers our request by it.
        if let Some(purpose) = as_request_id(id).and_then(|id| self.calls.take(id)) {
            self.answered(engine, purpose, &Answer::Empty, now);
            return;
        }
        // As a text besides: what JavaScript makes of a number or of deep nesting cannot always be written back.
        let id_text = serde_json::Value::from(String::from_utf8_lossy(id)).to_string();
        let head = [b"{\"id\":".as_slice(), id, b",\"idText\":", id_text.as_bytes(), b","].concat();
        // With the run's number: the next engine uses the same ids again.
        let run = self.run.as_ref().map_or(0, |run| run.id);
        self.event(true, Op::Request, run, &method_and_params(&head, method, params));
    }

    fn response(&mut self, engine: &Arc<Engine>, id: &[u8], answer: &Answer<'_>, now: Now) {
        if let Some(purpose) = as_request_id(id).and_then(|id| self.calls.take(id)) {
            self.answered(engine, purpose, answer, now);
        } else {
            self.unknown(id);
        }
    }

    /// The result of a request, in the text that it came in.
    pub fn giant_result(&mut self, engine: &Arc<Engine>, id: Uuid, result: Embedded, now: Now) {
        self.received += 1;
        match self.calls.take(id) {
            Some(Purpose::Call { slot, .. }) => {
                self.delivery.push_embedded(Op::Result, 0, u64::from(slot), result);
            }
            Some(purpose) => {
                self.answered(engine, purpose, &Answer::Result(&result.text[result.value.clone()]), now);
            }
            None => self.unknown(id.to_string().as_bytes()),
        }
    }

    fn unknown(&mut self, id: &[u8]) {
        self.dropped += 1;
        let shown = String::from_utf8_lossy(&id[..id.len().min(LOGGED_ID)]);
        self.log(&format!("[Engine] Received response for unknown request: {}", shown.trim_matches('"')));
    }

    fn answered(&mut self, engine: &Arc<Engine>, purpose: Purpose, answer: &Answer<'_>, now: Now) {
        match purpose {
            Purpose::Call { slot, .. } => {
                let slot = u64::from(slot);
                match *answer {
                    Answer::Result(result) => self.delivery.push(Op::Result, 0, slot, Value::Json(result)),
                    Answer::Error(error) => self.delivery.push(Op::Error, 0, slot, Value::Json(error)),
                    Answer::Empty => self.delivery.push(Op::Empty, 0, slot, Value::Null),
                }
            }
            Purpose::StartHealth => {
                if let Answer::Error(error) = *answer {
                    self.health_error(error);
                }
                self.advance(engine, Input::HealthAnswered, now);
            }
            Purpose::WatchHealth => {
                if let Some(health) = &mut self.health {
                    health.answered();
                }
            }
            Purpose::JobStart { queue, key, attempt } => {
                let reply = match started_job(answer) {
                    Some(id) => StartReply::Accepted(id),
                    None => StartReply::Refused(match *answer {
                        Answer::Error(error) => Failure::StartError(Data::Text(Cow::Borrowed(error))),
                        _ => Failure::NoJobId,
                    }),
                };
                self.step_queue(queue as usize, jobs::Input::StartAnswered { key, attempt, reply }, now);
            }
            Purpose::LateJobStart { queue, key, attempt } => {
                if let Some(id) = started_job(answer) {
                    let reply = StartReply::Accepted(id);
                    self.step_queue(queue as usize, jobs::Input::StartAnswered { key, attempt, reply }, now);
                }
            }
            Purpose::OrphanedStart => {
                if let Some(id) = started_job(answer) {
                    // Best effort: nobody waits for this job any more.
                    let _ =
                        self.request(Purpose::Forgotten, "\"jobs.cancel\"", Some(&cancel_params(&id)), None);
                }
            }
            Purpose::JobCancel { queue, key } => {
                let reply = match *answer {
                    Answer::Error(_) => CancelResult::Failed,
                    Answer::Result(result) => {
                        let [success] = object_fields(result, ["success"]);
                        CancelResult::Accepted { success: success.is_some_and(|raw| !is_falsy(raw)) }
                    }
                    Answer::Empty => CancelResult::Accepted { success: false },
                };
                self.step_queue(queue as usize, jobs::Input::CancelAnswered { key, reply }, now);
            }
            Purpose::Forgotten => {}
        }
    }

    fn job_event(&mut self, kind: JobEventKind, job_id: &[u8], data: Option<&[u8]>, text: &[u8], now: Now) {
        let concerns_nobody = self.queues.is_empty() && self.watched.is_empty() && self.streams.is_empty();
        let watched = if concerns_nobody {
            false
        } else {
            let id = JsonId::from_raw(job_id);
            self.keep_for_replay(&id, kind, text, now);
            let raw = RawEvent::new(kind, job_id, text);
            self.queue_event(&id, &queue_event(kind, data), Some(&raw), now);
            self.watched.get(&id).is_some_and(|kinds| kinds.has(kind))
        };
        let number = event_number(kind);
        let heard = watched || self.heard.has(Heard::JOB_PROGRESS << number);
        let sequence = if self.streams.is_empty() { 0 } else { self.sequence };
        self.event(heard, Op::JobEvent, number + 4 * sequence, &[text]);
    }

    /// Before the event goes on its way: a snapshot that does not have it is older than a subscription that gets it.
    fn keep_for_replay(&mut self, id: &JsonId, kind: JobEventKind, text: &[u8], now: Now) {
        if self.streams.is_empty() {
            return;
        }
        self.sequence += 1;
        let run = self.run.as_ref().map_or(0, |run| run.id);
        for Attachment { stream, source } in &self.streams {
            let offer = Offer { source: *source, run, sequence: self.sequence, kind, pieces: &[text] };
            stream.offer(id, &offer, now.instant);
        }
    }

    /// Lets the queues know of a job event; each takes what is its own.
    pub fn queue_event(
        &mut self,
        id: &JsonId,
        event: &EngineEvent<'_>,
        raw: Option<&RawEvent<'_>>,
        now: Now,
    ) {
        for number in 0..self.queues.len() {
            let wants = |attached: &AttachedQueue| attached.queue.wants(id, jobs::Path::Native);
            if self.queues[number].as_ref().is_some_and(wants) {
                let input = jobs::Input::Event { engine_id: id, event: event.clone() };
                self.with_queue(number, now, |queue, native| queue.hear(input, raw.cloned(), now, native));
            }
        }
    }

    fn broken_response(&mut self, engine: &Arc<Engine>, id: &[u8], code: &str, now: Now) {
        let Some(purpose) = as_request_id(id).and_then(|id| self.calls.take(id)) else {
            self.unknown(id);
            return;
        };
        tracing::warn!(code, "an answer cannot be read");
        match purpose {
            Purpose::Call { slot, .. } => self.fail_call(slot, code),
            Purpose::JobStart { queue, key, attempt } => {
                let too_large = code == "MESSAGE_TOO_LARGE";
                let reply = StartReply::Refused(Failure::Broken { too_large });
                self.step_queue(queue as usize, jobs::Input::StartAnswered { key, attempt, reply }, now);
            }
            Purpose::JobCancel { queue, key } => {
                let reply = CancelResult::Failed;
                self.step_queue(queue as usize, jobs::Input::CancelAnswered { key, reply }, now);
            }
            // It answered: it is alive, whatever it said.
            other => self.answered(engine, other, &Answer::Empty, now),
        }
    }

    fn broken_job(&mut self, job_id: &[u8], too_large: bool, now: Now) {
        self.queue_event(&JsonId::from_raw(job_id), &EngineEvent::Broken { too_large }, None, now);
        let code = if too_large { "MESSAGE_TOO_LARGE" } else { "PARSE_ERROR" };
        tracing::warn!(code, "the end of a job cannot be read");
        let pieces: [&[u8]; 5] = [b"{\"code\":\"", code.as_bytes(), b"\",\"jobId\":", job_id, b"}"];
        self.delivery.push(Op::Fault, 0, 0, Value::Pieces(&pieces));
    }

    /// A line over the limit, of which `head` was kept.
    pub fn too_long(&mut self, engine: &Arc<Engine>, head: &[u8], now: Now) {
        self.received += 1;
        match read_head_of_too_long(head) {
            Some(Message::BrokenJobEvent { job_id, .. }) => {
                self.broken_job(job_id, true, now);
                return;
            }
            Some(Message::BrokenResponse { id }) => {
                self.broken_response(engine, id, "MESSAGE_TOO_LARGE", now);
            }
            _ => {}
        }
        self.fault("MESSAGE_TOO_LARGE");
    }
}

/// The engine's job id in an answer to `jobs.start`.
fn started_job(answer: &Answer<'_>) -> Option<JsonId> {
    let Answer::Result(result) = *answer else { return None };
    let [id] = object_fields(result, ["jobId"]);
    id.map(JsonId::from_raw).filter(|id| !id.is_null())
}

/// The event as a queue sees it.
pub fn queue_event(kind: JobEventKind, data: Option<&[u8]>) -> EngineEvent<'_> {
    match kind {
        JobEventKind::Progress => {
            let [percent, message] = object_fields(data.unwrap_or_default(), ["percent", "message"]);
            EngineEvent::Progress { percent: percent.map(Cow::Borrowed), message: message.map(Cow::Borrowed) }
        }
        JobEventKind::Result => EngineEvent::Result(data_of(data)),
        JobEventKind::Error => EngineEvent::Error(data_of(data)),
        JobEventKind::Log | JobEventKind::Partial | JobEventKind::Other => EngineEvent::Other,
    }
}

fn data_of(data: Option<&[u8]>) -> Data<'_> {
    data.map_or(Data::Absent, |text| Data::Text(Cow::Borrowed(text)))
}

/// Which of the three engine events it is: `job:progress`, `job:complete`, `job:error`.
fn event_number(kind: JobEventKind) -> u64 {
    match kind {
        JobEventKind::Result => 1,
        JobEventKind::Error => 2,
        _ => 0,
    }
}

fn method_and_params<'a>(head: &'a [u8], method: &'a [u8], params: Option<&'a [u8]>) -> [&'a [u8]; 6] {
    let comma: &[u8] = if params.is_some() { b",\"params\":" } else { b"" };
    [head, b"\"method\":", method, comma, params.unwrap_or_default(), b"}"]
}
