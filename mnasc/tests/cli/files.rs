//! Output files: complete or absent, with the permissions of what they replace, each in its own place.

use crate::folder::Folder;
use std::fs;

const RANDOM: [&str; 2] = ["--random-weights", "1"];

#[test]
fn a_path_that_names_a_folder_leaves_nothing_behind() {
    let folder = Folder::new("names-a-folder");
    let before = folder.names();
    for output in ["dir/", "dir/.", "tiny.yaml/"] {
        folder.mnasc(&[&["tiny.yaml", "-o", output][..], &RANDOM].concat()).failed(3, &["cannot write `", output]);
        assert_eq!(folder.names(), before, "{output}");
    }
}

#[test]
fn two_outputs_that_are_one_file_are_refused() {
    let folder = Folder::new("one-file");
    fs::create_dir(folder.path("sub")).unwrap();
    let before = folder.names();
    let absolute = folder.path("a.rs");
    for (code, onnx) in
        [("./a.rs", "a.rs"), ("a.rs", absolute.to_str().unwrap()), ("sub/../a.rs", "a.rs"), ("a.rs", "a.weights")]
    {
        let arguments = [&["tiny.yaml", "-o", code, "--onnx", onnx][..], &RANDOM].concat();
        folder.mnasc(&arguments).failed(2, &["two outputs have the same name", "are one file"]);
        assert_eq!(folder.names(), before, "{code} {onnx}");
    }
    // The control: files of one name in two folders.
    folder.mnasc(&[&["tiny.yaml", "-o", "a.rs", "--onnx", "sub/a.rs"][..], &RANDOM].concat()).done();
}

#[cfg(unix)]
mod unix {
    use super::*;
    use crate::folder::Said;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;

    fn convert(folder: &Folder) -> Said {
        folder.mnasc(&[&["convert", "tiny.yaml", "-o", "w.safetensors"][..], &RANDOM].concat())
    }

    #[test]
    fn private_files_stay_private_and_read_only_files_stay() {
        let folder = Folder::new("modes");
        convert(&folder).done();
        let weights = folder.read("w.safetensors");
        let set = |mode| fs::set_permissions(folder.path("w.safetensors"), Permissions::from_mode(mode)).unwrap();
        let mode = || fs::metadata(folder.path("w.safetensors")).unwrap().permissions().mode() & 0o777;
        folder.write("w.safetensors", "old");
        set(0o600);
        convert(&folder).done();
        assert_eq!((mode(), folder.read("w.safetensors")), (0o600, weights));
        folder.write("w.safetensors", "old");
        set(0o444);
        convert(&folder).failed(3, &["cannot write `w.safetensors`", "read-only"]);
        assert_eq!((mode(), folder.read("w.safetensors")), (0o444, b"old".to_vec()));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_followed() {
        let folder = Folder::new("dangling");
        fs::create_dir(folder.path("sub")).unwrap();
        symlink("sub/w", folder.path("w.safetensors")).unwrap();
        convert(&folder).done();
        assert!(folder.path("w.safetensors").is_symlink());
        assert!(folder.path("sub/w").is_file());
    }

    /// A renamed file whose bytes are not on the disk is empty after a power failure.
    #[test]
    fn files_are_on_the_disk_before_they_are_renamed() {
        let folder = Folder::new("synced");
        let strace = ["-f", "-qq", "-o", "/dev/null"];
        if !Command::new("strace").args(strace).arg("true").output().is_ok_and(|it| it.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "strace is missing, or may not trace");
            eprintln!("skipped: strace is missing, or may not trace");
            return;
        }
        let arguments = [&["tiny.yaml", "-o", "tiny.rs"][..], &RANDOM].concat();
        let mnasc = folder.command(&arguments);
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-e", "trace=fsync,rename,renameat,renameat2", "-o", "trace"]);
        command.arg(mnasc.get_program()).args(mnasc.get_args()).current_dir(folder.path(""));
        Said::of(command.output().unwrap()).done();
        let trace = String::from_utf8(folder.read("trace")).unwrap();
        let calls: Vec<&str> = trace.lines().filter_map(|line| line.split(' ').find(|it| it.contains('('))).collect();
        let kinds: Vec<&str> = calls.iter().filter_map(|call| call.split('(').next()).collect();
        // Two files, their names, and the folder that has them.
        let [a, b, first, second, names] = kinds[..] else { panic!("{trace}") };
        assert_eq!((a, b, names), ("fsync", "fsync", "fsync"), "{trace}");
        assert!(first.starts_with("rename") && second.starts_with("rename"), "{trace}");
        assert!(calls[0].contains(".tmp>") && calls[1].contains(".tmp>") && !calls[4].contains(".tmp>"), "{trace}");
    }
}
