//! Lines of a stream (contract section 2), naive: the whole stream is there.

use desktop_runtime_core::wire::framer::{Frame, Framer};

/// A frame that owns its bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Whole(Vec<u8>),
    TooLong(Vec<u8>),
}

impl From<Frame<'_>> for Line {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Line(line) => Line::Whole(line.to_vec()),
            Frame::Giant(line) => Line::Whole(line),
            Frame::TooLong { head } => Line::TooLong(head.to_vec()),
        }
    }
}

/// The lines of a stream.
pub fn lines(stream: &[u8], most: Option<usize>) -> Vec<Line> {
    let line = |piece: &[u8]| {
        let body = piece.strip_suffix(b"\n").unwrap_or(piece);
        match most {
            Some(most) if body.len() > most => Line::TooLong(body[..most].to_vec()),
            _ => Line::Whole(body.strip_suffix(b"\r").unwrap_or(body).to_vec()),
        }
    };
    stream.split_inclusive(|byte| *byte == b'\n').map(line).collect()
}

/// What the framer makes of a stream that comes in these pieces. Its memory stays within what one line needs.
pub fn framed<'a>(pieces: impl Iterator<Item = &'a [u8]>, most: Option<usize>, room: usize) -> Vec<Line> {
    let mut framer = Framer::new(most);
    let mut found = Vec::new();
    let mut longest = 0;
    for piece in pieces {
        let room = room.max(piece.len());
        longest = longest.max(room);
        let spare = framer.spare(room);
        assert!(spare.len() >= room);
        spare[..piece.len()].copy_from_slice(piece);
        framer.filled(piece.len());
        while let Some(frame) = framer.next() {
            found.push(frame.into());
        }
        if let Some(most) = most {
            assert!(framer.capacity() <= 2 * (most + longest), "{} bytes are held", framer.capacity());
        }
    }
    while let Some(frame) = framer.finish() {
        found.push(frame.into());
    }
    found
}
