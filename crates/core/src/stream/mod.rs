//! What a `StreamHandler` has in the core: who wants which events, and the replay (contract section 6).
//!
//! Engines and managers that it is attached to offer their events; it keeps them and says whether they must reach
//! JavaScript. Its lock is taken last of all, and nothing is done under it that waits.

mod kinds;
mod replay;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

pub use kinds::{Kinds, is_end, number_of};
pub use replay::{BY_HAND, BYTES, EVENT_BYTES, EVENTS_PER_JOB, JOBS, KEPT_AFTER_END, Offer, Replay};

use crate::fault::{Faults, Place, caught};
use crate::timer::{self, Alarm};
use crate::wire::id::JsonId;
use crate::wire::message::JobEventKind;

#[derive(Debug, Default)]
struct Inner {
    replay: Replay,
    /// By job, what its subscriptions want.
    wanted: HashMap<JsonId, Kinds>,
    /// What is wanted of every job.
    heard: Kinds,
    sources: u32,
    /// When the timer rings next.
    armed: Option<Instant>,
}

/// One `StreamHandler`'s.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    inner: Mutex<Inner>,
    faults: Faults,
    me: Weak<Stream>,
}

impl Stream {
    /// One that is attached to nothing.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            id: timer::next_id(),
            inner: Mutex::default(),
            faults: Faults::default(),
            me: me.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A panic was caught: what is kept for replay is let go. Who subscribed is still subscribed.
    pub fn defect(&self) {
        tracing::error!("a defect was caught; kept events are lost");
        let mut inner = self.lock();
        inner.armed = None;
        let kept = std::mem::take(&mut inner.replay);
        caught(|| drop(kept));
    }

    /// For who is at an event of an engine's: what goes wrong here must not end the engine.
    fn enter<R>(&self, act: impl FnOnce(&mut Inner) -> R) -> Option<R> {
        let done = caught(|| {
            let mut inner = self.lock();
            self.faults.visit(Place::Replay);
            act(&mut inner)
        });
        if done.is_none() {
            self.defect();
        }
        done
    }

    /// A number for a new source of events.
    pub fn add_source(&self) -> u32 {
        let mut inner = self.lock();
        inner.sources += 1;
        inner.sources
    }

    /// A source's run is over, or the source is detached.
    pub fn end_run(&self, source: u32, now: Instant) {
        self.enter(|inner| {
            inner.replay.end_run(source, now);
            self.arm(inner);
        });
    }

    /// Keeps an event of a job for replay; whether somebody wants it now.
    pub fn offer(&self, id: &JsonId, offer: &Offer<'_>, now: Instant) -> bool {
        let wanted = self.enter(|inner| {
            inner.replay.record(id, offer, now);
            if is_end(offer.kind) {
                self.arm(inner);
            }
            inner.wants(id, offer.kind)
        });
        wanted.unwrap_or_else(|| self.lock().wants(id, offer.kind))
    }

    /// A job of this id begins.
    pub fn begin(&self, id: &JsonId) {
        self.enter(|inner| inner.replay.begin(id));
    }

    /// What the subscriptions of a job want.
    pub fn want(&self, id: JsonId, kinds: Kinds) {
        let mut inner = self.lock();
        if kinds.is_empty() {
            inner.wanted.remove(&id);
        } else {
            inner.wanted.insert(id, kinds);
        }
    }

    /// What is wanted of every job.
    pub fn set_heard(&self, kinds: Kinds) {
        self.lock().heard = kinds;
    }

    /// See [`Replay::snapshot`].
    #[must_use]
    pub fn snapshot(&self, id: &JsonId, wanted: Kinds) -> Vec<u8> {
        let inner = self.lock();
        self.faults.visit(Place::Export);
        inner.replay.snapshot(id, wanted)
    }

    /// Text that is kept for replay.
    #[must_use]
    pub fn replay_bytes(&self) -> usize {
        self.lock().replay.bytes()
    }

    fn arm(&self, inner: &mut Inner) {
        let Some(at) = inner.replay.next_deadline() else { return };
        if inner.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        let alarm: Arc<dyn Alarm> = me;
        match timer::set(&alarm, at) {
            Ok(()) => inner.armed = Some(at),
            Err(error) => tracing::error!(%error, "the timer thread cannot be started"),
        }
    }
}

impl Inner {
    fn wants(&self, id: &JsonId, kind: JobEventKind) -> bool {
        self.heard.has(kind) || self.wanted.get(id).is_some_and(|kinds| kinds.has(kind))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        timer::forget(self.id);
    }
}

impl Alarm for Stream {
    fn alarm_id(&self) -> u64 {
        self.id
    }

    fn ring(&self, now: Instant) {
        let mut inner = self.lock();
        inner.armed = None;
        self.faults.visit(Place::Timer);
        inner.replay.expire(now);
        self.arm(&mut inner);
    }

    fn ring_failed(&self) {
        self.defect();
    }
}
