//! One tracked job: what the app gave, kept as raw JSON text, and the few members that recovery itself changes.

use std::io::Write;
use std::sync::Arc;

use memchr::memchr2;
use twox_hash::XxHash3_64;

use crate::wire::id::JsonId;
use crate::wire::scan;

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// Waits for its turn.
    Pending,
    /// Was running when it was last heard of.
    Running,
    /// Was tried `maxAttempts` times, and is not handed over any more.
    Parked,
}

impl List {
    /// Every list, in the order of the snapshot.
    pub const ALL: [List; 3] = [List::Pending, List::Running, List::Parked];

    /// The letter that stands for it in the journal.
    pub(super) fn letter(self) -> u8 {
        match self {
            List::Pending => b'p',
            List::Running => b'r',
            List::Parked => b'k',
        }
    }

    pub(super) fn of_letter(letter: u8) -> Option<List> {
        List::ALL.into_iter().find(|list| list.letter() == letter)
    }

    /// What a job of the list has as its `state`. A parked one is `pending`: an app may track it again as it is.
    fn state(self) -> &'static [u8] {
        match self {
            List::Running => b"\"running\"",
            List::Pending | List::Parked => b"\"pending\"",
        }
    }
}

/// A job. Cloning it copies no payload.
#[derive(Debug, Clone)]
pub struct Job {
    pub(super) id: JsonId,
    /// The members that recovery never changes, in their order, with commas between them.
    fixed: Arc<[u8]>,
    /// A JSON number.
    pub(super) progress: Arc<[u8]>,
    /// A JSON number.
    pub(super) started_at: Option<Arc<[u8]>>,
    /// How often it was handed over, or put back after its engine's exit.
    pub(super) retries: u32,
    /// JSON cannot hold it: it lives in memory alone.
    pub(super) volatile: bool,
    /// Which change of the state it was changed last with; 0: it is as a folder had it.
    pub(super) change: u64,
    /// Which `track` it came with.
    pub(super) version: u64,
}

/// A job and the list that its `state` names.
pub(super) struct Read {
    pub job: Job,
    pub list: List,
    /// Whether it has every member that a tracked job has: text that merely looks like a job rarely does.
    pub complete: bool,
}

impl Job {
    /// Reads a job; `None` when the text is no JSON object with a string `id` and a string `type`.
    ///
    /// What is missing, or of a wrong type, gets its first value: priority `normal`, progress 0, no retries, and
    /// `now_ms` as the time of its creation.
    pub(super) fn read(text: &[u8], now_ms: u64) -> Option<Read> {
        let (mut id, mut kind, mut state, mut progress, mut started_at, mut retries) =
            (None, None, None, None, None, None);
        let (mut created, mut payload, mut priority) = (false, false, false);
        let mut fixed = Vec::with_capacity(text.len() + 32);
        let good = scan::object_members(text, |key, value| {
            match key {
                b"state" => return state = Some(value),
                b"progress" => return progress = Some(value),
                b"startedAt" => return started_at = Some(value),
                b"retries" => return retries = Some(value),
                b"id" => id = Some(value),
                b"type" => kind = Some(value),
                b"payload" => payload = true,
                b"priority" => priority = true,
                b"createdAt" => created = true,
                _ => {}
            }
            push_member(&mut fixed, key, value);
        });
        let is_text = |raw: &&[u8]| raw.first() == Some(&b'"');
        let id = id.filter(is_text).filter(|_| good)?;
        kind.filter(is_text)?;
        let number = |raw: Option<&[u8]>| {
            raw.filter(|raw| matches!(raw.first(), Some(b'-' | b'0'..=b'9'))).map(Arc::<[u8]>::from)
        };
        let is_running = state == Some(b"\"running\"".as_slice());
        let complete = payload && priority && created && retries.is_some() && progress.is_some();
        if !priority {
            push_member(&mut fixed, b"priority", b"\"normal\"");
        }
        if !created {
            push_member(&mut fixed, b"createdAt", now_ms.to_string().as_bytes());
        }
        // A record of the journal is one line. Outside of strings, where a line break is an escape, it is whitespace.
        let mut from = 0;
        while let Some(found) = memchr2(b'\n', b'\r', &fixed[from..]) {
            from += found;
            fixed[from] = b' ';
        }
        let job = Job {
            id: JsonId::from_raw(id),
            fixed: fixed.into(),
            progress: number(progress).unwrap_or_else(|| Arc::from(b"0".as_slice())),
            started_at: number(started_at),
            retries: retries.map_or(0, whole_number),
            volatile: false,
            change: 0,
            version: 0,
        };
        let complete = complete && (is_running || state == Some(b"\"pending\"".as_slice()));
        Some(Read { job, list: if is_running { List::Running } else { List::Pending }, complete })
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &JsonId {
        &self.id
    }

    /// How often it was handed over, or put back after its engine's exit.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Appends the job as a JSON object, as it is in that list.
    pub fn push(&self, out: &mut Vec<u8>, list: List) {
        self.push_as(out, list.state(), self.retries);
    }

    /// Appends the job as it would be handed over from that list: pending, and a running one with a retry more.
    pub(super) fn push_recoverable(&self, out: &mut Vec<u8>, list: List) {
        let retries = self.retries.saturating_add(u32::from(list == List::Running));
        self.push_as(out, List::Pending.state(), retries);
    }

    fn push_as(&self, out: &mut Vec<u8>, state: &[u8], retries: u32) {
        out.reserve(self.fixed.len() + 96);
        out.push(b'{');
        out.extend_from_slice(&self.fixed);
        push_member(out, b"state", state);
        push_member(out, b"progress", &self.progress);
        if let Some(started_at) = &self.started_at {
            push_member(out, b"startedAt", started_at);
        }
        // Writing into a Vec cannot fail.
        let _ = write!(out, ",\"retries\":{retries}}}");
    }

    /// What tells this job, in this list, from every other text.
    pub(super) fn sum(&self, list: List) -> u64 {
        let mut text = Vec::new();
        self.push(&mut text, list);
        XxHash3_64::oneshot_with_seed(u64::from(list.letter()), &text)
    }
}

fn push_member(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    if !matches!(out.last(), None | Some(b'{')) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(key);
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value);
}

/// A JSON number as a count; 0 for anything else.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN is 0")]
fn whole_number(raw: &[u8]) -> u32 {
    str::from_utf8(raw).ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<(String, List)> {
        let read = Job::read(text.as_bytes(), 7)?;
        let mut out = Vec::new();
        read.job.push(&mut out, read.list);
        Some((String::from_utf8(out).unwrap(), read.list))
    }

    #[test]
    fn what_is_missing_gets_its_first_value_and_extra_fields_are_kept() {
        let (text, list) = shown(r#"{"id":"a","type":"ocr","payload":{"b":[1]},"mine":null}"#).unwrap();
        assert_eq!(list, List::Pending);
        assert_eq!(
            text,
            r#"{"id":"a","type":"ocr","payload":{"b":[1]},"mine":null,"priority":"normal","createdAt":7,"state":"pending","progress":0,"retries":0}"#
        );
    }

    #[test]
    fn what_is_there_stays() {
        let text = r#"{"id":"a","type":"t","payload":1,"priority":"high","createdAt":5,"state":"running","progress":4.5,"startedAt":6,"retries":2}"#;
        assert_eq!(shown(text).unwrap(), (text.to_owned(), List::Running));
    }

    #[test]
    fn wrong_types_of_what_recovery_counts_are_replaced() {
        let text = r#"{"id":"a","type":"t","priority":1,"createdAt":"x","state":7,"progress":"9","startedAt":{},"retries":-1.5}"#;
        let expected = r#"{"id":"a","type":"t","priority":1,"createdAt":"x","state":"pending","progress":0,"retries":0}"#;
        assert_eq!(shown(text).unwrap().0, expected);
    }

    #[test]
    fn without_a_string_id_and_type_it_is_no_job() {
        for text in [
            r#"{"id":1,"type":"t"}"#,
            r#"{"id":"a"}"#,
            r#"{"id":"a","type":null}"#,
            "[]",
            "",
            r#"{"id":"a","type":"t""#,
        ] {
            assert!(shown(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_job_is_one_line_whatever_the_spacing_of_its_text() {
        let (text, _) =
            shown("{\n  \"id\": \"a\",\r\n  \"type\": \"t\",\n  \"payload\": {\n    \"b\": \"c\\n\"\n  }\n}")
                .unwrap();
        assert!(!text.contains(['\n', '\r']) && text.contains(r#""c\n""#), "{text}");
    }

    #[test]
    fn a_running_job_is_handed_over_as_pending_with_a_retry_more() {
        let read = Job::read(br#"{"id":"a","type":"t","state":"running","retries":1}"#, 7).unwrap();
        let mut out = Vec::new();
        read.job.push_recoverable(&mut out, List::Running);
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with(r#""state":"pending","progress":0,"retries":2}"#), "{text}");
    }
}
