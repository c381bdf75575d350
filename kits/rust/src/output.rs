use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock, mpsc::Sender};

use crate::JobError;
use crate::flag::lock;

/// Writes whole lines from any thread. A write waits while the app does not read: the thread of the job that talks is
/// what stands still, and nothing piles up in memory.
#[derive(Default)]
pub struct Output {
    opened: OnceLock<Mutex<Pipe>>,
}

struct Pipe {
    /// None: nobody reads any more.
    file: Option<File>,
    gone: Sender<()>,
}

impl Output {
    /// `gone` is told when nobody reads any more. False: it was open before.
    pub fn open(&self, file: File, gone: Sender<()>) -> bool {
        self.opened.set(Mutex::new(Pipe { file: Some(file), gone })).is_ok()
    }

    pub fn write(&self, text: String) -> Result<(), JobError> {
        let Some(opened) = self.opened.get() else {
            return Err(JobError::internal("Engine::run has not been called: there is nobody to write to"));
        };
        let mut line = text;
        line.push('\n');
        let mut pipe = lock(opened);
        if let Some(file) = &mut pipe.file
            && file.write_all(line.as_bytes()).is_err()
        {
            // EPIPE and its like: the app is gone, and that is no reason to complain.
            pipe.file = None;
            let _ = pipe.gone.send(());
        }
        Ok(())
    }
}
