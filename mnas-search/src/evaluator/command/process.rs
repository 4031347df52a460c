//! Runs a program with an input and a time limit.

use super::tree;
use std::io::{Read, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes of an output are kept, from its end.
const KEPT: usize = 1 << 20;

/// How often it is checked whether a program has ended.
const POLL: Duration = Duration::from_millis(10);

/// How long an output may stay open when the program has ended: what it wrote last is read in less.
const GRACE: Duration = Duration::from_secs(1);

/// How a program ended.
pub(super) enum Ended {
    /// By itself.
    Itself(Finished),
    /// It took too long, and was killed with all that it had started.
    Killed,
}

/// What a program that ended by itself has left.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// The end of its standard output.
    pub(super) out: Vec<u8>,
    /// The end of its standard error.
    pub(super) err: Vec<u8>,
    /// Whether processes that it had started kept its output open, and how many of them were killed.
    pub(super) left_behind: Option<usize>,
}

/// Runs a program with `input` as its standard input, for at most `timeout`. It ends with the process that was started:
/// what that leaves running in the background is not waited for.
pub(super) fn run(command: &mut Command, input: &[u8], timeout: Option<Duration>) -> std::io::Result<Ended> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    let input = input.to_vec();
    // A program that does not read its input may still know the answer, so a failure does not matter. The thread ends
    // with the program.
    thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let pipes = tree::pipes(&child);
    let outputs = [child.stdout.take().map(Output::read), child.stderr.take().map(Output::read)];
    let is_late = || timeout.is_some_and(|timeout| start.elapsed() >= timeout);
    let status = match timeout {
        None => child.wait()?,
        Some(_) => loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if is_late() => {
                    tree::kill(&mut child);
                    tree::kill_writers(&pipes);
                    return Ok(Ended::Killed);
                }
                None => thread::sleep(POLL),
            }
        },
    };
    let end = Instant::now();
    let wait = || outputs.iter().flatten().all(|output| output.ends_within(GRACE.saturating_sub(end.elapsed())));
    let left_behind = if wait() { None } else { Some(tree::kill_writers(&pipes)) };
    let [out, err] = outputs.map(|output| output.map(|output| output.take()).unwrap_or_default());
    Ok(Ended::Itself(Finished { status, out, err, left_behind }))
}

/// An output that is read by a thread.
struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    /// Disconnected at the end of the output.
    open: Receiver<()>,
}

impl Output {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let (end, open) = channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let output = Output { kept: kept.clone(), open };
        thread::spawn(move || {
            let _end = end;
            let mut part = vec![0; 1 << 16];
            // A read that fails ends the output.
            while let Ok(count @ 1..) = from.read(&mut part) {
                let Ok(mut kept) = kept.lock() else { return };
                kept.extend_from_slice(&part[..count]);
                if kept.len() > 2 * KEPT {
                    let more = kept.len() - KEPT;
                    kept.drain(..more);
                }
            }
        });
        output
    }

    /// Whether all of it has been read, now or in a moment.
    fn ends_within(&self, moment: Duration) -> bool {
        matches!(self.open.recv_timeout(moment), Err(std::sync::mpsc::RecvTimeoutError::Disconnected))
    }

    /// What has been read so far.
    fn take(self) -> Vec<u8> {
        self.kept.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(line: &str, timeout: Option<u64>) -> Ended {
        run(Command::new("sh").args(["-c", line]), b"job\n", timeout.map(Duration::from_millis)).unwrap()
    }

    fn finished(ended: Ended) -> Finished {
        match ended {
            Ended::Itself(finished) => finished,
            Ended::Killed => panic!("killed"),
        }
    }

    fn said(ended: Ended) -> String {
        let finished = finished(ended);
        assert_eq!(finished.left_behind, None);
        String::from_utf8(finished.out).unwrap()
    }

    #[test]
    fn programs_read_their_input_and_say_what_they_say() {
        assert_eq!(said(sh("cat; echo more", None)), "job\nmore\n");
        assert_eq!(said(sh("cat; echo more", Some(60_000))), "job\nmore\n");
        let failed = finished(sh("echo wrong >&2; kill -9 $$", Some(60_000)));
        assert!(!failed.status.success() && failed.err == b"wrong\n");
        // Of a long output the end is kept.
        let much = said(sh("yes 0123456789abcdef | head -c 9000000; echo; echo end", Some(60_000)));
        assert!(much.ends_with("\nend\n") && (KEPT..4 * KEPT).contains(&much.len()), "{}", much.len());
    }

    #[test]
    fn a_slow_program_is_killed_with_its_children() {
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
        // The control: this process is alive, by the same measure.
        assert!(is_alive(std::process::id()));
        assert_ends(child);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// A daemon that keeps the output open is neither waited for nor taken for a program that takes too long.
    #[test]
    fn a_process_that_is_left_behind_ends_with_the_program() {
        for (timeout, keeps) in [(None, ""), (Some(60_000), ""), (Some(60_000), ">&2"), (Some(60_000), "2>&1 >&2")] {
            let left = finished(sh(&format!("sleep 100000 {keeps} & echo $!; echo said >&2"), timeout));
            assert!(left.status.success() && left.err == b"said\n");
            let child: u32 = String::from_utf8(left.out).unwrap().trim().parse().unwrap();
            if cfg!(target_os = "linux") {
                assert!(left.left_behind >= Some(1), "{:?}", left.left_behind);
                assert_ends(child);
            } else {
                assert!(left.left_behind.is_some());
            }
        }
    }

    /// A process with redirected outputs is not touched: a server that was started on purpose continues.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_with_its_own_outputs_continues() {
        let child = said(sh("sleep 100000 < /dev/null > /dev/null 2>&1 & echo $!", Some(60_000)));
        let child: u32 = child.trim().parse().unwrap();
        assert!(is_alive(child));
        Command::new("sh").args(["-c", &format!("kill -9 {child}")]).status().unwrap();
        assert_ends(child);
    }

    fn is_alive(id: u32) -> bool {
        let asked = Command::new("sh").args(["-c", &format!("kill -0 {id}")]).output();
        asked.is_ok_and(|it| it.status.success()) && !is_dead(id)
    }

    #[track_caller]
    fn assert_ends(id: u32) {
        // The process that adopts it waits for it at some time.
        for _ in 0..500 {
            if !is_alive(id) {
                return;
            }
            thread::sleep(POLL);
        }
        panic!("{id} is alive");
    }

    /// Whether a process has ended, waited for or not.
    fn is_dead(id: u32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        status.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    }
}
