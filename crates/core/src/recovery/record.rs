//! Changes of the state as texts of the journal: one record a change, each without a line break.
//!
//! A record says what is so from here on, never by how much it changed. So a journal that is replayed over a state which
//! has some of its records already ends in the same state.

use super::job::{Job, List};
use crate::wire::scan;

/// Records that the journal does not have yet.
#[derive(Debug, Default, Clone)]
pub struct Records {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Their size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        // One large job must not keep its memory for ever.
        self.text.shrink_to(64 * 1024);
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied()).map(|(start, end)| &self.text[start..end])
    }

    /// Puts earlier records in front.
    pub fn prepend(&mut self, mut earlier: Records) {
        let before = earlier.text.len();
        earlier.text.extend_from_slice(&self.text);
        earlier.ends.extend(self.ends.iter().map(|end| end + before));
        *self = earlier;
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    /// The whole job, in this list.
    pub(super) fn put(&mut self, job: &Job, list: List) {
        self.text.extend([b'J', list.letter()]);
        job.push(&mut self.text, list);
        self.end();
    }

    /// What recovery changes of a job.
    pub(super) fn update(&mut self, job: &Job, list: List) {
        self.text.extend([b'U', list.letter()]);
        self.text.extend_from_slice(job.retries.to_string().as_bytes());
        self.text.push(b' ');
        self.text.extend_from_slice(&job.progress);
        self.text.push(b' ');
        self.text.extend_from_slice(job.started_at.as_deref().unwrap_or(b"-"));
        self.text.push(b' ');
        self.text.extend_from_slice(job.id.to_json().as_bytes());
        self.end();
    }

    /// The job has left the state. `id_json` is its canonical spelling.
    pub(super) fn remove(&mut self, id_json: &str) {
        self.text.push(b'D');
        self.text.extend_from_slice(id_json.as_bytes());
        self.end();
    }

    /// All jobs have left the state.
    pub(super) fn clear_all(&mut self) {
        self.text.push(b'C');
        self.end();
    }

    /// The engine was ready then.
    pub(super) fn healthy(&mut self, at_ms: u64) {
        self.text.push(b'R');
        self.text.extend_from_slice(at_ms.to_string().as_bytes());
        self.end();
    }

    /// The sums of the jobs in the snapshot that this journal goes on from.
    pub fn sums(&mut self, sums: &[u64]) {
        self.text.push(b'S');
        for sum in sums {
            self.text.extend_from_slice(format!("{sum:016x}").as_bytes());
        }
        self.end();
    }
}

/// A record, read.
pub(super) enum Record<'a> {
    Put { list: List, job: &'a [u8] },
    Update { list: List, retries: u32, progress: &'a [u8], started_at: Option<&'a [u8]>, id: &'a [u8] },
    Remove { id: &'a [u8] },
    Clear,
    Healthy { at_ms: u64 },
    Sums(Vec<u64>),
}

/// Reads a record; `None` when it is none of ours.
pub(super) fn read(text: &[u8]) -> Option<Record<'_>> {
    let (&kind, rest) = text.split_first()?;
    Some(match kind {
        b'J' => {
            let (&letter, job) = rest.split_first()?;
            Record::Put { list: List::of_letter(letter)?, job }
        }
        b'U' => {
            let (&letter, rest) = rest.split_first()?;
            let mut parts = rest.splitn(4, |&byte| byte == b' ');
            let mut part = || parts.next();
            let (retries, progress, started_at, id) = (part()?, part()?, part()?, part()?);
            Record::Update {
                list: List::of_letter(letter)?,
                retries: str::from_utf8(retries).ok()?.parse().ok()?,
                progress: number(progress)?,
                started_at: if started_at == b"-" { None } else { Some(number(started_at)?) },
                id,
            }
        }
        b'D' => Record::Remove { id: rest },
        b'C' => Record::Clear,
        b'R' => Record::Healthy { at_ms: str::from_utf8(rest).ok()?.parse().ok()? },
        b'S' => {
            let (sums, tail) = rest.as_chunks::<16>();
            if !tail.is_empty() {
                return None;
            }
            let sum = |digits: &[u8; 16]| u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
            Record::Sums(sums.iter().map(sum).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// A JSON number without whitespace. Whoever may write in the folder can make a record with a right checksum, and what it
/// says becomes a part of texts that must stay JSON.
fn number(raw: &[u8]) -> Option<&[u8]> {
    let begins = matches!(raw.first(), Some(b'-' | b'0'..=b'9'));
    let ends = raw.last().is_some_and(u8::is_ascii_digit);
    (begins && ends && scan::is_json_text(raw)).then_some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_with_anything_but_numbers_is_no_record() {
        for good in ["Ur3 50 7 \"a\"", "Up0 -1.5e+2 - \"a\"", "Uk4294967295 0 0.5 \"a\""] {
            assert!(read(good.as_bytes()).is_some(), "{good}");
        }
        for forged in [
            "Ur3 } 7 \"a\"",
            "Ur3 50 ] \"a\"",
            "Ur3 50  \"a\"",
            "Ur3 null 7 \"a\"",
            "Ur3 5,0 7 \"a\"",
            "Ur3 5\r 7 \"a\"",
            "Ur3 05 7 \"a\"",
            "Ur3 50 -- \"a\"",
            "Ur-1 50 7 \"a\"",
        ] {
            assert!(read(forged.as_bytes()).is_none(), "{forged}");
        }
    }
}
