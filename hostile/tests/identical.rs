//! The same spec gives the same bytes in every process, folder, language and time zone; hash tables have other keys in
//! each process. Every shipped spec is compiled for one thread, for several threads and as a formatted file, each by two
//! processes, and to ONNX by all six. With `MNAS_NIGHT` there are 20 processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// Forms of the code, and for each the processes of a round of the tests and of a night.
const FORMS: [(&str, usize, usize); 3] = [("alone", 2, 8), ("threaded", 2, 8), ("text", 2, 4)];

/// Processes at once.
const WORKERS: usize = 2;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Shipped specs by their paths from the folder of specs, in order.
fn shipped() -> Vec<String> {
    let of = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(root().join("specs").join(folder)).expect("a folder of specs");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".yaml")).collect();
        names.sort();
        names.iter().map(|name| format!("{folder}{name}")).collect()
    };
    [of(""), of("widths/")].concat()
}

/// Two folders with these specs, one with a name that is hard to type.
fn folders(test: &str, names: &[String]) -> [PathBuf; 2] {
    ["identical", "identical with spaces/and \u{e9}/below"].map(|name| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test).join(name);
        fs::create_dir_all(folder.join("widths")).expect("a folder to write to");
        for name in names {
            fs::copy(root().join("specs").join(name), folder.join(name)).expect("a copy");
        }
        folder
    })
}

/// Folder, language and time zone of process `number`: two in a row differ in all of them, four have all pairs of folder
/// and language.
fn place(number: usize) -> (usize, &'static str, &'static str) {
    let folder = number % 2;
    let is_other = (number / 2 + number) % 2 == 1;
    let (language, zone) = if is_other { ("de_DE.UTF-8", "Pacific/Kiritimati") } else { ("C", "UTC") };
    (folder, language, zone)
}

/// The hashes of specs, as process `number` prints them.
fn run(folders: &[PathBuf; 2], number: usize, form: &str, names: &[String]) -> String {
    let (folder, language, zone) = place(number);
    let folder = &folders[folder];
    let mut command = Command::new(env!("CARGO_BIN_EXE_mnas-hostile"));
    command.args(["bytes", form]).args(names).current_dir(folder);
    command.env("LANG", language).env("LC_ALL", language).env("TZ", zone).env("HOME", folder);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_run_gives_the_same_bytes() {
    let names = shipped();
    let table = fs::read_to_string(root().join("README.md")).expect("a README");
    let rows: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| [`")?.split(['(', ')']).nth(1)).collect();
    assert!(rows.len() >= 24, "{rows:?}");
    for row in rows {
        assert!(names.iter().any(|name| row == format!("specs/{name}")), "{row} of the README's table");
    }
    let folders = folders("every_run", &names);
    let is_night = std::env::var_os("MNAS_NIGHT").is_some();
    let processes = |(form, usual, night)| (0..if is_night { night } else { usual }).map(move |number| (form, number));
    let processes: Vec<(&str, usize)> = FORMS.into_iter().flat_map(processes).collect();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    thread::scope(|scope| {
        let (folders, names, processes) = (&folders, &names, &processes);
        let work = move |worker| -> Vec<_> {
            let own = processes.iter().skip(worker).step_by(WORKERS);
            own.map(|&(form, number)| (form, run(folders, number, form, names))).collect()
        };
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
        for (form, hashes) in workers.into_iter().flat_map(|worker| worker.join().expect("no panic")) {
            found.entry(form).or_default().push(hashes);
        }
    });
    assert_eq!(found.values().map(Vec::len).sum::<usize>(), if is_night { 20 } else { 6 });
    for (form, runs) in &found {
        assert!(runs.len() >= 2 && runs.iter().all(|hashes| *hashes == runs[0]), "{form}: {runs:#?}");
    }
    // No two networks are the same, nor two forms of one, or a hash would be none; ONNX has no forms.
    let lines: Vec<&str> = found.values().flat_map(|runs| runs[0].lines()).collect();
    let column = |index| lines.iter().filter_map(|line| line.split(' ').nth(index)).collect::<BTreeSet<&str>>().len();
    assert_eq!((column(0), column(1)), (3 * names.len(), names.len()), "{lines:#?}");
    // A spec that differs in one number, of the first and of another width.
    for name in [&names[0], &names[names.len() - 1]] {
        let path = folders[0].join(name);
        let changed = fs::read_to_string(&path).expect("a spec").replacen("stride: 2", "stride: 1", 1);
        fs::write(&path, changed).expect("a folder to write to");
        let other = run(&folders, 0, "alone", std::slice::from_ref(name));
        assert!(other.ends_with(&format!(" {name}\n")) && !found["alone"][0].contains(&other), "{other}");
    }
}

/// Code that says where or when it was made is found out by these runs.
#[test]
fn planted_differences_are_found() {
    let names = ["mnasnet_small.yaml".to_owned()];
    let folders = folders("planted", &names);
    let hashes =
        |form: &str| (0..4).map(|number| run(&folders, number, form, &names)).collect::<BTreeSet<String>>().len();
    for (form, expected) in
        [("planted-keys", 4), ("planted-folder", 2), ("planted-language", 2), ("planted-zone", 2), ("alone", 1)]
    {
        assert_eq!(hashes(form), expected, "{form}");
    }
}
