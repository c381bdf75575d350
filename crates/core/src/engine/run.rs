//! One run of an engine: its process and the threads that wait for it.
//!
//! Four threads, all asleep while nothing happens: stdout, stderr, the writer, and the waiter. The waiter alone tells
//! the engine of the exit, after both outputs were read to their end: `exit` comes behind the last message.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::clock;
use crate::engine::engine::Engine;
use crate::engine::outbox::Outbox;
use crate::engine::spawner;
use crate::engine::stderr::StderrLines;
use crate::fault::{Place, caught, insisted};
use crate::sys::{self, Exit, Output, Process, SpawnFailure, SpawnRequest, Trigger, Watch};
use crate::timer;
use crate::wire::framer::Framer;

/// How much is asked for at once: what a pipe holds on Linux.
const READ: usize = 64 * 1024;

/// A running process.
#[derive(Debug)]
pub struct Run {
    /// Tells one run from the next.
    pub id: u64,
    /// Its signals.
    pub process: Arc<Process>,
    /// The way to it.
    pub outbox: Arc<Outbox>,
    /// A defect was caught: it is being killed, and nothing of it is listened to any more.
    pub condemned: bool,
}

/// Starts the engine on the spawner thread and tells `engine` what came of it.
///
/// # Errors
/// When there is no such thread, and none can be started: the engine is told nothing more.
pub fn launch(engine: &Arc<Engine>, id: u64, request: SpawnRequest) -> Result<(), SpawnFailure> {
    let owner = Arc::clone(engine);
    let submitted = spawner::submit(move || match caught(|| start(&owner, id, &request)) {
        Some(Ok(())) => {}
        Some(Err(failure)) => owner.spawn_failed(failure),
        None => owner.launch_failed(),
    });
    submitted.map_err(|error| sys::failure(&error))
}

/// A process that the engine does not know of yet: a panic on the way there must not leave it behind.
struct Newborn(Option<Arc<Process>>);

impl Drop for Newborn {
    fn drop(&mut self) {
        if let Some(process) = self.0.take() {
            insisted(|| process.kill());
            insisted(|| process.wait());
        }
    }
}

fn start(engine: &Arc<Engine>, id: u64, request: &SpawnRequest) -> Result<(), SpawnFailure> {
    // An engine without a clock would never time out.
    timer::ensure().map_err(|error| sys::failure(&error))?;
    engine.faults().visit(Place::Spawner);
    let triggers = || Ok((sys::trigger()?, sys::trigger()?));
    let ((ended, watch), (cancel, cancelled)) =
        triggers().map_err(|error: io::Error| sys::failure(&error))?;
    // The threads first, empty-handed: once the process exists, nothing may fail any more.
    let threads = Threads::start(engine, id).map_err(|error| sys::failure(&error))?;
    let spawned = sys::spawn(request, &watch)?;
    tracing::info!(pid = spawned.process.pid(), "engine spawned");
    let process = Arc::new(spawned.process);
    let mut newborn = Newborn(Some(Arc::clone(&process)));
    engine.faults().visit(Place::Spawned);
    let outbox = Outbox::new(spawned.stdin, cancel, engine.options().max_pending_bytes);
    let run = Run { id, process: Arc::clone(&process), outbox: Arc::clone(&outbox), condemned: false };
    // From here the waiter will tell of its end, so nothing may keep the threads from beginning.
    newborn.0 = None;
    engine.guarded(|| engine.spawned(run));
    threads.begin(process, outbox, cancelled, spawned.stdout, spawned.stderr, ended);
    Ok(())
}

/// What the waiter needs: whom it waits for, what it closes, and what tells the readers.
type Ending = (Arc<Process>, Arc<Outbox>, Trigger);

struct Threads {
    stdout: Sender<Output>,
    stderr: Sender<Output>,
    writer: Sender<(Arc<Outbox>, Watch)>,
    waiter: Sender<Ending>,
}

impl Threads {
    fn start(engine: &Arc<Engine>, run: u64) -> io::Result<Self> {
        let (stdout, stdout_of) = channel();
        let owner = Arc::clone(engine);
        let reading = named("stdout").spawn(move || {
            if let Ok(pipe) = stdout_of.recv() {
                owner.guarded(|| {
                    owner.faults().visit(Place::Stdout);
                    read_messages(&owner, run, pipe);
                });
            }
        })?;

        let (stderr, stderr_of) = channel();
        let owner = Arc::clone(engine);
        let logging = named("stderr").spawn(move || match stderr_of.recv() {
            Ok(pipe) => owner
                .guarded(|| {
                    owner.faults().visit(Place::Stderr);
                    read_stderr(&owner, run, pipe)
                })
                .unwrap_or_default(),
            Err(_) => String::new(),
        })?;

        let (writer, writer_of): (_, Receiver<(Arc<Outbox>, Watch)>) = channel();
        let owner = Arc::clone(engine);
        named("stdin").spawn(move || {
            if let Ok((outbox, cancelled)) = writer_of.recv() {
                owner.guarded(|| {
                    owner.faults().visit(Place::Stdin);
                    outbox.run(&cancelled, || owner.drained(run));
                });
            }
        })?;

        let (waiter, ending): (_, Receiver<Ending>) = channel();
        let owner = Arc::clone(engine);
        named("waiter").spawn(move || {
            let Ok((process, outbox, ended)) = ending.recv() else { return };
            // Whatever happens here: who waits for the exit would wait for ever.
            let exit = owner.insisted(|| {
                owner.faults().visit(Place::Waiter);
                process.wait()
            });
            let exit = exit.unwrap_or(Exit { code: None, signal: None });
            tracing::info!(pid = process.pid(), code = ?exit.code, signal = ?exit.signal, "engine exited");
            owner.insisted(|| outbox.close());
            drop(ended);
            let _ = reading.join();
            let tail = logging.join().unwrap_or_default();
            owner.insisted(|| {
                owner.faults().visit(Place::Exit);
                owner.exited(run, exit, &tail);
            });
        })?;
        Ok(Self { stdout, stderr, writer, waiter })
    }

    fn begin(
        self,
        process: Arc<Process>,
        outbox: Arc<Outbox>,
        cancelled: Watch,
        stdout: Output,
        stderr: Output,
        ended: Trigger,
    ) {
        // A receiver is gone only when its thread panicked at once; the waiter reports that.
        let _ = self.stdout.send(stdout);
        let _ = self.stderr.send(stderr);
        let _ = self.writer.send((Arc::clone(&outbox), cancelled));
        let _ = self.waiter.send((process, outbox, ended));
    }
}

fn named(what: &str) -> thread::Builder {
    thread::Builder::new().name(format!("engine {what}"))
}

fn read_messages(engine: &Arc<Engine>, run: u64, mut pipe: Output) {
    let mut framer = Framer::new(engine.options().max_message_bytes);
    loop {
        engine.delivery().wait_for_space();
        match pipe.read(framer.spare(READ)) {
            Ok(n) if n > 0 => framer.filled(n),
            Ok(_) => break,
            Err(error) => {
                tracing::warn!(%error, "stdout cannot be read");
                break;
            }
        }
        let mut now = clock::now();
        while let Some(frame) = framer.next() {
            engine.received(run, frame, &mut now);
        }
        engine.turn_done(run, now);
    }
    if let Some(rest) = framer.finish() {
        let mut now = clock::now();
        engine.received(run, rest, &mut now);
        engine.turn_done(run, now);
    }
}

/// Returns the tail for `exit`.
fn read_stderr(engine: &Arc<Engine>, run: u64, mut pipe: Output) -> String {
    let mut lines = StderrLines::default();
    let mut buffer = vec![0; 8 * 1024];
    loop {
        engine.delivery().wait_for_space();
        match pipe.read(&mut buffer) {
            Ok(n) if n > 0 => lines.add(&buffer[..n], |line| engine.stderr_line(run, line)),
            _ => break,
        }
        engine.turn_done(run, clock::now());
    }
    lines.finish(|line| engine.stderr_line(run, line));
    lines.tail()
}
