//! `recovery-state.json`: the whole state as one JSON text, in the shape that version 1 reads and writes.
//!
//! ```text
//! {"engineVersion":"",
//! "lastHealthCheck":0,
//! "pendingJobs":[
//! {"id":"a",…}
//! ],
//! "runningJobs":[],
//! "parkedJobs":[],
//! "journal":{"generation":7,"sha256":"…"}}
//! ```
//!
//! The sum is the SHA-256 of every byte before `,"sha256":`, in hexadecimal. A file with the right sum is ours as we
//! wrote it. Without one it is ours and damaged, or version 1 has written it anew. The layout tells which: no
//! `JSON.stringify` begins a line with a quote, as all of ours but the jobs do.
//!
//! In a damaged file a fault may be where JSON does not show it. So the journal that goes on from a snapshot has the sums
//! of its jobs, and only what they vouch for is taken out of the damage. Does no I/O.

use std::collections::HashMap;

use memchr::memmem;
use sha2::{Digest, Sha256};

use super::job::{Job, List};
use super::journal;
use super::record::{self, Record};
use super::state::{Picture, State};
use crate::wire::scan::{self, ObjectScan};

const SEAL: &[u8] = b",\"sha256\":\"";
/// The snapshot from which the journal of this generation goes on.
#[must_use]
pub fn render(picture: &Picture, generation: u64) -> Vec<u8> {
    let mut out = b"{\"engineVersion\":\"\",\n\"lastHealthCheck\":".to_vec();
    out.extend_from_slice(picture.healthy_at_ms.to_string().as_bytes());
    for (list, key) in List::ALL.into_iter().zip(KEYS) {
        out.extend_from_slice(format!(",\n\"{key}\":[").as_bytes());
        let mut first = true;
        for job in &picture.lists[list as usize] {
            out.extend_from_slice(if first { b"\n" } else { b",\n" });
            first = false;
            job.push(&mut out, list);
        }
        out.extend_from_slice(if first { b"]" } else { b"\n]" });
    }
    out.extend_from_slice(format!(",\n\"journal\":{{\"generation\":{generation}").as_bytes());
    let sum = hex_sum(&out);
    out.extend_from_slice(SEAL);
    out.extend_from_slice(sum.as_bytes());
    out.extend_from_slice(b"\"}}");
    out
}

const KEYS: [&str; 3] = ["pendingJobs", "runningJobs", "parkedJobs"];

fn hex_sum(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The sums of the jobs that the snapshot would hold.
#[must_use]
pub fn sums(picture: &Picture) -> Vec<u64> {
    let lists = List::ALL.into_iter().zip(&picture.lists);
    lists.flat_map(|(list, jobs)| jobs.iter().map(move |job| job.sum(list))).collect()
}

/// Where a snapshot comes from, and so which journals go on from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Ours: the journals from this generation on.
    Ours(u64),
    /// Version 1: none.
    Version1,
    /// Damaged: all there are.
    Damaged,
    /// Damaged, and version 1 had written it: none.
    DamagedVersion1,
}

/// A snapshot, read.
#[derive(Debug)]
pub struct Reading {
    /// Its jobs.
    pub state: State,
    /// Whose it is.
    pub origin: Origin,
    /// How many of its jobs are none, or belong to nobody: no id, no type.
    pub skipped: usize,
}

/// Reads a snapshot. `journals` are the records of all journals beside it, which vouch for jobs of a damaged one.
#[must_use]
pub fn read<'a>(text: &[u8], journals: impl Iterator<Item = &'a [u8]>, now_ms: u64) -> Reading {
    let is_ours_by_layout = memmem::find(text, b"\n\"").is_some();
    let generation = sealed_generation(text);
    let origin = match generation {
        Some(generation) => Origin::Ours(generation),
        None if is_ours_by_layout => Origin::Damaged,
        None if is_object(text) => Origin::Version1,
        None if text.starts_with(b"{\n ") || text.starts_with(b"{\n\t") => Origin::DamagedVersion1,
        None => Origin::Damaged,
    };
    match origin {
        Origin::Ours(_) | Origin::Version1 => {
            let (state, skipped) = whole(text, now_ms);
            Reading { state, origin, skipped }
        }
        Origin::Damaged | Origin::DamagedVersion1 => {
            let vouched = if is_ours_by_layout { known_sums(journals) } else { None };
            Reading { state: salvaged(text, vouched.as_ref(), is_ours_by_layout, now_ms), origin, skipped: 0 }
        }
    }
}

fn is_object(text: &[u8]) -> bool {
    scan::object_members(text, |_, _| {})
}

/// The generation in the seal of an undamaged snapshot of ours.
fn sealed_generation(text: &[u8]) -> Option<u64> {
    let at = memmem::rfind(text, SEAL)?;
    let (content, seal) = text.split_at(at);
    let sum = seal.strip_prefix(SEAL)?.strip_suffix(b"\"}}")?;
    if sum != hex_sum(content).as_bytes() {
        return None;
    }
    let digits = &content[memmem::rfind(content, b":")? + 1..];
    str::from_utf8(digits).ok()?.parse().ok().filter(|generation| *generation < journal::END)
}

/// The jobs of a good JSON text.
fn whole(text: &[u8], now_ms: u64) -> (State, usize) {
    let mut members: HashMap<Vec<u8>, &[u8]> = HashMap::new();
    scan::object_members(text, |key, value| {
        members.insert(key.to_vec(), value);
    });
    let mut state = State::default();
    let mut skipped = 0;
    for (list, key) in List::ALL.into_iter().zip(KEYS) {
        let items = members.get(key.as_bytes()).and_then(|value| scan::array_items(value));
        for item in items.unwrap_or_default() {
            match Job::read(item, now_ms) {
                Some(read) => state.add(read.job, list),
                None => skipped += 1,
            }
        }
    }
    let healthy_at = members.get(b"lastHealthCheck".as_slice()).and_then(|raw| str::from_utf8(raw).ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN is 0")]
    state.set_healthy(healthy_at.and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) as u64);
    (state, skipped)
}

/// The sums on record, each with its place; `None`: none is.
fn known_sums<'a>(journals: impl Iterator<Item = &'a [u8]>) -> Option<HashMap<u64, usize>> {
    let mut known = None;
    for text in journals.filter(|text| text.first() == Some(&b'S')) {
        if let Some(Record::Sums(sums)) = record::read(text) {
            let known: &mut HashMap<u64, usize> = known.get_or_insert_default();
            for sum in sums {
                let next = known.len();
                known.entry(sum).or_insert(next);
            }
        }
    }
    known
}

/// What can be read of a damaged text: the whole job objects before and behind the fault. A payload may hold what looks
/// like a job, so only what stands where a job stands is looked at.
fn salvaged(
    text: &[u8],
    vouched: Option<&HashMap<u64, usize>>,
    is_ours_by_layout: bool,
    now_ms: u64,
) -> State {
    let places = if is_ours_by_layout { lines(text) } else { items(text) };
    let mut found = Vec::new();
    for read in places.into_iter().filter_map(|place| Job::read(place, now_ms)) {
        let place = match vouched {
            Some(sums) => List::ALL
                .into_iter()
                .find_map(|list| sums.get(&read.job.sum(list)).map(|place| (*place, list))),
            None => read.complete.then_some((found.len(), read.list)),
        };
        if let Some((place, list)) = place {
            found.push((place, list, read.job));
        }
    }
    found.sort_by_key(|(place, ..)| *place);
    let mut state = State::default();
    for (_, list, job) in found {
        state.add(job, list);
    }
    state
}

/// In our layout each job begins a line.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| line.first() == Some(&b'{'));
    let whole = |line| match scan::scan_object(line, 0) {
        ObjectScan::Complete { end, .. } => Some(&line[..end]),
        ObjectScan::Broken { .. } => None,
    };
    lines.filter_map(whole).collect()
}

/// The items of version 1's lists. Up to the fault the brackets tell; behind it the indentation does, where there is one:
/// no string of JSON holds a newline.
fn items(text: &[u8]) -> Vec<&[u8]> {
    // An editor may have left a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    let fault = match text.first() {
        Some(b'{') => match scan::scan_object(text, 0) {
            ObjectScan::Complete { end, .. } => end,
            ObjectScan::Broken { at, .. } => at.min(text.len()),
        },
        _ => 0,
    };
    let (mut found, end) = items_of_good_text(&text[..fault]);
    let Some(indent) = item_indent(text) else { return found };
    let opening = [b"\n", indent.as_slice(), b"{"].concat();
    let closing = [b"\n", indent.as_slice(), b"}"].concat();
    let mut rest = &text[end..];
    while let Some(open) = memmem::find(rest, &opening) {
        rest = &rest[open + opening.len() - 1..];
        let Some(close) = memmem::find(rest, &closing) else { break };
        found.push(&rest[..close + closing.len()]);
        rest = &rest[close..];
    }
    found
}

/// The whole objects two levels deep in the beginning of a JSON text, and where the last of them ends.
fn items_of_good_text(text: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut depth, mut in_string, mut open) = (0, false, 0);
    let (mut found, mut end, mut at) = (Vec::new(), 0, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                if depth == 2 {
                    open = at;
                }
                depth += 1;
            }
            b'}' | b']' if !in_string => {
                depth -= 1;
                if depth == 2 && byte == b'}' {
                    end = at + 1;
                    found.push(&text[open..end]);
                }
            }
            _ => {}
        }
        at += 1;
    }
    (found, end)
}

/// How far `JSON.stringify` with indentation moves the items of the lists: twice as far as the first member.
fn item_indent(text: &[u8]) -> Option<Vec<u8>> {
    let first = text.strip_prefix(b"{\n")?;
    let unit = &first[..first.len() - first.trim_ascii_start().len()];
    (!unit.is_empty()).then(|| unit.repeat(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recovery::record::Records;

    fn state() -> State {
        let mut state = State::default();
        for (id, running) in [("a", false), ("b", true), ("c", false)] {
            // What looks like a job inside of a payload must never come out as one.
            let text = format!(
                r#"{{"id":"{id}","type":"t","payload":{{"id":"no","type":"t","payload":1,"priority":"low","state":"pending","progress":0,"createdAt":1,"retries":0,"text":"\"{{ {id}"}},"priority":"low","createdAt":5}}"#
            );
            assert!(state.track(text.as_bytes(), false, 7));
            state.update(&id_of(id), running, None, 8);
        }
        state
    }

    fn id_of(id: &str) -> crate::wire::id::JsonId {
        crate::wire::id::JsonId::from_raw(format!("\"{id}\"").as_bytes())
    }

    fn all(state: &State) -> Vec<String> {
        let jobs = List::ALL.into_iter().flat_map(|list| state.jobs(list).map(move |job| (job, list)));
        jobs.map(|(job, list)| {
            let mut text = format!("{list:?} ").into_bytes();
            job.push(&mut text, list);
            String::from_utf8_lossy(&text).into_owned()
        })
        .collect()
    }

    fn sums_record(state: &State) -> Records {
        let mut records = Records::default();
        records.sums(&sums(&state.picture()));
        records
    }

    fn read_with(text: &[u8], records: &Records) -> Reading {
        read(text, records.iter(), 9)
    }

    #[test]
    fn what_was_written_is_read() {
        let mut state = state();
        state.healthy(123);
        let text = render(&state.picture(), 7);
        let reading = read_with(&text, &Records::default());
        assert_eq!(reading.origin, Origin::Ours(7));
        assert_eq!(all(&reading.state), all(&state));
        assert_eq!((reading.state.healthy_at_ms(), reading.skipped), (Some(123), 0));
        assert!(scan::is_json_text(&text));
    }

    #[test]
    fn written_anew_by_version_1_it_is_version_1s() {
        let text = String::from_utf8(render(&state().picture(), 7)).unwrap();
        let compact = text.replace('\n', "");
        let reading = read_with(compact.as_bytes(), &Records::default());
        assert_eq!(reading.origin, Origin::Version1);
        assert_eq!(all(&reading.state), all(&state()));
        let torn = format!("{{\n  {}", &compact[1..compact.len() - 9]);
        assert_eq!(read_with(torn.as_bytes(), &Records::default()).origin, Origin::DamagedVersion1);
    }

    #[test]
    fn what_is_no_job_is_skipped_and_counted() {
        let text = br#"{"pendingJobs":[{"id":"a","type":"t"},{"type":"t"},null,{"id":"b"}],"runningJobs":7}"#;
        let reading = read_with(text, &Records::default());
        assert_eq!((reading.state.count(List::Pending), reading.skipped), (1, 3));
    }

    #[test]
    fn any_damage_leaves_the_right_jobs_or_fewer() {
        let state = state();
        let (right, sums) = (all(&state), sums_record(&state));
        let text = render(&state.picture(), 7);
        for at in 0..text.len() {
            for replacement in [text[at] ^ 1, text[at] ^ 0x20, b'"', b'}', b'7', b' '] {
                let mut bytes = text.clone();
                bytes[at] = replacement;
                if bytes == text {
                    continue;
                }
                let reading = read_with(&bytes, &sums);
                assert_eq!(reading.origin, Origin::Damaged, "{at}");
                let found = all(&reading.state);
                assert!(found.iter().all(|job| right.contains(job)), "{at}: {found:?}");
                assert!(found.len() >= 2, "{at}: one fault costs one job at most, {found:?}");
            }
            let reading = read_with(&text[..at], &sums);
            assert!(all(&reading.state).iter().all(|job| right.contains(job)), "cut at {at}");
        }
    }

    #[test]
    fn of_a_damaged_file_of_version_1_only_what_stands_in_its_lists_is_taken() {
        let inner = r#"{"id":"no","type":"t","payload":1,"priority":"low","state":"pending","progress":0,"createdAt":1,"retries":0}"#;
        let job = |id: &str| {
            inner
                .replace(r#""payload":1"#, &format!(r#""payload":[{inner},[{inner}]]"#))
                .replacen("no", id, 1)
        };
        let compact =
            format!(r#"{{"pendingJobs":[{},{}],"runningJobs":[{}]}}"#, job("a"), job("b"), job("c"));
        let mut most = 0;
        for at in 0..compact.len() {
            let mut bytes = compact.clone().into_bytes();
            bytes[at] = 0;
            let reading = read_with(&bytes, &Records::default());
            let found = all(&reading.state);
            assert!(found.iter().all(|job| !job.contains(r#"{"id":"no","type":"t","payload":1,"priority":"low","state":"pending","progress":0,"createdAt":1,"retries":0}"#) || job.contains(r#""payload":["#)), "{at}: {found:?}");
            most = most.max(found.len());
        }
        assert_eq!(most, 3, "a fault behind the jobs costs none");
    }

    #[test]
    fn without_its_sums_what_has_the_shape_of_a_job_is_taken_out_of_the_damage() {
        let text = String::from_utf8(render(&state().picture(), 7)).unwrap();
        let broken = text.replacen(r#"{"id":"b","#, r#"{"id":"b""#, 1);
        let reading = read_with(broken.as_bytes(), &Records::default());
        let expected: Vec<_> =
            all(&state()).into_iter().filter(|job| !job.contains(r#"{"id":"b""#)).collect();
        assert_eq!(all(&reading.state), expected);
    }
}
