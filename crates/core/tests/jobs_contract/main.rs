//! Contract section 4, line by line, against the queue alone.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "the queue takes instants, and one must come from somewhere")]

mod bench;
mod bounds;
mod cancel;
mod events;
mod order;
mod queue_limits;
mod recovery;
mod retry;
mod status;
mod timeout;
