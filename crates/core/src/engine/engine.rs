//! The handle of an engine: what the app's side, the threads of a run and the timer call.

use std::ffi::OsString;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::clock::{self, Now};
use crate::delivery::{Batch, Delivery, Embedded, Op, Tenant, Value};
use crate::engine::attached::{AttachedQueue, Native};
use crate::engine::calls::{Call, CallRefused, Purpose, Timeout};
use crate::engine::inbound::queue_event;
use crate::engine::job_streams::{Attachment, RawEvent};
use crate::engine::lifecycle::Input;
use crate::engine::options::EngineOptions;
use crate::engine::outbox::Refused;
use crate::engine::run::Run;
use crate::engine::state::{Heard, State, millis, queue_target};
use crate::fault::{Faults, Place, caught, go_on, insisted};
use crate::jobs;
use crate::stream::{Kinds, Stream};
use crate::sys::{Exit, SpawnFailure};
use crate::timer::{self, Alarm};
use crate::wire::framer::Frame;
use crate::wire::id::{JsonId, as_request_id};
use crate::wire::message::{JobEventKind, Line};
use crate::wire::request;
use crate::wire::scan::{ObjectScan, scan_object};

/// How often what must be done is tried in spite of panics.
const TRIES: usize = 128;

/// What `getStats()` tells (contract section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineStats {
    /// The process, while there is one.
    pub pid: Option<u32>,
    /// `idle`, `starting`, `ready`, `stopping` or `restarting`.
    pub state: &'static str,
    /// Calls without an answer.
    pub pending_calls: usize,
    /// Bytes that wait for the engine.
    pub pending_bytes: usize,
    /// Restarts attempted since construction.
    pub restarts: u64,
    /// Milliseconds since `ready`.
    pub uptime_ms: u64,
    /// Values and lines read from stdout.
    pub received: u64,
    /// Those of them that nobody heard or knew.
    pub dropped: u64,
}

/// One engine client. All clones of the `Arc` are the same.
pub struct Engine {
    id: u64,
    options: Arc<EngineOptions>,
    delivery: Arc<Delivery>,
    state: Mutex<State>,
    me: Weak<Engine>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that is not started; its news go to `delivery`.
    #[must_use]
    pub fn new(options: EngineOptions, delivery: Arc<Delivery>) -> Arc<Self> {
        let options = Arc::new(options);
        Arc::new_cyclic(|me| Self {
            id: timer::next_id(),
            state: Mutex::new(State::new(Arc::clone(&options), Arc::clone(&delivery))),
            options,
            delivery,
            me: me.clone(),
        })
    }

    /// Its options.
    #[must_use]
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Its way to JavaScript.
    #[must_use]
    pub fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` on the state. A panic inside loses that state, is told to JavaScript, and goes no further.
    fn enter<R>(self: &Arc<Self>, act: impl FnOnce(&mut State, &Arc<Self>, Now) -> R) -> Option<R> {
        self.enter_and(act, |done| done)
    }

    /// The same, with something behind it that nobody else comes before, and that does not panic.
    fn enter_and<R, S>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut State, &Arc<Self>, Now) -> R,
        behind: impl FnOnce(R) -> S,
    ) -> Option<S> {
        let now = clock::now();
        let mut state = self.lock();
        let faults = self.delivery.faults();
        let done = caught(|| {
            faults.visit(Place::Lock);
            let done = act(&mut state, self, now);
            faults.visit(Place::Unlock);
            done
        });
        if done.is_none() {
            state.rebuild(self, now);
        }
        caught(|| self.arm(&mut state));
        let done = done.map(behind);
        drop(state);
        self.delivery.signal();
        done
    }

    /// Runs `act` for a thread of this engine. A panic inside does what a panic under the lock does.
    pub(super) fn guarded<R>(self: &Arc<Self>, act: impl FnOnce() -> R) -> Option<R> {
        let done = caught(act);
        if done.is_none() {
            self.defect();
        }
        done
    }

    /// The same for what must be done in any case: it is tried again.
    pub(super) fn insisted<R>(self: &Arc<Self>, mut act: impl FnMut() -> R) -> Option<R> {
        insisted(|| {
            caught(&mut act).unwrap_or_else(|| {
                self.defect();
                go_on()
            })
        })
    }

    /// A panic was caught outside of the lock: it does what one under the lock does.
    pub fn defect(self: &Arc<Self>) {
        self.enter(State::rebuild);
    }

    /// A panic was caught that concerns one of the queues.
    pub(super) fn queue_defect(self: &Arc<Self>, number: usize) {
        self.enter(|state, engine, now| {
            if let Some(Some(queue)) = state.queues.get_mut(number) {
                queue.at_work = true;
            }
            state.rebuild(engine, now);
        });
    }

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.delivery.faults()
    }

    fn arm(&self, state: &mut State) {
        let Some(at) = state.next_deadline() else { return };
        if state.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        let alarm: Arc<dyn Alarm> = me;
        match timer::set(&alarm, at) {
            Ok(()) => state.armed = Some(at),
            Err(error) => tracing::error!(%error, "the timer thread cannot be started"),
        }
    }

    /// `start()`, with the environment of the engine.
    /// `None`: a defect was caught; where it is still to be told how the start ended, it will be.
    #[must_use]
    pub fn start(self: &Arc<Self>, environment: Vec<(OsString, OsString)>) -> Option<()> {
        self.faults().visit(Place::Export);
        self.enter(|state, engine, now| state.start(engine, Input::Start, environment, now))
    }

    /// The environment that a restart asked for.
    pub fn restart(self: &Arc<Self>, environment: Vec<(OsString, OsString)>) {
        self.enter(|state, engine, now| state.start(engine, Input::Environment, environment, now));
    }

    /// `stop()`. Returns what had not reached JavaScript yet, as one batch.
    pub fn stop(self: &Arc<Self>) -> Option<Batch> {
        self.faults().visit(Place::Export);
        // After a panic the engine would be started anew.
        for _ in 0..TRIES {
            // Before anybody else: the exit that this brings about is told in a turn of its own, behind what the app's code
            // does about the calls that end now.
            if let Some(batch) = self.enter_and(State::stop, |()| self.delivery.take_all()) {
                return batch;
            }
        }
        self.delivery.take_all()
    }

    /// Whether nothing runs and nothing is going to.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lock().lifecycle.is_idle()
    }

    /// Sends a call. `timeout`: `None` waits for ever. `starts_job`: see `Purpose`.
    ///
    /// # Errors
    /// [`CallRefused`]; then nothing was sent.
    pub fn call(
        self: &Arc<Self>,
        slot: u32,
        method: &str,
        params: Option<&str>,
        timeout: Option<Duration>,
        starts_job: bool,
    ) -> Result<(), CallRefused> {
        self.faults().visit(Place::Export);
        self.enter(|state, _, now| {
            let deadline = timeout.map(|timeout| now.instant + timeout);
            state.call(Purpose::Call { slot, starts_job }, method, params, deadline)
        })
        .unwrap_or(Err(CallRefused::Panicked))
    }

    /// Sends several calls, in their order. Returns those that were not sent; after a panic that counts for all.
    pub fn calls<'a>(
        self: &Arc<Self>,
        calls: impl Iterator<Item = Call<'a>> + Clone,
    ) -> Vec<(u32, CallRefused)> {
        self.faults().visit(Place::Export);
        let refused = self.enter(|state, _, now| {
            let mut refused = Vec::new();
            for Call { slot, method, params, timeout } in calls.clone() {
                let timeout = match timeout {
                    Timeout::Own(timeout) => timeout,
                    Timeout::Engine => self.options.request_timeout,
                };
                let deadline = timeout.map(|timeout| now.instant + timeout);
                let purpose = Purpose::Call { slot, starts_job: false };
                if let Err(why) = state.call(purpose, method, params, deadline) {
                    refused.push((slot, why));
                }
            }
            refused
        });
        refused.unwrap_or_else(|| calls.map(|call| (call.slot, CallRefused::Panicked)).collect())
    }

    /// The app no longer waits for a call. `false`: its answer is on the way to JavaScript.
    pub fn abort(self: &Arc<Self>, slot: u32) -> bool {
        self.enter(|state, _, _| state.calls.abort(slot)).unwrap_or(false)
    }

    /// Sends a line that no answer is expected to; with `run`, to that run of the engine only.
    ///
    /// # Errors
    /// [`CallRefused`]; then nothing was sent.
    fn send(
        self: &Arc<Self>,
        run: Option<u64>,
        write_line: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), CallRefused> {
        self.enter(|state, _, _| {
            let wanted = |current: &&Run| run.is_none_or(|run| current.id == run);
            // An engine may ask before it has answered the health request, and may need the answer for it.
            let may_write =
                if run.is_some() { !state.lifecycle.is_stopping() } else { state.lifecycle.is_ready() };
            let Some(run) = state.run.as_ref().filter(wanted).filter(|_| may_write) else {
                return Err(CallRefused::NotReady);
            };
            match run.outbox.push(write_line) {
                Err(Refused::Full) => Err(CallRefused::Backpressure),
                Ok(()) | Err(Refused::Closed | Refused::Ending) => Ok(()),
            }
        })
        .unwrap_or(Err(CallRefused::Panicked))
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// [`CallRefused`]; then nothing was sent.
    pub fn notify(self: &Arc<Self>, method: &str, params: Option<&str>) -> Result<(), CallRefused> {
        self.send(None, |line| request::push_notification(line, method, params))
    }

    /// Answers a request of this run of the engine. `id` and `result` are JSON texts.
    ///
    /// # Errors
    /// [`CallRefused`]; then nothing was sent.
    pub fn respond(self: &Arc<Self>, run: u64, id: &str, result: &str) -> Result<(), CallRefused> {
        self.send(Some(run), |line| request::push_result(line, id, result))
    }

    /// Answers a request of this run of the engine with an error. All are JSON texts.
    ///
    /// # Errors
    /// [`CallRefused`]; then nothing was sent.
    pub fn respond_error(
        self: &Arc<Self>,
        run: u64,
        id: &str,
        code: &str,
        message: &str,
        data: Option<&str>,
    ) -> Result<(), CallRefused> {
        self.send(Some(run), |line| request::push_error(line, id, code, message, data))
    }

    /// The app's turn is over ([`Delivery::begin_turn`]): what it wrote goes out together.
    pub fn end_turn(&self) {
        self.delivery.end_turn();
        self.flush();
    }

    /// Sends what was written since the last time.
    pub(super) fn flush(&self) {
        let outbox = self.lock().run.as_ref().map(|run| Arc::clone(&run.outbox));
        if let Some(outbox) = outbox {
            outbox.flush();
        }
    }

    /// Which events have listeners.
    pub fn set_heard(&self, bits: u32) {
        self.lock().heard = Heard(bits);
    }

    /// Which of this job's events somebody watches. `id` is a JSON text.
    pub fn watch(&self, id: &str, kinds: Kinds) {
        let id = JsonId::from_raw(id.as_bytes());
        let mut state = self.lock();
        if kinds.is_empty() {
            state.watched.remove(&id);
        } else {
            state.watched.insert(id, kinds);
        }
    }

    /// Lets a stream keep the engine's job events; returns the number of the source there.
    pub fn attach_stream(&self, stream: &Arc<Stream>) -> u32 {
        let attachment = Attachment { stream: Arc::clone(stream), source: stream.add_source() };
        let source = attachment.source;
        self.lock().streams.push(attachment);
        source
    }

    /// Lets a stream go.
    pub fn detach_stream(&self, stream: &Arc<Stream>, source: u32) {
        self.lock().streams.retain(|it| it.source != source || !Arc::ptr_eq(&it.stream, stream));
        stream.end_run(source, clock::now().instant);
    }

    /// A job event that the app itself emitted: its native jobs hear it like the engine's own. All are JSON texts;
    /// `event` is the whole, where the managers' streams may want it.
    pub fn inject(
        self: &Arc<Self>,
        kind: JobEventKind,
        job_id: &str,
        data: Option<&str>,
        event: Option<&str>,
    ) {
        let raw = event.and_then(|event| match scan_object(event.as_bytes(), 0) {
            ObjectScan::Complete { fields, .. } => {
                Some(RawEvent::new(kind, fields.job_id?, event.as_bytes()))
            }
            ObjectScan::Broken { .. } => None,
        });
        self.enter(|state, _, now| {
            let id = JsonId::from_raw(job_id.as_bytes());
            state.queue_event(&id, &queue_event(kind, data.map(str::as_bytes)), raw.as_ref(), now);
        });
        self.flush();
    }

    /// What `getStats()` tells.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let now = clock::now().instant;
        let state = self.lock();
        EngineStats {
            pid: state.run.as_ref().map(|run| run.process.pid()),
            state: state.lifecycle.name(),
            pending_calls: state.calls.waiting(),
            pending_bytes: state.run.as_ref().map_or(0, |run| run.outbox.pending_bytes()),
            restarts: state.lifecycle.restarts(),
            uptime_ms: millis(state.lifecycle.uptime(now)),
            received: state.received,
            dropped: state.dropped,
        }
    }

    /// Takes a queue in; returns its number.
    pub(super) fn attach(self: &Arc<Self>, queue: AttachedQueue) -> Option<usize> {
        self.enter(|state, _, now| {
            let free = state.queues.iter().position(Option::is_none);
            let number = free.unwrap_or_else(|| {
                state.queues.push(None);
                state.queues.len() - 1
            });
            state.queues[number] = Some(queue);
            if state.lifecycle.is_ready() {
                state.step_queue(number, jobs::Input::EngineReady { path: jobs::Path::Native }, now);
                state.step_queue(number, jobs::Input::EngineReady { path: jobs::Path::Script }, now);
            }
            number
        })
    }

    /// Lets a queue go.
    pub(super) fn detach(&self, number: usize) {
        let mut state = self.lock();
        if let Some(place) = state.queues.get_mut(number) {
            *place = None;
            state.calls.disown(queue_target(number));
        }
    }

    /// Works on a queue, with what its native jobs need.
    pub(super) fn with_queue<R>(
        self: &Arc<Self>,
        number: usize,
        act: impl FnOnce(&mut AttachedQueue, Option<Native<'_>>, Now) -> R,
    ) -> Option<R> {
        self.enter(|state, _, now| {
            state.with_queue(number, now, |queue, native| act(queue, Some(native), now))
        })?
    }

    // From the threads of a run.

    pub(super) fn spawned(self: &Arc<Self>, run: Run) {
        let mut run = Some(run);
        self.insist(|state, engine, now| {
            state.launching = false;
            if let Some(run) = run.take() {
                state.run = Some(run);
            }
            state.advance(engine, Input::Spawned, now);
        });
        self.flush();
    }

    pub(super) fn spawn_failed(self: &Arc<Self>, failure: SpawnFailure) {
        tracing::warn!(errno = failure.errno, "engine not spawned");
        self.insist(|state, engine, now| {
            state.launching = false;
            state.advance(engine, Input::SpawnFailed(failure), now);
        });
    }

    /// A panic was caught before there was a process, or took it along.
    pub(super) fn launch_failed(self: &Arc<Self>) {
        self.insist(|state, engine, now| {
            state.launching = false;
            state.rebuild(engine, now);
        });
    }

    /// [`Engine::enter`] for news that nobody will tell again.
    fn insist(self: &Arc<Self>, mut act: impl FnMut(&mut State, &Arc<Self>, Now)) {
        for _ in 0..TRIES {
            if self.enter(&mut act).is_some() {
                return;
            }
        }
    }

    pub(super) fn exited(self: &Arc<Self>, run: u64, exit: Exit, stderr_tail: &str) {
        self.insist(|state, engine, now| {
            if state.run.as_ref().is_some_and(|current| current.id == run) {
                state.exited(engine, exit, stderr_tail, now);
            }
        });
    }

    /// One line of stdout. It is read without the lock, which is taken for each message: JavaScript never waits for
    /// more than the handling of one.
    ///
    /// `now` is when it was read, and later once something had to wait.
    pub(super) fn received(self: &Arc<Self>, run: u64, frame: Frame<'_>, now: &mut Now) {
        match frame {
            Frame::Line(line) => self.read(run, Line::of(line), now),
            Frame::Giant(line) => self.received_giant(run, line, now),
            Frame::TooLong { head } => {
                self.make_way(run, now);
                self.with_run(run, |state| state.too_long(self, head, *now));
            }
        }
    }

    fn read(self: &Arc<Self>, run: u64, line: Line<'_>, now: &mut Now) {
        line.tell(&mut |message| {
            self.make_way(run, now);
            self.with_run(run, |state| state.message(self, &message, *now));
        });
    }

    /// The result of a call goes on in the memory that it was read into.
    fn received_giant(self: &Arc<Self>, run: u64, text: Vec<u8>, now: &mut Now) {
        let line = Line::of(&text);
        let result = line
            .result()
            // It waits with its whole line, and only its own bytes are counted.
            .filter(|(_, value)| 2 * value.len() > text.len())
            .and_then(|(id, value)| Some((as_request_id(id)?, place_in(&text, value))));
        let Some((id, value)) = result else {
            self.read(run, line, now);
            return;
        };
        drop(line);
        // Here, where nobody waits for it.
        let is_ascii = text.is_ascii();
        let result = Embedded { text, value, is_ascii };
        self.make_way(run, now);
        self.with_run(run, |state| state.giant_result(self, id, result, *now));
    }

    /// A read, or one line, may bring any number of messages: the next waits like a read while JavaScript is behind.
    fn make_way(self: &Arc<Self>, run: u64, now: &mut Now) {
        if self.delivery.is_full() {
            self.turn_done(run, *now);
            self.delivery.wait_for_space();
            *now = clock::now();
        }
    }

    /// Nothing of an earlier run is taken in, and nothing after `stop()` or a defect.
    fn with_run(self: &Arc<Self>, run: u64, act: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        let is_heard = state.run.as_ref().is_some_and(|current| current.id == run && !current.condemned);
        if is_heard && !state.lifecycle.is_stopping() {
            let done = caught(|| {
                self.faults().visit(Place::Message);
                act(&mut state);
            });
            // Still under the lock: nobody may see what is half changed.
            if done.is_none() {
                state.rebuild(self, clock::now());
            }
        }
    }

    pub(super) fn stderr_line(self: &Arc<Self>, run: u64, line: &[u8]) {
        self.with_run(run, |state| {
            self.delivery.push_event(state.heard.has(Heard::STDERR), Op::Stderr, 0, 0, Value::Text(line));
        });
    }

    /// What was read at once has been handled: time, JavaScript and the engine get what it brought.
    pub(super) fn turn_done(self: &Arc<Self>, run: u64, now: Now) {
        let outbox = {
            let mut state = self.lock();
            if let Some(health) = &mut state.health {
                health.output(now.instant);
            }
            self.arm(&mut state);
            state.run.as_ref().filter(|current| current.id == run).map(|current| Arc::clone(&current.outbox))
        };
        self.delivery.signal();
        if let Some(outbox) = outbox {
            outbox.flush();
        }
    }

    /// Nothing waits for the engine any more: what met the limit may try again.
    pub(super) fn drained(self: &Arc<Self>, run: u64) {
        self.enter(|state, _, now| {
            if state.run.as_ref().is_some_and(|current| current.id == run) {
                for number in 0..state.queues.len() {
                    state.step_queue(number, jobs::Input::WriterDrained, now);
                }
            }
        });
        self.flush();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        timer::forget(self.id);
    }
}

impl Alarm for Engine {
    fn alarm_id(&self) -> u64 {
        self.id
    }

    fn ring(&self, _now: Instant) {
        let Some(me) = self.me.upgrade() else { return };
        self.faults().visit(Place::Timer);
        me.enter(|state, engine, now| {
            state.armed = None;
            state.tick(engine, now);
        });
        me.flush();
    }

    fn ring_failed(&self) {
        if let Some(me) = self.me.upgrade() {
            me.defect();
        }
    }
}

impl Tenant for Engine {
    fn abandon(self: Arc<Self>) {
        self.delivery.close();
        self.insist(|state, engine, now| {
            state.lifecycle.hurry();
            state.stop(engine, now);
            if let Some(run) = &state.run {
                run.process.kill();
            }
        });
    }
}

/// Where `part` is in `text`, whose part it is.
fn place_in(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}
