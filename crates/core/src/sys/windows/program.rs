//! Which file an engine's name means.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

use windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND;

use crate::sys::SpawnRequest;

/// What can be started without a shell that looks up what opens a file.
const STARTABLE: [&str; 4] = [".COM", ".EXE", ".BAT", ".CMD"];

/// The absolute path of the file to start.
///
/// A bare name is searched in the `PATH` of the engine's environment, and there alone: not in the current folder,
/// where anybody may have put a file. Any other path starts at `cwd`. A name that is not there as it stands is tried
/// with the endings of the engine's `PATHEXT`; without an ending it is tried only so, because `engine` beside
/// `engine.cmd` is the script for another system.
///
/// # Errors
/// `ERROR_FILE_NOT_FOUND` when there is no such file.
pub(super) fn find(request: &SpawnRequest) -> io::Result<PathBuf> {
    let program = Path::new(&request.program);
    let here = std::path::absolute(request.cwd.as_deref().unwrap_or(Path::new(".")))?;
    let endings = endings(variable(request, "PATHEXT"));
    let is_bare = !request.program.as_encoded_bytes().iter().any(|byte| matches!(byte, b'/' | b'\\' | b':'));
    let folders = if is_bare { folders(variable(request, "PATH"), &here) } else { vec![here] };
    for folder in folders {
        let path = std::path::absolute(folder.join(program))?;
        if let Some(found) = candidates(&path, &endings).into_iter().find(|candidate| is_file(candidate)) {
            return Ok(found);
        }
    }
    Err(io::Error::from_raw_os_error(ERROR_FILE_NOT_FOUND.cast_signed()))
}

/// Names are compared without case; of several the last counts, as in the block that the engine gets.
fn variable<'a>(request: &'a SpawnRequest, name: &str) -> Option<&'a OsStr> {
    let found = request.env.iter().rfind(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_os_str())
}

fn folders(path: Option<&OsStr>, here: &Path) -> Vec<PathBuf> {
    let entries = env::split_paths(path.unwrap_or_default()).filter(|entry| !entry.as_os_str().is_empty());
    entries.map(|entry| here.join(entry)).collect()
}

fn endings(listed: Option<&OsStr>) -> Vec<String> {
    let listed = listed.unwrap_or_default().to_string_lossy();
    let startable = |ending: &&str| STARTABLE.iter().any(|known| known.eq_ignore_ascii_case(ending));
    let endings: Vec<_> = listed.split(';').filter(startable).map(str::to_owned).collect();
    if endings.is_empty() { STARTABLE.map(str::to_owned).to_vec() } else { endings }
}

fn candidates(path: &Path, endings: &[String]) -> Vec<PathBuf> {
    let as_it_stands = path.extension().map(|_| path.to_path_buf());
    let with_ending = endings.iter().map(|ending| {
        let mut longer = OsString::from(path);
        longer.push(ending);
        PathBuf::from(longer)
    });
    as_it_stands.into_iter().chain(with_ending).collect()
}

/// Programs from the Microsoft Store are links that can be started but not followed: those are looked at themselves.
fn is_file(path: &Path) -> bool {
    fs::metadata(path).or_else(|_| fs::symlink_metadata(path)).is_ok_and(|found| !found.is_dir())
}
