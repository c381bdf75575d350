//! stderr as lines, and its tail for the `exit` event. Pure.

/// What `exit` carries of stderr (contract section 3).
const TAIL: usize = 32 * 1024;
/// A longer line is handed on in pieces: stderr has no limit of its own to tell.
const LONGEST: usize = 64 * 1024;

/// Splits stderr into lines and keeps its end.
#[derive(Debug, Default)]
pub struct StderrLines {
    line: Vec<u8>,
    tail: Vec<u8>,
}

impl StderrLines {
    /// More was read.
    pub fn add(&mut self, bytes: &[u8], mut on_line: impl FnMut(&[u8])) {
        self.keep(bytes);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.line.pop();
                self.hand_on(&mut on_line);
            } else if self.line.len() >= LONGEST {
                let rest = self.line.split_off(character_end(&self.line));
                self.hand_on(&mut on_line);
                self.line = rest;
            }
        }
    }

    /// The end: what stands without a newline is a line too.
    pub fn finish(&mut self, mut on_line: impl FnMut(&[u8])) {
        if !self.line.is_empty() {
            self.hand_on(&mut on_line);
        }
    }

    /// The last 32 KiB, from a whole character on.
    #[must_use]
    pub fn tail(&self) -> String {
        let start = self.tail.len().saturating_sub(TAIL);
        let start = (start..self.tail.len())
            .find(|at| !is_continuation(self.tail[*at]) || at - start >= 4)
            .unwrap_or(self.tail.len());
        String::from_utf8_lossy(&self.tail[start..]).into_owned()
    }

    fn hand_on(&mut self, on_line: &mut impl FnMut(&[u8])) {
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        on_line(&self.line);
        self.line.clear();
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        // Twice the size before it is cut: each byte is moved once at most.
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Where to cut so that no character is split; the whole length when there is none in sight.
fn character_end(bytes: &[u8]) -> usize {
    let last_start =
        (bytes.len().saturating_sub(4)..bytes.len()).rev().find(|at| !is_continuation(bytes[*at]));
    match last_start {
        Some(at) if bytes[at] >= 0xC0 => at,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = StderrLines::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.add(chunk, |line| seen.push(String::from_utf8_lossy(line).into_owned()));
        }
        lines.finish(|line| seen.push(String::from_utf8_lossy(line).into_owned()));
        seen
    }

    #[test]
    fn lines_survive_any_cut() {
        let text = "one\r\ntwo ü\n\nlast".as_bytes();
        for cut in 0..=text.len() {
            assert_eq!(lines_of(&[&text[..cut], &text[cut..]]), ["one", "two ü", "", "last"]);
        }
    }

    #[test]
    fn a_line_without_end_comes_in_pieces_of_whole_characters() {
        let text = "ü".repeat(100_000);
        let pieces = lines_of(&text.as_bytes().chunks(8191).collect::<Vec<_>>());
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| !piece.contains('\u{FFFD}')));
        assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn the_tail_is_the_last_32_kib() {
        let mut lines = StderrLines::default();
        for number in 0..20_000 {
            lines.add(format!("{number}\n").as_bytes(), |_| {});
        }
        let tail = lines.tail();
        assert!(tail.ends_with("19998\n19999\n"));
        assert_eq!(tail.len(), TAIL);
    }
}
