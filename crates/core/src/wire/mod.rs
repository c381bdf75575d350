//! The wire: bytes from an engine in, messages out; requests out as one ASCII line each (contract section 2).
//!
//! Pure: no I/O, no clock, no JSON tree. Payloads stay text.

pub mod framer;
mod grammar;
pub mod id;
pub mod message;
pub mod request;
pub mod scan;
mod string;
