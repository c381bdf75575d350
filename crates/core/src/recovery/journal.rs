//! The journal as bytes. A file is a header line and then one line a record: its length, its checksum, its text.
//!
//! ```text
//! desktop-runtime recovery journal 1 7
//! 0000002e 51b4c1f0a7e2d903 Jp{"id":"a",…}
//! ```
//!
//! The length is eight hexadecimal digits, the checksum sixteen: XXH3 of the text, seeded with the journal's generation,
//! so that a record of another journal is none of this one. A text has no line break, so behind a fault the next line
//! can be read again. Does no I/O.

use memchr::memchr;
use twox_hash::XxHash3_64;

use super::record::Records;

/// No generation is that high: JavaScript has no whole numbers beyond.
pub const END: u64 = 1 << 53;
const LENGTH: usize = 8;
const SUM: usize = 16;
/// From the start of a line to its text.
const PREFIX: usize = LENGTH + 1 + SUM + 1;

/// The first line of the journal of that generation.
#[must_use]
pub fn header(generation: u64) -> Vec<u8> {
    format!("desktop-runtime recovery journal 1 {generation}\n").into_bytes()
}

/// Appends the records as lines of the journal of that generation.
pub fn push_lines(out: &mut Vec<u8>, generation: u64, records: &Records) {
    out.reserve(records.len() + PREFIX + 1);
    for text in records.iter() {
        let sum = XxHash3_64::oneshot_with_seed(generation, text);
        push_hexadecimal(out, text.len() as u64, LENGTH);
        push_hexadecimal(out, sum, SUM);
        out.extend_from_slice(text);
        out.push(b'\n');
    }
}

/// Appends the last digits of a number and a space. By hand: it is done on the event loop, for each change, and the
/// machinery of formatting costs as much as all the rest of a line.
fn push_hexadecimal(out: &mut Vec<u8>, number: u64, digits: usize) {
    let shifts = (0..digits).rev().map(|digit| 4 * digit);
    out.extend(shifts.map(|shift| b"0123456789abcdef"[(number >> shift & 0xf) as usize]));
    out.push(b' ');
}

/// A journal, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading<'a> {
    /// The texts of the good records, in order.
    pub records: Vec<&'a [u8]>,
    /// Something in it is neither a good record nor a last one that was not written to its end.
    pub damaged: bool,
}

/// Reads a journal of that generation.
#[must_use]
pub fn read(bytes: &[u8], generation: u64) -> Reading<'_> {
    let header = header(generation);
    let mut reading = Reading::default();
    let mut at = match bytes.strip_prefix(header.as_slice()) {
        Some(_) => header.len(),
        None if header.starts_with(bytes) => return reading,
        None => 0,
    };
    reading.damaged = at == 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if let Some(text) = text_of(rest, generation) {
            reading.records.push(text);
            at += PREFIX + text.len();
            match bytes.get(at) {
                Some(b'\n') => at += 1,
                Some(_) => {
                    // The record is good, the line break behind it is not.
                    reading.damaged = true;
                    at += 1;
                }
                None => {}
            }
            continue;
        }
        match memchr(b'\n', rest) {
            Some(end) => {
                reading.damaged = true;
                at += end + 1;
            }
            // The last record was being written when the process ended.
            None => break,
        }
    }
    reading
}

/// The text of the record whose line begins here.
fn text_of(line: &[u8], generation: u64) -> Option<&[u8]> {
    let prefix = line.get(..PREFIX)?;
    if prefix[LENGTH] != b' ' || prefix[PREFIX - 1] != b' ' {
        return None;
    }
    let hex = |digits: &[u8]| u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    let length = usize::try_from(hex(&prefix[..LENGTH])?).ok()?;
    let text = line.get(PREFIX..PREFIX.checked_add(length)?)?;
    let sum = hex(&prefix[LENGTH + 1..PREFIX - 1])?;
    // Before the sum: lines that all claim to be long must not each have the rest of the file summed up.
    if memchr(b'\n', text).is_some() {
        return None;
    }
    (sum == XxHash3_64::oneshot_with_seed(generation, text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(generation: u64, ids: &[&str]) -> Vec<u8> {
        let mut records = Records::default();
        for id in ids {
            records.remove(&format!("\"{id}\""));
        }
        let mut bytes = header(generation);
        push_lines(&mut bytes, generation, &records);
        bytes
    }

    fn ids(reading: &Reading<'_>) -> Vec<String> {
        reading.records.iter().map(|text| String::from_utf8_lossy(&text[1..]).replace('"', "")).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = journal(7, &["a", "b", "c"]);
        let reading = read(&bytes, 7);
        assert_eq!((ids(&reading).join(""), reading.damaged), ("abc".into(), false));
    }

    #[test]
    fn a_record_of_another_generation_is_none() {
        let reading_of_other = read(&journal(8, &["a"]), 7).records.len();
        assert_eq!(reading_of_other, 0);
    }

    #[test]
    fn a_torn_tail_is_cut_silently_wherever_it_is_torn() {
        let whole = journal(7, &["a", "b", "cc"]);
        let before_last = journal(7, &["a", "b"]).len();
        for cut in 0..whole.len() {
            let reading = read(&whole[..cut], 7);
            assert!(!reading.damaged, "cut at {cut}");
            assert!(reading.records.len() <= 3);
            if cut >= before_last && cut < whole.len() - 1 {
                assert_eq!(ids(&reading), ["a", "b"]);
            }
        }
    }

    #[test]
    fn behind_a_fault_the_next_line_counts_again() {
        let whole = journal(7, &["a", "b", "c"]);
        let first = journal(7, &["a"]).len();
        let second = journal(7, &["a", "b"]).len();
        for at in first..second - 1 {
            for flip in [1, 0x80, b'\n' ^ whole[at]] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let reading = read(&bytes, 7);
                assert_eq!((ids(&reading).join(""), reading.damaged), ("ac".into(), true), "{at} ^ {flip}");
            }
        }
    }

    #[test]
    fn a_line_break_that_is_none_costs_no_record() {
        let mut bytes = journal(7, &["a", "b"]);
        let end = journal(7, &["a"]).len() - 1;
        bytes[end] = b'x';
        let reading = read(&bytes, 7);
        assert_eq!((ids(&reading).join(""), reading.damaged), ("ab".into(), true));
    }

    #[test]
    fn a_record_ends_with_its_line_whatever_length_it_claims() {
        let text = b"C\nC";
        let sum = XxHash3_64::oneshot_with_seed(7, text);
        let forged = [&header(7)[..], format!("{:08x} {sum:016x} C\nC\n", text.len()).as_bytes()].concat();
        assert_eq!(read(&forged, 7), Reading { records: vec![], damaged: true });
    }

    #[test]
    fn a_damaged_header_costs_no_record() {
        let mut bytes = journal(7, &["a", "b"]);
        bytes[3] ^= 1;
        let reading = read(&bytes, 7);
        assert_eq!((ids(&reading).join(""), reading.damaged), ("ab".into(), true));
    }
}
