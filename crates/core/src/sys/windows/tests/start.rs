//! What is started, with which arguments, environment and folder, and what cannot be.

use std::fs;
use std::path::PathBuf;

use super::*;

const EINVAL: i32 = -4071;
const ENOENT: i32 = -4058;
const UNKNOWN: i32 = -4094;

/// A folder of its own for each test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("desktop-runtime-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The test program under another name.
    fn add_engine(&self, name: &str) {
        fs::copy(std::env::current_exe().unwrap(), self.0.join(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn with(mut request: SpawnRequest, name: &str, value: impl Into<OsString>) -> SpawnRequest {
    request.env.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
    request.env.push((name.into(), value.into()));
    request
}

fn said(request: &SpawnRequest) -> String {
    let Started { engine, ended: _ended } = start(request);
    let text = String::from_utf8(read_all(engine.stdout)).unwrap();
    let exit = in_time(move || engine.process.wait());
    assert_eq!(exit.code, Some(0), "{text}");
    text
}

fn errno(request: &SpawnRequest) -> i32 {
    let (_ended, watch) = trigger().unwrap();
    spawn(request, &watch).expect_err("it should not have started").errno
}

#[test]
fn arguments_arrive_as_they_are() {
    let args = ["", "two words", r#"a "quoted" one"#, r"back\slash\", r#"\" "#, "%PATH%", "^&|<>()!", "ü–𝄞"];
    let mut request = request("says its arguments");
    request.args.extend(args.map(OsString::from));
    assert_eq!(said(&request).lines().collect::<Vec<_>>(), args);
}

#[test]
fn the_environment_is_the_given_one() {
    let mut described = request("says its environment");
    let kept = |name: &OsString| {
        [engine::BEHAVIOUR, "SystemRoot"].iter().any(|kept| name.eq_ignore_ascii_case(kept))
    };
    described.env.retain(|(name, _)| kept(name));
    described.env.push(("Größe".into(), "a=b ü".into()));
    let said = said(&described);
    assert!(said.lines().any(|line| line == "Größe=a=b ü"), "{said}");
    for name in ["PATH", "TEMP"] {
        assert!(std::env::var_os(name).is_some(), "the app should have {name}");
        assert!(!said.to_uppercase().lines().any(|line| line.starts_with(&format!("{name}="))), "{said}");
    }
}

#[test]
fn the_folder_is_the_given_one() {
    let folder = Folder::new("cwd");
    let request = SpawnRequest { cwd: Some(folder.0.clone()), ..request("says its folder") };
    assert_eq!(PathBuf::from(said(&request).trim_end()), folder.0);
}

#[test]
fn a_bare_name_is_searched_in_the_path_of_the_engine() {
    let folder = Folder::new("path");
    folder.add_engine("some-engine.exe");
    let mut path = OsString::from(r"C:\nowhere;");
    path.push(&folder.0);
    let described = with(request("says its folder"), "Path", path);
    for name in ["some-engine", "some-engine.exe", "SOME-engine.EXE"] {
        said(&SpawnRequest { program: name.into(), ..described.clone() });
    }
    assert_eq!(errno(&SpawnRequest { program: "other-engine".into(), ..described }), ENOENT);
}

#[test]
fn a_bare_name_is_not_searched_in_the_folder() {
    let folder = Folder::new("not-in-cwd");
    folder.add_engine("some-engine.exe");
    let request =
        SpawnRequest { cwd: Some(folder.0.clone()), program: "some-engine.exe".into(), ..request("parks") };
    assert_eq!(errno(&request), ENOENT);
}

#[test]
fn a_relative_folder_of_the_path_starts_at_the_folder() {
    let folder = Folder::new("relative-path");
    fs::create_dir(folder.0.join("bin")).unwrap();
    folder.add_engine(r"bin\some-engine.exe");
    let request = with(request("says its folder"), "PATH", "bin");
    said(&SpawnRequest { cwd: Some(folder.0.clone()), program: "some-engine".into(), ..request });
}

#[test]
fn a_relative_path_starts_at_the_folder() {
    let folder = Folder::new("relative");
    fs::create_dir(folder.0.join("bin")).unwrap();
    folder.add_engine(r"bin\some-engine.exe");
    for name in
        [r"bin\some-engine.exe", "bin/some-engine.exe", r".\bin\some-engine", r"bin\..\bin\some-engine"]
    {
        said(&SpawnRequest {
            cwd: Some(folder.0.clone()),
            program: name.into(),
            ..request("says its folder")
        });
    }
}

#[test]
fn the_endings_are_tried_in_the_order_of_pathext() {
    let folder = Folder::new("pathext");
    folder.add_engine("some-engine.exe");
    fs::write(folder.0.join("some-engine.cmd"), "@exit 7\r\n").unwrap();
    fs::write(folder.0.join("some-engine.vbs"), "").unwrap();
    let described =
        SpawnRequest { program: folder.0.join("some-engine").into(), ..request("says its folder") };
    said(&with(described.clone(), "PATHEXT", ".VBS;.EXE;.CMD"));
    let Started { engine, ended: _ended } = start(&with(described, "PATHEXT", ".VBS;.CMD;.EXE"));
    assert_eq!(in_time(move || engine.process.wait()).code, Some(7));
}

#[test]
fn a_name_without_ending_is_never_started_as_it_stands() {
    let folder = Folder::new("no-ending");
    folder.add_engine("some-engine");
    assert_eq!(
        errno(&SpawnRequest { program: folder.0.join("some-engine").into(), ..request("parks") }),
        ENOENT
    );
}

/// What a batch file, in a folder and of a name with spaces, hands to the engine that it starts.
fn said_through_a_batch_file(folder: &str, args: &[&str]) -> Vec<String> {
    let folder = Folder::new(folder);
    let batch = folder.0.join("some engine.cmd");
    fs::write(&batch, "@\"%ENGINE_FILE%\" %*\r\n").unwrap();
    let mut described = with(request("says its arguments"), "ENGINE_FILE", std::env::current_exe().unwrap());
    described.program = batch.into();
    described.args.extend(args.iter().map(OsString::from));
    said(&described).lines().map(str::to_owned).collect()
}

#[test]
fn a_batch_file_gets_its_arguments_as_they_are() {
    let args = ["", "two words", "a&b", "a|b", "x^y", "a>b", "!x!", "ü"];
    assert_eq!(said_through_a_batch_file("batch folder", &args), args);
}

// Fails under Wine, whose cmd.exe does not read `%%cd:~,%` as Windows does; std relies on it.
#[test]
fn a_batch_file_gets_names_of_variables_not_their_values() {
    let args = ["%PATH%", "100%"];
    assert_eq!(said_through_a_batch_file("batch variables", &args), args);
}

#[test]
fn what_a_batch_file_cannot_be_given_is_an_error() {
    let folder = Folder::new("batch-error");
    let batch = folder.0.join("some-engine.bat");
    fs::write(&batch, "@exit 0\r\n").unwrap();
    let args = vec!["two\r\nlines".into()];
    assert_eq!(errno(&SpawnRequest { program: batch.into(), args, ..request("parks") }), EINVAL);
}

#[test]
fn an_argument_that_no_command_line_can_hold_is_an_error() {
    assert_eq!(errno(&SpawnRequest { args: vec!["a\0b".into()], ..request("parks") }), EINVAL);
}

#[test]
fn a_missing_file_is_enoent() {
    for program in [r"C:\nowhere\engine.exe", r"nowhere\engine", ".", r"C:\"] {
        assert_eq!(errno(&SpawnRequest { program: program.into(), ..request("parks") }), ENOENT, "{program}");
    }
}

#[test]
fn a_missing_folder_is_enoent() {
    let cwd = std::env::temp_dir().join("desktop-runtime-nowhere");
    assert_eq!(errno(&SpawnRequest { cwd: Some(cwd), ..request("parks") }), ENOENT);
}

#[test]
fn a_file_that_is_no_program_is_unknown() {
    let folder = Folder::new("no-program");
    let program = folder.0.join("engine.txt");
    fs::write(&program, "no program").unwrap();
    assert_eq!(errno(&SpawnRequest { program: program.into(), ..request("parks") }), UNKNOWN);
}
