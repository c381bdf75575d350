//! Owners and second names, as only root can make them: without root's rights there is nothing to see.

use std::os::unix::fs::{chown, lchown};

use super::*;

const THEIRS: u32 = 65_534;
const USER: u32 = 1000;

/// A folder of that owner and mode, removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, owner: u32, mode: u32) -> Option<Place> {
        if own_id() != ROOT {
            return None;
        }
        let path = std::env::temp_dir().join(format!("files-test-{name}-{}-{mode:o}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        chown(&path, Some(owner), None).unwrap();
        Some(Place(path))
    }

    fn file(&self, name: &str, owner: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, "text").unwrap();
        lchown(&path, Some(owner), None).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// All ways in which a file is judged.
fn verdicts(path: &Path) -> [bool; 4] {
    [
        open_to_read(path).is_ok(),
        open_lock_file(path).is_ok(),
        open_private_file(path).is_ok(),
        make_private(path).is_ok(),
    ]
}

#[test]
fn a_file_of_another_owner_counts_where_nobody_else_can_write() {
    for (mode, believed) in [(0o700, true), (0o755, true), (0o775, false), (0o757, false), (0o1777, false)] {
        let Some(place) = Place::new("owner", ROOT, mode) else { return };
        assert_eq!(verdicts(&place.file("f", THEIRS)), [believed; 4], "{mode:o}");
        let names = fs::read_dir(&place.0).unwrap().count();
        assert_eq!(names, 1, "nothing is left of the look at whom new files belong to");
    }
}

#[test]
fn in_a_folder_of_another_user_only_its_owner_and_we_count() {
    let Some(place) = Place::new("user", USER, 0o755) else { return };
    assert_eq!(verdicts(&place.file("theirs", THEIRS)), [false; 4]);
    assert_eq!(verdicts(&place.file("of the user", USER)), [true; 4]);
    assert_eq!(verdicts(&place.file("ours", ROOT)), [true; 4]);
}

#[test]
fn a_second_name_counts_where_others_can_write_and_never_for_a_lock() {
    for (mode, written) in [(0o755, true), (0o1777, false)] {
        let Some(place) = Place::new("names", ROOT, mode) else { return };
        let path = place.file("f", ROOT);
        fs::hard_link(&path, place.0.join("second")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(verdicts(&path), [true, true, written, written], "{mode:o}");
        let narrowed = fs::metadata(&path).unwrap().mode() & 0o777 == PRIVATE;
        assert_eq!(narrowed, written, "what may be at home elsewhere stays as it is");
    }
}

/// A server that gives root's files to nobody (NFS with `root_squash`) looks like this: who we are says one thing, and
/// what we make another.
#[cfg(target_os = "linux")]
#[test]
fn what_we_made_is_ours_whomever_the_server_gives_it_to() {
    let Some(place) = Place::new("squashed", USER, 0o777) else { return };
    let stranger = place.file("stranger", USER + 1);
    // A thread of its own: it is the one whose files belong to somebody else, and it ends with that.
    let made = std::thread::scope(|scope| {
        let squashed = scope.spawn(|| {
            // SAFETY: it takes a number, and changes nothing but the calling thread's rights on files.
            unsafe { libc::setfsuid(THEIRS) };
            assert_eq!(own_id(), ROOT);
            let path = place.0.join("made");
            drop(open_private_file(&path).unwrap());
            drop(open_lock_file(&place.0.join("lock")).unwrap());
            assert_eq!(fs::metadata(&path).unwrap().uid(), THEIRS);
            (verdicts(&path), verdicts(&stranger))
        });
        squashed.join().unwrap()
    });
    assert_eq!(made, ([true; 4], [false; 4]));
}
