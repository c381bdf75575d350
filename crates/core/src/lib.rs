//! Everything of the runtime that is not JavaScript.

pub mod wire;
