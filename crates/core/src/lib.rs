//! Everything of the runtime that is not JavaScript.

pub mod clock;
pub mod jobs;
pub mod wire;
