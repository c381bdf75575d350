//! The events of a queue's native jobs, under the manager's ids, for the streams that are attached to the manager.
//!
//! A stream gets every event of a job's attempts in wire order, and one end for the whole job: the `result` or `error`
//! that settles it. How a job ends without such an event JavaScript tells its streams, with the rejection.

use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use crate::clock::Now;
use crate::delivery::{Delivery, Op, Value};
use crate::jobs::{Data, Failure, JobKey, JobQueue, Outcome, Output, Owner};
use crate::stream::{Offer, Stream, is_end, number_of};
use crate::wire::id::JsonId;
use crate::wire::message::JobEventKind;
use crate::wire::request::push_json_string;

/// Texts of events that may be about a job whose start is unanswered. Past it the oldest goes: what streams do not get
/// then is told by nobody, but never the job's end.
const MAX_EARLY_BYTES: usize = 16 * 1024 * 1024;

/// A stream, and the number that its source has there.
#[derive(Debug)]
pub struct Attachment {
    /// Where the events go.
    pub stream: Arc<Stream>,
    /// The engine or the manager, to the stream.
    pub source: u32,
}

/// An event as the engine wrote it, and where in it its job id stands.
#[derive(Debug, Clone)]
pub struct RawEvent<'a> {
    kind: JobEventKind,
    text: &'a [u8],
    job_id: Range<usize>,
}

impl<'a> RawEvent<'a> {
    /// `job_id` is a part of `text`.
    pub fn new(kind: JobEventKind, job_id: &[u8], text: &'a [u8]) -> Self {
        let start = (job_id.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
        Self { kind, text, job_id: start..(start + job_id.len()).min(text.len()) }
    }

    /// The event with another job id.
    fn pieces(&self, job_id: &'a [u8]) -> [&'a [u8]; 3] {
        [&self.text[..self.job_id.start], job_id, &self.text[self.job_id.end..]]
    }
}

/// An event that came before the answer that names its job.
#[derive(Debug)]
struct Early {
    id: JsonId,
    kind: JobEventKind,
    text: Box<[u8]>,
    job_id: Range<usize>,
    /// It may be about a start below this.
    horizon: u64,
}

impl Early {
    fn raw(&self) -> RawEvent<'_> {
        RawEvent { kind: self.kind, text: &self.text, job_id: self.job_id.clone() }
    }
}

/// The way of a manager's events to JavaScript.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// In wire order with all else of the engine.
    pub delivery: &'a Delivery,
    /// The manager there.
    pub target: u32,
    /// This moment.
    pub now: Now,
}

/// The job that a step of the queue is about, and what the engine said of it.
#[derive(Debug)]
pub struct Told<'a> {
    key: JobKey,
    job_id: Arc<str>,
    raw: Option<RawEvent<'a>>,
    /// An end that had come early.
    early_end: Option<Early>,
}

impl<'a> Told<'a> {
    /// `subject` is [`JobQueue::subject`]'s.
    pub fn new((key, job_id): (JobKey, Arc<str>), raw: Option<RawEvent<'a>>) -> Self {
        Self { key, job_id, raw, early_end: None }
    }
}

/// The streams of one manager.
#[derive(Debug, Default)]
pub struct JobStreams {
    attached: Vec<Attachment>,
    early: VecDeque<Early>,
    early_bytes: usize,
    /// The number of the last event.
    sequence: u64,
}

impl JobStreams {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.attached.is_empty()
    }

    /// Takes a stream in.
    pub fn attach(&mut self, attachment: Attachment) {
        self.attached.push(attachment);
    }

    /// Lets a stream go.
    pub fn detach(&mut self, source: u32, stream: &Arc<Stream>, now: Now) {
        self.attached.retain(|it| it.source != source || !Arc::ptr_eq(&it.stream, stream));
        stream.end_run(source, now.instant);
        if self.attached.is_empty() {
            self.early.clear();
            self.early_bytes = 0;
        }
    }

    /// A job was taken under this id.
    pub fn begin(&self, job_id: &str) {
        if !self.is_empty() {
            let (id, _) = named(job_id);
            self.attached.iter().for_each(|it| it.stream.begin(&id));
        }
    }

    /// An event came. One that goes on is told at once; an end waits for what the queue makes of it.
    pub fn heard(&mut self, queue: &JobQueue, id: &JsonId, raw: &RawEvent<'_>, way: Way<'_>) {
        match queue.owner(id) {
            Owner::Job(job_id) if !is_end(raw.kind) => self.tell(&job_id, raw, way),
            Owner::Job(_) | Owner::Settled => {}
            Owner::Unknown => self.park(id, raw, queue.unanswered_starts().1),
        }
    }

    fn park(&mut self, id: &JsonId, raw: &RawEvent<'_>, horizon: u64) {
        self.early_bytes += raw.text.len();
        self.early.push_back(Early {
            id: id.clone(),
            kind: raw.kind,
            text: raw.text.into(),
            job_id: raw.job_id.clone(),
            horizon,
        });
        while self.early_bytes > MAX_EARLY_BYTES
            && let Some(oldest) = self.early.pop_front()
        {
            self.early_bytes -= oldest.text.len();
        }
    }

    /// Drops what can be about none of the starts that are still unanswered.
    pub fn expire(&mut self, queue: &JobQueue) {
        let (oldest, _) = queue.unanswered_starts();
        while let Some(early) = self.early.front()
            && oldest.is_none_or(|oldest| oldest >= early.horizon)
        {
            self.early_bytes -= early.text.len();
            self.early.pop_front();
        }
    }

    /// The job of this step has its engine's id: what came early is told.
    pub fn started(&mut self, told: &mut Told<'_>, output: &Output<'_>, way: Way<'_>) {
        let Output::Started { key, engine_id, .. } = output else { return };
        if *key != told.key || self.early.is_empty() {
            return;
        }
        let (own, others): (VecDeque<_>, _) =
            std::mem::take(&mut self.early).into_iter().partition(|early| early.id == *engine_id);
        self.early = others;
        self.early_bytes -= own.iter().map(|early| early.text.len()).sum::<usize>();
        for early in own {
            if is_end(early.kind) {
                told.early_end = Some(early);
                // What follows a job's end is not its own.
                return;
            }
            self.tell(&told.job_id, &early.raw(), way);
        }
    }

    /// The job of this step is about to settle: its end is told, if an event of the engine's it was.
    pub fn settling(&mut self, told: &Told<'_>, output: &Output<'_>, way: Way<'_>) {
        let Output::Settle { key, outcome, .. } = output else { return };
        let (kind, data) = match outcome {
            Outcome::Completed(data) => (JobEventKind::Result, data),
            Outcome::Failed(Failure::EngineEvent(data)) => (JobEventKind::Error, data),
            Outcome::Failed(_) => return,
        };
        if *key != told.key {
            return;
        }
        let raw = told.raw.clone().or_else(|| told.early_end.as_ref().map(Early::raw));
        match (raw, data) {
            (Some(raw), _) if raw.kind == kind => self.tell(&told.job_id, &raw, way),
            // The app was asked whether to try again, and meanwhile only the data was kept.
            (_, Data::Text(data)) => self.tell_built(&told.job_id, kind, Some(data), way),
            (_, Data::Absent) => self.tell_built(&told.job_id, kind, None, way),
            // JavaScript has the event.
            (_, Data::Held(..)) => {}
        }
    }

    fn tell_built(&mut self, job_id: &str, kind: JobEventKind, data: Option<&[u8]>, way: Way<'_>) {
        let name = if kind == JobEventKind::Result { "result" } else { "error" };
        // Writing into a Vec cannot fail.
        let mut text = Vec::new();
        let _ = write!(text, "{{\"type\":\"{name}\",\"timestamp\":{},\"jobId\":", way.now.wall_ms);
        let at = text.len();
        if let Some(data) = data {
            text.extend_from_slice(b",\"data\":");
            text.extend_from_slice(data);
        }
        text.push(b'}');
        self.tell(job_id, &RawEvent { kind, text: &text, job_id: at..at }, way);
    }

    fn tell(&mut self, job_id: &str, raw: &RawEvent<'_>, way: Way<'_>) {
        self.sequence += 1;
        let (id, id_text) = named(job_id);
        let pieces = raw.pieces(&id_text);
        let mut wanted = false;
        for Attachment { stream, source } in &self.attached {
            let (sequence, pieces) = (self.sequence, pieces.as_slice());
            let offer = Offer { source: *source, run: 0, sequence, kind: raw.kind, pieces };
            wanted |= stream.offer(&id, &offer, way.now.instant);
        }
        let number = number_of(raw.kind) + 8 * self.sequence;
        way.delivery.push_event(wanted, Op::StreamEvent, way.target, number, Value::Pieces(&pieces));
    }
}

/// A manager's id as a value, and as a JSON text.
fn named(job_id: &str) -> (JsonId, Vec<u8>) {
    let mut text = Vec::with_capacity(job_id.len() + 2);
    push_json_string(&mut text, job_id);
    (JsonId::from_raw(&text), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::delivery::Wake;
    use crate::stream::{EVENT_BYTES, Kinds};

    struct Nobody;

    impl Wake for Nobody {
        fn wake(&self, _: &Arc<Delivery>) {}
    }

    fn attached() -> (JobStreams, Arc<Stream>, Arc<Delivery>) {
        let (mut streams, stream) = (JobStreams::default(), Stream::new());
        let source = stream.add_source();
        streams.attach(Attachment { stream: Arc::clone(&stream), source });
        (streams, stream, Delivery::new(1, Box::new(Nobody)))
    }

    fn raw<'a>(kind: JobEventKind, job_id: &str, text: &'a str) -> RawEvent<'a> {
        let at = text.rfind(job_id).unwrap();
        RawEvent::new(kind, &text.as_bytes()[at..at + job_id.len()], text.as_bytes())
    }

    fn batch(delivery: &Arc<Delivery>) -> Option<String> {
        delivery.take().map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn an_event_goes_on_with_the_managers_id_in_place_of_the_engines_last_one() {
        let (mut streams, stream, delivery) = attached();
        stream.set_heard(Kinds::ALL);
        let way = Way { delivery: &delivery, target: 3, now: clock::now() };
        let text = r#"{"jobId":7,"type":"log","jobId": 8 ,"data":{"jobId":9}}"#;
        let at = text.find('8').unwrap();
        let event = RawEvent::new(JobEventKind::Log, &text.as_bytes()[at..=at], text.as_bytes());
        streams.tell("a\"é", &event, way);
        let told = r#"{"jobId":7,"type":"log","jobId": "a\"\u00e9" ,"data":{"jobId":9}}"#;
        assert_eq!(batch(&delivery).unwrap(), format!("[43,3,9,{told}]"));
    }

    #[test]
    fn what_no_stream_wants_is_kept_and_goes_nowhere() {
        let (mut streams, stream, delivery) = attached();
        let way = Way { delivery: &delivery, target: 1, now: clock::now() };
        stream.want(JsonId::from_raw(b"\"mine\""), Kinds::of(JobEventKind::Log));
        for (job_id, kind) in
            [("mine", JobEventKind::Partial), ("other", JobEventKind::Log), ("mine", JobEventKind::Log)]
        {
            streams.tell(job_id, &raw(kind, "1", "{\"jobId\":1}"), way);
        }
        assert_eq!(batch(&delivery).unwrap(), r#"[43,1,25,{"jobId":"mine"}]"#);
        assert_eq!(stream.replay_bytes(), 2 * r#"{"jobId":"mine"}"#.len() + r#"{"jobId":"other"}"#.len());
    }

    #[test]
    fn early_events_are_bounded_and_the_oldest_goes() {
        let (mut streams, _, _) = attached();
        let text = format!("{{\"jobId\":1,\"data\":\"{}\"}}", "x".repeat(EVENT_BYTES));
        for number in 0..20 {
            let id = JsonId::from_raw(format!("{number}").as_bytes());
            streams.park(&id, &raw(JobEventKind::Partial, "1", &text), 1);
        }
        assert_eq!(streams.early.len(), MAX_EARLY_BYTES / text.len());
        assert_eq!(streams.early_bytes, streams.early.len() * text.len());
        assert_eq!(streams.early.back().unwrap().id, JsonId::from_raw(b"19"));
    }

    #[test]
    fn a_stream_that_goes_is_told_nothing_more_and_early_events_go_with_the_last_one() {
        let (mut streams, stream, _) = attached();
        streams.park(&JsonId::from_raw(b"1"), &raw(JobEventKind::Log, "1", "{\"jobId\":1}"), 1);
        streams.detach(1, &Stream::new(), clock::now());
        assert!(!streams.is_empty(), "another stream's number");
        streams.detach(1, &stream, clock::now());
        assert!(streams.is_empty());
        assert_eq!((streams.early.len(), streams.early_bytes), (0, 0));
    }
}
