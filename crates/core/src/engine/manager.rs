//! A job manager's handle: a queue at an engine of ours, or one that stands alone before an engine in JavaScript.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use crate::clock::{self, Now};
use crate::delivery::{Batch, Delivery, Op, Value};
use crate::engine::attached::{AttachedQueue, HeardJobs, Native};
use crate::engine::engine::Engine;
use crate::engine::job_streams::Attachment;
use crate::fault::{Faults, Place, caught, insisted};
use crate::jobs::{
    CancelReply, Config, Data, EngineEvent, Input, JobKey, JobQueue, Names, NewJob, Path, Refused,
};
use crate::stream::Stream;
use crate::timer::{self, Alarm};
use crate::wire::id::JsonId;

#[derive(Debug)]
enum Stand {
    AtEngine { engine: Arc<Engine>, number: usize },
    Alone(Arc<Alone>),
}

/// The queue of one `JobManager`.
#[derive(Debug)]
pub struct Manager {
    own: Arc<Delivery>,
    stand: Stand,
}

/// A queue without an engine of ours.
#[derive(Debug)]
struct Alone {
    id: u64,
    inner: Mutex<Inner>,
    me: Weak<Alone>,
}

#[derive(Debug)]
struct Inner {
    attached: AttachedQueue,
    armed: Option<Instant>,
}

impl Manager {
    /// A queue; `engine` is the engine of its native jobs, `own` the way of its script jobs to JavaScript.
    #[must_use]
    pub fn new(config: Config, own: Arc<Delivery>, engine: Option<&Arc<Engine>>) -> Self {
        let attached = AttachedQueue::new(config.clone(), Arc::clone(&own), false);
        let stand = engine.and_then(|engine| {
            let number = engine.attach(attached)?;
            Some(Stand::AtEngine { engine: Arc::clone(engine), number })
        });
        let stand = stand.unwrap_or_else(|| {
            Stand::Alone(Arc::new_cyclic(|me| Alone {
                id: timer::next_id(),
                inner: Mutex::new(Inner {
                    attached: AttachedQueue::new(config, Arc::clone(&own), true),
                    armed: None,
                }),
                me: me.clone(),
            }))
        });
        Self { own, stand }
    }

    /// The target of its native jobs' items in the engine's batches; 0 without an engine.
    #[must_use]
    pub fn target(&self) -> u32 {
        match self.stand {
            Stand::AtEngine { number, .. } => u32::try_from(number + 1).unwrap_or(u32::MAX),
            Stand::Alone(_) => 0,
        }
    }

    fn visit(&self, place: Place) {
        self.own.faults().visit(place);
    }

    /// The faults of its own; those of its engine are the engine's.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.own.faults()
    }

    /// A panic was caught outside of the queue's lock.
    pub fn defect(&self) {
        match &self.stand {
            Stand::AtEngine { engine, number } => engine.queue_defect(*number),
            Stand::Alone(alone) => alone.defect(),
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut AttachedQueue, Option<Native<'_>>, Now) -> R) -> Option<R> {
        match &self.stand {
            Stand::AtEngine { engine, number } => engine.with_queue(*number, act),
            Stand::Alone(alone) => alone.enter(|queue, now| act(queue, None, now)),
        }
    }

    /// An app that asks for jobs and then listens, in one turn, must not miss what comes back.
    fn begin_turn(&self) {
        if let Stand::AtEngine { engine, .. } = &self.stand {
            engine.delivery().begin_turn();
        }
    }

    /// Takes a job, which JavaScript numbers upwards. The app's turn is to be ended by [`Engine::end_turn`].
    ///
    /// # Errors
    /// [`Refused`]; `None` after a defect was caught.
    #[must_use]
    pub fn submit(&self, number: u64, job: NewJob) -> Option<Result<JobKey, Refused>> {
        self.visit(Place::Export);
        self.begin_turn();
        self.with(|attached, native, now| {
            attached.last_submitted = number;
            let mut out = Vec::new();
            let key = attached.queue.submit(job, now, &mut out)?;
            if !attached.streams.is_empty()
                && let Some(id) = attached.queue.id(key)
            {
                attached.streams.begin(&id);
            }
            attached.carry_out(out, now, native);
            Ok(key)
        })
    }

    /// What the ids are made with of jobs that are submitted without one.
    #[must_use]
    pub fn names(&self) -> Names {
        self.look(|queue| queue.names().clone()).unwrap_or_default()
    }

    /// Cancels a job.
    #[must_use]
    pub fn cancel(&self, id: &str) -> CancelReply {
        let reply = self.with(|attached, native, now| {
            let mut out = Vec::new();
            let reply = attached.queue.cancel(id, now, &mut out);
            attached.carry_out(out, now, native);
            reply
        });
        reply.unwrap_or(CancelReply::Unknown)
    }

    /// Tells the queue something that JavaScript knows: the news of script jobs, a decision.
    pub fn step(&self, input: Input<'_>) {
        self.with(|attached, native, now| attached.step(input, now, native));
    }

    /// An event of an engine's job that came through JavaScript.
    pub fn script_event(&self, engine_id: &JsonId, event: EngineEvent<'_>) {
        self.with(|attached, native, now| {
            if attached.queue.wants(engine_id, Path::Script) {
                attached.step(Input::Event { engine_id, event }, now, native);
            } else if let EngineEvent::Result(Data::Held(held, _)) | EngineEvent::Error(Data::Held(held, _)) =
                event
            {
                attached.own.push(Op::Forget, 0, u64::from(held), Value::Null);
            }
        });
    }

    /// Lets a stream have the jobs' events; returns the number of the source there.
    pub fn attach_stream(&self, stream: &Arc<Stream>) -> u32 {
        let attachment = Attachment { stream: Arc::clone(stream), source: stream.add_source() };
        let source = attachment.source;
        self.with(|attached, _, _| attached.streams.attach(attachment));
        source
    }

    /// Lets a stream go.
    pub fn detach_stream(&self, stream: &Arc<Stream>, source: u32) {
        self.with(|attached, _, now| attached.streams.detach(source, stream, now));
    }

    /// No starts until [`Manager::resume`].
    pub fn pause(&self) {
        self.with(|attached, _, _| attached.queue.pause());
    }

    /// Starts again, and takes jobs again after [`Manager::drain`]. The turn is to be ended as after a submit.
    pub fn resume(&self) {
        self.begin_turn();
        self.with(|attached, native, now| {
            let mut out = Vec::new();
            attached.queue.resume(now, &mut out);
            attached.carry_out(out, now, native);
        });
    }

    /// Takes no more jobs.
    pub fn drain(&self) {
        self.with(|attached, _, _| attached.queue.drain());
    }

    /// Which events have listeners.
    pub fn set_heard(&self, bits: u32) {
        self.with(|attached, _, _| attached.heard = HeardJobs(bits));
    }

    /// Looks at the queue.
    pub fn look<R>(&self, look: impl FnOnce(&mut JobQueue) -> R) -> Option<R> {
        self.with(|attached, _, _| look(&mut attached.queue))
    }

    /// What script jobs have for JavaScript, at once.
    #[must_use]
    pub fn take(&self) -> Option<Batch> {
        self.own.take_all()
    }

    /// The JavaScript engine is ready, or is not.
    pub fn script_ready(&self, ready: bool) {
        let path = Path::Script;
        self.step(if ready { Input::EngineReady { path } } else { Input::EngineNotReady { path } });
    }
}

impl Drop for Manager {
    // A garbage collector calls it, and passes no panic on.
    fn drop(&mut self) {
        insisted(|| {
            self.visit(Place::Drop);
            if let Stand::AtEngine { engine, number } = &self.stand {
                engine.detach(*number);
            }
        });
    }
}

impl Alone {
    fn enter<R>(self: &Arc<Self>, act: impl FnOnce(&mut AttachedQueue, Now) -> R) -> Option<R> {
        let now = clock::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let done = caught(|| {
            inner.attached.own.faults().visit(Place::Queue);
            act(&mut inner.attached, now)
        });
        if done.is_none() {
            inner.rebuild();
        }
        self.arm(&mut inner);
        done
    }

    fn arm(self: &Arc<Self>, inner: &mut Inner) {
        if let Some(at) = inner.attached.next_deadline()
            && inner.armed.is_none_or(|armed| at < armed)
        {
            let alarm: Arc<dyn Alarm> = Arc::clone(self) as Arc<dyn Alarm>;
            match timer::set(&alarm, at) {
                Ok(()) => inner.armed = Some(at),
                Err(error) => tracing::error!(%error, "the timer thread cannot be started"),
            }
        }
    }

    fn defect(self: &Arc<Self>) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).rebuild();
    }
}

impl Inner {
    fn rebuild(&mut self) {
        tracing::error!("a defect was caught; what was pending rejects");
        self.armed = None;
        let faults = Arc::clone(&self.attached.own);
        insisted(|| {
            faults.faults().visit(Place::Rebuild);
            self.attached.rebuild(None);
        });
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        timer::forget(self.id);
    }
}

impl Alarm for Alone {
    fn alarm_id(&self) -> u64 {
        self.id
    }

    fn ring(&self, _now: Instant) {
        let Some(me) = self.me.upgrade() else { return };
        let own = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.armed = None;
            inner.attached.own.faults().visit(Place::Timer);
            Arc::clone(&inner.attached.own)
        };
        me.enter(|attached, now| attached.step(Input::Tick, now, None));
        own.signal();
    }

    fn ring_failed(&self) {
        if let Some(me) = self.me.upgrade() {
            me.defect();
        }
    }
}
