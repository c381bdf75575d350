//! Cuts the engine's output into lines. Owns the unfinished tail; does no I/O and knows no JSON.
//!
//! Each byte is examined once, however the reads were cut. Bytes are moved only when at least as many were read or
//! consumed since the last move, so no size of line makes the work quadratic (contract section 2). No more memory is held
//! than the longest line takes, and one read.

use std::ops::Range;

use memchr::memchr;

/// A buffer above this is given back once the line that needed it is gone.
const KEPT_BYTES: usize = 1 << 20;

/// What the framer found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A line without its `\n`, or without its `\r\n`.
    Line(&'a [u8]),
    /// The same of a line that is so long that the buffer would be given back behind it. It comes with the buffer: whoever
    /// passes it on need not copy it.
    Giant(Vec<u8>),
    /// A line that passed the limit. What follows of it is dropped, up to its newline.
    TooLong {
        /// Its first bytes, as many as the limit allows.
        head: &'a [u8],
    },
}

/// Cuts a stream of bytes into lines: read into `spare`, tell how much with `filled`, take `next` until it is `None`.
#[derive(Debug)]
pub struct Framer {
    /// The bytes read and not yet consumed are `start..end`. Grows in place, up to its capacity as reads ask for it:
    /// memory that no read has touched yet costs nothing.
    buffer: Vec<u8>,
    start: usize,
    /// No newline lies in `start..examined`.
    examined: usize,
    end: usize,
    max_message_bytes: usize,
    /// The rest of a line that was too long is being dropped.
    dropping: bool,
}

/// A frame by its place in the buffer.
enum Found {
    Line(Range<usize>),
    TooLong(Range<usize>),
}

impl Framer {
    /// A framer at the beginning of a stream. The limit counts a line's bytes before its `\n`; `None` is no limit.
    #[must_use]
    pub fn new(max_message_bytes: Option<usize>) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            examined: 0,
            end: 0,
            max_message_bytes: max_message_bytes.unwrap_or(usize::MAX),
            dropping: false,
        }
    }

    /// Room for the next read, of `at_least` bytes. Holds old bytes: only what `filled` names counts.
    pub fn spare(&mut self, at_least: usize) -> &mut [u8] {
        if self.buffer.len() - self.end < at_least {
            self.make_room(at_least);
        }
        &mut self.buffer[self.end..]
    }

    /// The first `n` bytes of the spare room were read.
    ///
    /// # Panics
    /// When the spare room is smaller than `n`.
    pub fn filled(&mut self, n: usize) {
        assert!(n <= self.buffer.len() - self.end, "more bytes than there was room for");
        self.end += n;
    }

    /// The next frame; `None` when it needs more bytes.
    #[expect(clippy::should_implement_trait, reason = "a frame borrows the buffer, which no Iterator allows")]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        let found = self.find()?;
        Some(self.frame(found))
    }

    /// The frames that are left when the stream has ended: at last the line without a newline, once.
    pub fn finish(&mut self) -> Option<Frame<'_>> {
        let found = self.find().or_else(|| {
            let rest = self.start..self.end;
            self.start = self.end;
            self.examined = self.end;
            (!rest.is_empty()).then_some(Found::Line(rest))
        })?;
        Some(self.frame(found))
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    fn find(&mut self) -> Option<Found> {
        if self.dropping && !self.drop_to_newline() {
            self.tidy();
            return None;
        }
        // One byte past the limit decides: it is the newline, or the line is too long.
        let window = self.start.saturating_add(self.max_message_bytes).saturating_add(1).min(self.end);
        if let Some(length) = memchr(b'\n', &self.buffer[self.examined..window]) {
            let newline = self.examined + length;
            let line = self.start..newline;
            self.consume(newline + 1);
            return Some(Found::Line(line));
        }
        self.examined = window;
        if window - self.start > self.max_message_bytes {
            let head = self.start..self.start + self.max_message_bytes;
            self.consume(head.end);
            self.dropping = true;
            return Some(Found::TooLong(head));
        }
        self.tidy();
        None
    }

    fn frame(&mut self, found: Found) -> Frame<'_> {
        match found {
            // What follows moves; as that is less than the line, the work stays linear.
            Found::Line(range)
                if range.len() > KEPT_BYTES && range.start == 0 && self.end - self.start < range.len() =>
            {
                Frame::Giant(self.give_away(range.end))
            }
            Found::Line(range) => {
                let line = &self.buffer[range];
                Frame::Line(line.strip_suffix(b"\r").unwrap_or(line))
            }
            Found::TooLong(range) => Frame::TooLong { head: &self.buffer[range] },
        }
    }

    /// The buffer, up to the end of the line that begins it. What is behind the line begins a new one.
    fn give_away(&mut self, end: usize) -> Vec<u8> {
        let rest = self.buffer[self.start..self.end].to_vec();
        self.rebase(rest.len());
        let mut line = std::mem::replace(&mut self.buffer, rest);
        line.truncate(end);
        line.pop_if(|last| *last == b'\r');
        line
    }

    fn consume(&mut self, to: usize) {
        self.start = to;
        self.examined = to;
    }

    /// Whether the newline that ends the dropped line has come.
    fn drop_to_newline(&mut self) -> bool {
        let newline = memchr(b'\n', &self.buffer[self.start..self.end]);
        self.dropping = newline.is_none();
        self.consume(newline.map_or(self.end, |length| self.start + length + 1));
        !self.dropping
    }

    /// Gives memory back that only a giant line needed.
    fn tidy(&mut self) {
        let tail = self.end - self.start;
        if tail == 0 {
            self.consume(0);
            self.end = 0;
            if self.buffer.capacity() > KEPT_BYTES {
                self.buffer = Vec::new();
            }
        } else if self.start > 0 && self.buffer.capacity() > KEPT_BYTES && tail <= self.buffer.capacity() / 4
        {
            let mut buffer = Vec::with_capacity(tail * 2);
            buffer.extend_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = buffer;
            self.rebase(tail);
        }
    }

    fn make_room(&mut self, at_least: usize) {
        let tail = self.end - self.start;
        let needed = tail + at_least;
        if self.end + at_least > self.buffer.capacity() {
            let fits = needed <= self.buffer.capacity() && tail <= self.start;
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.rebase(tail);
            }
            if !fits {
                // Twice what is needed: the next move comes after as many bytes again. Past the limit none comes: a line
                // that is moved then is told or dropped before it could be moved again.
                let longest = self.max_message_bytes.saturating_add(1).saturating_add(at_least);
                let room = if tail == 0 { at_least } else { (needed * 2).min(longest.max(needed)) };
                self.buffer.reserve_exact(room.saturating_sub(self.buffer.len()));
            }
        }
        if self.buffer.len() < self.end + at_least {
            self.buffer.resize(self.end + at_least, 0);
        }
    }

    /// The tail now begins the buffer.
    fn rebase(&mut self, tail: usize) {
        self.examined -= self.start;
        self.start = 0;
        self.end = tail;
    }
}
