//! Files that are replaced as a whole.

use mnas_files::{PublishError, Reason, TempFolder, check_distinct, publish, resolve};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

fn folder() -> TempFolder {
    TempFolder::new("mnas-files-test").unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn reason(result: Result<(), PublishError>) -> Reason {
    result.expect_err("must be refused").reason
}

#[test]
fn files_are_replaced_and_nothing_else_is_left() {
    let folder = folder();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    publish(&[(&a, b"one"), (&b, b"two")]).unwrap();
    publish(&[(&a, b"three"), (&b, b"")]).unwrap();
    assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (b"three".to_vec(), Vec::new()));
    assert_eq!(names(folder.path()), ["a", "b"]);
}

#[test]
fn all_are_written_or_none() {
    let folder = folder();
    let (a, dir) = (folder.path().join("a"), folder.path().join("dir"));
    fs::create_dir(&dir).unwrap();
    for outputs in [[(&*a, &b"new"[..]), (&dir, b"new")], [(&dir, b"new"), (&a, b"new")]] {
        assert!(matches!(reason(publish(&outputs)), Reason::Folder));
    }
    for place in ["missing/", "missing/.", "missing/..", "a/"] {
        let place = folder.path().join(place);
        assert!(!matches!(reason(publish(&[(&a, b"new"), (&place, b"new")])), Reason::SameFile(_)), "{place:?}");
    }
    let missing = folder.path().join("missing").join("b");
    assert!(matches!(reason(publish(&[(&a, b"new"), (&missing, b"new")])), Reason::System(_)));
    assert_eq!(names(folder.path()), ["dir"]);
}

#[test]
fn two_outputs_are_two_files() {
    let folder = folder();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let a = folder.path().join("a");
    for other in ["a", "./a", "sub/../a"] {
        let other = folder.path().join(other);
        assert!(matches!(reason(publish(&[(&a, b"1"), (&other, b"2")])), Reason::SameFile(it) if it == a));
        assert!(check_distinct(&[&a, &other]).is_err());
    }
    assert_eq!(names(folder.path()), ["sub"]);
    // The control: two files of one name in two folders.
    publish(&[(&a, b"1"), (&folder.path().join("sub/a"), b"2")]).unwrap();
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn permissions_are_kept() {
        let folder = folder();
        let path = folder.path().join("weights");
        for kept in [0o600, 0o640, 0o755, 0o200] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            publish(&[(&path, b"new")]).unwrap();
            assert_eq!(mode(&path), kept);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
    }

    #[test]
    fn read_only_files_are_kept() {
        let folder = folder();
        let path = folder.path().join("weights");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(reason(publish(&[(&path, b"new")])), Reason::ReadOnly));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["weights"]);
    }

    #[test]
    fn links_are_followed_also_those_that_lead_nowhere() {
        let folder = folder();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let links = [("link", "sub/file"), ("second", "link"), ("sub/up", "../file")];
        for (link, to) in links {
            symlink(to, folder.path().join(link)).unwrap();
        }
        for (link, to) in [("link", "sub/file"), ("second", "sub/file"), ("sub/up", "file")] {
            let (link, to) = (folder.path().join(link), folder.path().join(to));
            for _ in 0..2 {
                publish(&[(&link, link.as_os_str().as_encoded_bytes())]).unwrap();
                assert!(link.is_symlink());
                assert_eq!(fs::read(&to).unwrap(), link.as_os_str().as_encoded_bytes());
                assert_eq!(resolve(&link).unwrap(), fs::canonicalize(&to).unwrap());
            }
            fs::remove_file(&to).unwrap();
            assert!(matches!(reason(publish(&[(&to, b"1"), (&link, b"2")])), Reason::SameFile(_)));
        }
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(matches!(reason(publish(&[(&folder.path().join("loop"), b"1")])), Reason::System(_)));
    }

    #[test]
    fn devices_are_written_in_place() {
        publish(&[(Path::new("/dev/null"), b"1"), (Path::new("/dev/null"), b"2")]).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        if !Path::new("/dev/full").exists() {
            return;
        }
        let folder = folder();
        let a = folder.path().join("a");
        assert!(matches!(reason(publish(&[(&a, b"1"), (Path::new("/dev/full"), b"2")])), Reason::System(_)));
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn temporary_folders_are_private_and_removed() {
        let folder = folder();
        let path = folder.path().to_owned();
        assert_eq!(mode(&path), 0o700);
        drop(folder);
        assert!(!path.exists());
    }
}

#[test]
fn files_of_killed_processes_are_removed_after_a_day() {
    let folder = folder();
    let long_ago = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    let old = [".a.0123456789abcdef.tmp", ".a.notes.tmp", ".b.0123456789abcdef.tmp"];
    for name in old {
        let file = File::create(folder.path().join(name)).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    fs::write(folder.path().join(".a.fedcba9876543210.tmp"), "of a process that runs").unwrap();
    publish(&[(&folder.path().join("a"), b"new")]).unwrap();
    assert_eq!(names(folder.path()), [".a.fedcba9876543210.tmp", old[1], old[2], "a"]);
}
