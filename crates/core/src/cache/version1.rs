//! The files of version 1: found, read and removed, never written. Only names of its pattern are touched.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cache::record::{JSON, Record, UNDEFINED};
use crate::cache::{Key, key};
use crate::sys;
use crate::wire::scan;

/// The longest file that is read: V8 takes no longer text.
const LONGEST: u64 = 500_000_000;

/// The part of a file's name that shows its key, when the name is one of version 1's.
fn shown_part(name: &str) -> Option<&str> {
    let (shown, hash) = name.strip_suffix(".json")?.rsplit_once('-')?;
    let is_shown = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_hash = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits =
        shown.len() <= 64 && shown.bytes().all(is_shown) && hash.len() == 16 && hash.bytes().all(is_hash);
    fits.then_some(shown)
}

/// The names of the files that a `clear` of this prefix is about. They do not hold their key: the replaced prefix is
/// compared, so a neighbour may be among them, and nothing is missing.
pub fn list(folder: &Path, prefix: Option<&Key>) -> io::Result<Vec<String>> {
    let prefix = prefix.map(key::Key::shown_part).unwrap_or_default();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if shown_part(&name).is_some_and(|shown| shown.starts_with(&prefix)) && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    Ok(names)
}

/// How old a folder's time of change must be to say that nothing was added since: file systems count in steps, some of
/// two seconds; those that know parts of a second, in steps of the kernel's clock.
fn settles_in(changed_at: SystemTime) -> Duration {
    let since = changed_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    if since.subsec_nanos() == 0 { Duration::from_secs(3) } else { Duration::from_millis(100) }
}

/// Entries of a folder that are looked at before version 1's are assumed to be among them.
const FEW: usize = 64;

/// Whether a folder has files of version 1 at all: most have none, and need not be asked for each key.
#[derive(Debug, Default)]
pub struct Presence {
    known: Option<(SystemTime, bool)>,
}

impl Presence {
    /// Looks at the folder, at its entries only when they may have changed.
    pub fn look(&mut self, folder: &Path, now: SystemTime) -> bool {
        let Ok(changed_at) = fs::metadata(folder).and_then(|metadata| metadata.modified()) else {
            return true;
        };
        if let Some((at, any)) = self.known
            && at == changed_at
        {
            return any;
        }
        let any = has_any(folder).unwrap_or(true);
        let settled = now.duration_since(changed_at).is_ok_and(|age| age > settles_in(changed_at));
        self.known = settled.then_some((changed_at, any));
        any
    }
}

fn has_any(folder: &Path) -> io::Result<bool> {
    for (number, entry) in fs::read_dir(folder)?.enumerate() {
        if number == FEW || entry?.file_name().to_str().is_some_and(|name| shown_part(name).is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The entry in the file of that name; `None` when there is no such file, or no entry that can be read in it.
pub fn read(folder: &Path, name: &str) -> Option<Record> {
    let file = sys::open_to_read(&folder.join(name)).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        return None;
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    parse(&text)
}

/// The entry that the text of a file of version 1 is; `None` when it is none.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Record> {
    if !scan::is_json_text(text) {
        return None;
    }
    let [value, expires_at, created_at] = scan::object_fields(text, ["value", "expiresAt", "createdAt"]);
    let expires_at = match expires_at {
        None | Some(b"null") => None,
        Some(raw) => Some(moment(raw)?),
    };
    let created_at = moment(created_at?)?;
    let kind = if value.is_some() { JSON } else { UNDEFINED };
    // What is no UTF-8 reads as U+FFFD, as in version 1.
    let value = value.map(|raw| String::from_utf8_lossy(raw).into_owned().into_bytes()).unwrap_or_default();
    Some(Record { kind, value, expires_at, created_at })
}

/// A JSON number as a moment. Fractions of a millisecond are over when the whole one is.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and a moment out of range is as far as any")]
fn moment(raw: &[u8]) -> Option<i64> {
    let number: f64 = str::from_utf8(raw).ok()?.parse().ok()?;
    number.is_finite().then_some(number.ceil() as i64)
}

/// Removes a file. Says whether none of that name is left; a folder of that name is none.
pub fn remove(folder: &Path, name: &str) -> bool {
    fs::remove_file(folder.join(name)).is_ok() || !exists(folder, name)
}

/// Whether there is a file of that name.
pub fn exists(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok_and(|metadata| !metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_pattern_and_no_others() {
        for name in ["a-0123456789abcdef.json", "-0123456789abcdef.json", "a-b_-0123456789abcdef.json"] {
            assert!(shown_part(name).is_some(), "{name}");
        }
        let long = format!("{}-0123456789abcdef.json", "x".repeat(65));
        for name in [
            "package.json",
            "0123456789abcdef.json",
            "a-0123456789ABCDEF.json",
            "a-0123456789abcde.json",
            "a.b-0123456789abcdef.json",
            "a-0123456789abcdef.json.tmp",
            &long,
        ] {
            assert!(shown_part(name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_is_in_a_file() {
        let record = parse(br#" {"value":{"a":[1, "\ud83d"]},"expiresAt":1.5,"createdAt":7} "#).unwrap();
        assert_eq!(record.value, br#"{"a":[1, "\ud83d"]}"#);
        assert_eq!((record.kind, record.expires_at, record.created_at), (JSON, Some(2), 7));
        let record = parse(br#"{"expiresAt":null,"createdAt":7}"#).unwrap();
        assert_eq!((record.kind, record.expires_at), (UNDEFINED, None));
        for damaged in [
            "",
            "{",
            "null",
            "[]",
            "{}",
            r#"{"value":1,"expiresAt":null,"createdAt":7"#,
            r#"{"value":1,"expiresAt":null,"createdAt":7}x"#,
            r#"{"value":1,"expiresAt":"soon","createdAt":7}"#,
            r#"{"value":1,"expiresAt":null,"createdAt":null}"#,
            r#"{"value":nul,"expiresAt":null,"createdAt":7}"#,
        ] {
            assert_eq!(parse(damaged.as_bytes()), None, "{damaged}");
        }
    }
}
