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
use crate::sys::{self, Output, Process, SpawnFailure, SpawnRequest, Trigger, Watch};
use crate::wire::framer::{Frame, Framer};

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
}

/// Starts the engine on the spawner thread and tells `engine` what came of it.
pub fn launch(engine: &Arc<Engine>, id: u64, request: SpawnRequest) {
    let owner = Arc::clone(engine);
    let submitted = spawner::submit(move || {
        if let Err(failure) = start(&owner, id, &request) {
            owner.spawn_failed(failure);
        }
    });
    if let Err(error) = submitted {
        let failure = sys::failure(&error);
        let owner = Arc::clone(engine);
        // Never from within: the engine's state is locked by the caller.
        if thread::Builder::new().spawn(move || owner.spawn_failed(failure)).is_err() {
            tracing::error!("neither an engine nor a thread can be started");
        }
    }
}

fn start(engine: &Arc<Engine>, id: u64, request: &SpawnRequest) -> Result<(), SpawnFailure> {
    let triggers = || Ok((sys::trigger()?, sys::trigger()?));
    let ((ended, watch), (cancel, cancelled)) =
        triggers().map_err(|error: io::Error| sys::failure(&error))?;
    // The threads first, empty-handed: once the process exists, nothing may fail any more.
    let threads = Threads::start(engine, id).map_err(|error| sys::failure(&error))?;
    let spawned = sys::spawn(request, &watch)?;
    tracing::info!(pid = spawned.process.pid(), "engine spawned");
    let process = Arc::new(spawned.process);
    let outbox = Outbox::new(spawned.stdin, cancel, engine.options().max_pending_bytes);
    engine.spawned(Run { id, process: Arc::clone(&process), outbox: Arc::clone(&outbox) });
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
                owner.guarded(|| read_messages(&owner, run, pipe));
            }
        })?;

        let (stderr, stderr_of) = channel();
        let owner = Arc::clone(engine);
        let logging = named("stderr").spawn(move || match stderr_of.recv() {
            Ok(pipe) => owner.guarded(|| read_stderr(&owner, run, pipe)).unwrap_or_default(),
            Err(_) => String::new(),
        })?;

        let (writer, writer_of): (_, Receiver<(Arc<Outbox>, Watch)>) = channel();
        let owner = Arc::clone(engine);
        named("stdin").spawn(move || {
            if let Ok((outbox, cancelled)) = writer_of.recv() {
                owner.guarded(|| outbox.run(&cancelled, || owner.drained(run)));
            }
        })?;

        let (waiter, ending): (_, Receiver<Ending>) = channel();
        let owner = Arc::clone(engine);
        named("waiter").spawn(move || {
            let Ok((process, outbox, ended)) = ending.recv() else { return };
            let exit = process.wait();
            tracing::info!(pid = process.pid(), code = ?exit.code, signal = ?exit.signal, "engine exited");
            outbox.close();
            drop(ended);
            let _ = reading.join();
            let tail = logging.join().unwrap_or_default();
            owner.exited(run, exit, &tail);
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
        let now = clock::now();
        while let Some(frame) = framer.next() {
            engine.received(run, &frame, now);
        }
        engine.turn_done(run, now);
    }
    if let Some(Frame::Line(rest)) = framer.finish() {
        let now = clock::now();
        engine.received(run, &Frame::Line(rest), now);
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
