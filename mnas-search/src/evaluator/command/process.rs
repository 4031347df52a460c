//! A program that is given some text and some time.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What is kept of what a program says, from its end.
const KEPT: usize = 1 << 20;

/// How often it is seen whether a program has ended.
const POLL: Duration = Duration::from_millis(10);

/// What a program did.
pub(super) enum Ended {
    /// It ended by itself, and said this on standard output and standard error; of much, the end.
    Itself(ExitStatus, Vec<u8>, Vec<u8>),
    /// It took too long, and was killed with all that it had started.
    Killed,
}

/// Runs a program with `input` as its standard input, for at most `timeout`.
pub(super) fn run(command: &mut Command, input: &[u8], timeout: Option<Duration>) -> std::io::Result<Ended> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    let input = input.to_vec();
    // A program that does not read may still know what to answer, so it is no matter whether this succeeds. It ends with
    // the program.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let (out, err) = (child.stdout.take().map(keep), child.stderr.take().map(keep));
    let late = |start: Instant| timeout.is_some_and(|timeout| start.elapsed() >= timeout);
    let status = match timeout {
        None => child.wait()?,
        Some(_) => loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if late(start) => {
                    kill(&mut child);
                    return Ok(Ended::Killed);
                }
                None => thread::sleep(POLL),
            }
        },
    };
    // What it started and left behind may hold its output open.
    let said = |from: Option<mpsc::Receiver<Vec<u8>>>| match (from, timeout) {
        (None, _) => Some(Vec::new()),
        (Some(from), None) => from.recv().ok(),
        (Some(from), Some(timeout)) => {
            from.recv_timeout(timeout.saturating_sub(start.elapsed()).max(Duration::from_secs(1))).ok()
        }
    };
    match (said(out), said(err)) {
        (Some(out), Some(err)) => Ok(Ended::Itself(status, out, err)),
        _ => Ok(Ended::Killed),
    }
}

/// Reads to the end, and gives the last of it.
fn keep(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let (mut kept, mut part) = (Vec::new(), vec![0; 1 << 16]);
        // A read that fails is an end.
        while let Ok(count @ 1..) = from.read(&mut part) {
            kept.extend_from_slice(&part[..count]);
            if kept.len() > 2 * KEPT {
                kept.drain(..kept.len() - KEPT);
            }
        }
        let _ = send.send(kept);
    });
    receive
}

/// Kills a program and what it has started. It is in no group of its own, so that an interrupt from the keyboard reaches it
/// as it reaches the search.
fn kill(child: &mut Child) {
    let mut others = Vec::new();
    if cfg!(windows) {
        let id = child.id().to_string();
        let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &id]).output();
    } else {
        others = descendants(child.id());
    }
    // First who would start more of them.
    let _ = child.kill();
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(u32::to_string).collect();
        let _ = Command::new("sh").args(["-c", &format!("kill -9 {}", others.join(" "))]).output();
    }
    let _ = child.wait();
}

/// The processes that a process has started, and that they have started.
fn descendants(of: u32) -> Vec<u32> {
    let parents = if cfg!(target_os = "linux") { parents_by_proc() } else { parents_by_ps() };
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(parents.iter().filter(|&(_, &it)| it == parent).map(|(&id, _)| id));
        at += 1;
    }
    found.split_off(1)
}

/// The parent of each process.
fn parents_by_proc() -> BTreeMap<u32, u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeMap::new() };
    let parent = |entry: std::fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // Its name, in brackets, may have any of them in it; then come its state and its parent.
        let parent = status.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((id, parent))
    };
    entries.filter_map(|entry| parent(entry.ok()?)).collect()
}

/// The parent of each process.
fn parents_by_ps() -> BTreeMap<u32, u32> {
    let Ok(output) = Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid="]).output() else {
        return BTreeMap::new();
    };
    let line = |line: &str| {
        let mut words = line.split_whitespace().map(str::parse);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(line).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(line: &str, timeout: Option<u64>) -> Ended {
        run(Command::new("sh").args(["-c", line]), b"job\n", timeout.map(Duration::from_millis)).unwrap()
    }

    fn said(ended: Ended) -> String {
        match ended {
            Ended::Itself(_, out, _) => String::from_utf8(out).unwrap(),
            Ended::Killed => panic!("killed"),
        }
    }

    #[test]
    fn programs_read_their_input_and_say_what_they_say() {
        assert_eq!(said(sh("cat; echo more", None)), "job\nmore\n");
        assert_eq!(said(sh("cat; echo more", Some(60_000))), "job\nmore\n");
        let Ended::Itself(status, _, err) = sh("echo wrong >&2; kill -9 $$", Some(60_000)) else { panic!("killed") };
        assert!(!status.success() && err == b"wrong\n");
        // Much of it is kept from its end.
        let much = said(sh("yes 0123456789abcdef | head -c 9000000; echo; echo end", Some(60_000)));
        assert!(much.ends_with("\nend\n") && (KEPT..4 * KEPT).contains(&much.len()), "{}", much.len());
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_that_it_started() {
        let folder = std::env::temp_dir().join(format!("mnas-process-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (id, done) = (folder.join("id"), folder.join("done"));
        // A program that starts another, which would write a file.
        let line = format!(
            "sh -c 'echo $$ > {}; while :; do sleep 0.05; done; echo > {}' & wait",
            id.display(),
            done.display()
        );
        assert!(matches!(sh(&line, Some(700)), Ended::Killed));
        let child: u32 = std::fs::read_to_string(&id).unwrap().trim().parse().unwrap();
        let is_alive = || {
            Command::new("sh").args(["-c", &format!("kill -0 {child}")]).output().is_ok_and(|it| it.status.success())
        };
        // The control: this process is alive, by the same measure.
        let own = std::process::id();
        assert!(Command::new("sh").args(["-c", &format!("kill -0 {own}")]).status().unwrap().success());
        // Whoever takes it over buries it some time.
        for _ in 0..500 {
            if !is_alive() || is_dead(child) {
                std::fs::remove_dir_all(&folder).unwrap();
                return;
            }
            thread::sleep(POLL);
        }
        panic!("{child} is alive");
    }

    /// Whether a process has ended, buried or not.
    fn is_dead(id: u32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        status.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    }
}
