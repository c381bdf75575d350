//! The addon: translates between JavaScript and `desktop-runtime-core`. No rule of the contract lives here.
//!
//! Numbers, booleans, strings and flat options cross; payloads cross as JSON text that V8 writes and reads.

mod cache_manager;
mod crash_recovery;
mod engine_client;
mod held;
mod job_manager;
mod log;
mod port;
mod stream_handler;
mod text;

#[napi_derive::module_init]
fn init() {
    log::init();
}
