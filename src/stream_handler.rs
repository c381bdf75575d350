//! `StreamHandler`'s native half.

use std::sync::Arc;

use desktop_runtime_core::clock;
use desktop_runtime_core::stream::{Kinds, Offer, Stream};
use desktop_runtime_core::wire::id::JsonId;
use napi::bindgen_prelude::Result;
use napi_derive::napi;

use crate::engine_client::{NativeEngine, number};
use crate::held::{self, Held};
use crate::job_manager::NativeJobs;
use crate::text::Text;

/// Job ids are JSON texts, types of events are bits.
#[napi]
pub struct NativeStream {
    stream: Held<Arc<Stream>>,
}

#[napi]
impl NativeStream {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self { stream: Held::new(Stream::new()) }
    }

    /// Returns the number of the source.
    #[napi(catch_unwind)]
    pub fn attach_engine(&self, engine: &NativeEngine) -> u32 {
        engine.engine().attach_stream(&self.stream)
    }

    #[napi(catch_unwind)]
    pub fn detach_engine(&self, engine: &NativeEngine, source: u32) {
        engine.engine().detach_stream(&self.stream, source);
    }

    /// Returns the number of the source.
    #[napi(catch_unwind)]
    pub fn attach_jobs(&self, jobs: &NativeJobs) -> u32 {
        jobs.manager().attach_stream(&self.stream)
    }

    #[napi(catch_unwind)]
    pub fn detach_jobs(&self, jobs: &NativeJobs, source: u32) {
        jobs.manager().detach_stream(&self.stream, source);
    }

    /// What the subscriptions of a job want.
    #[napi(catch_unwind)]
    pub fn want(&self, job_id: String, kinds: u32) {
        self.stream.want(JsonId::from_raw(job_id.as_bytes()), Kinds::from_bits(kinds));
    }

    /// What is wanted of every job.
    #[napi(catch_unwind)]
    pub fn set_heard(&self, kinds: u32) {
        self.stream.set_heard(Kinds::from_bits(kinds));
    }

    /// The number of a source whose events come through JavaScript.
    #[napi(catch_unwind)]
    pub fn add_source(&self) -> u32 {
        self.stream.add_source()
    }

    /// A run of such a source is over.
    #[napi(catch_unwind)]
    pub fn end_run(&self, source: u32) {
        self.stream.end_run(source, clock::now().instant);
    }

    /// Keeps an event that came through JavaScript; `source` 0: the app's own.
    #[napi(catch_unwind)]
    pub fn record(&self, job_id: String, kind: u32, event: String, source: u32, run: u32) {
        let kind = Kinds::from_bits(kind).kind();
        let pieces: [&[u8]; 1] = [event.as_bytes()];
        let offer = Offer { source, run: u64::from(run), sequence: 0, kind, pieces: &pieces };
        self.stream.offer(&JsonId::from_raw(job_id.as_bytes()), &offer, clock::now().instant);
    }

    /// The kept events of a job: the JSON text of `[[source, reach, …], [source, number, …], [event, …]]`.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn snapshot(&self, job_id: String, kinds: u32) -> Text {
        Text(self.stream.snapshot(&JsonId::from_raw(job_id.as_bytes()), Kinds::from_bits(kinds)))
    }

    /// Bytes of text that are kept.
    #[napi(catch_unwind)]
    pub fn replay_bytes(&self) -> f64 {
        number(self.stream.replay_bytes() as u64)
    }

    /// A panic was caught in a method of this object: its state is made anew.
    #[napi(catch_unwind)]
    pub fn panicked(&self) {
        self.stream.defect();
    }

    /// For tests: the next `times` visits of a place panic.
    #[napi(catch_unwind, skip_typescript)]
    pub fn fault(&self, place: String, times: u32) -> Result<()> {
        self.stream.faults().ask(held::place(&place)?, times);
        Ok(())
    }
}
