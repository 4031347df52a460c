//! Runs the program of this crate on many inputs, within limits, and finds out which of them did harm.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What one input may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Address space of the process, in KiB.
    pub memory: u64,
    /// Stack, in KiB.
    pub stack: u64,
    /// Time of the processor.
    pub processor: Duration,
    /// Time by the clock, for what sleeps: far more, for the machine may do other things.
    pub clock: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 256 << 10,
            // The least that a main thread has (on Windows).
            stack: 1 << 10,
            processor: Duration::from_secs(1),
            clock: Duration::from_secs(120),
        }
    }
}

/// Inputs, as the program takes them.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// Mutants 0 to `count`.
    Mutants {
        /// Decides which.
        seed: u64,
        /// How many.
        count: u64,
    },
    /// Files.
    Files(&'a [PathBuf]),
}

/// What became of all inputs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Inputs that were read.
    pub accepted: Vec<u64>,
    /// Inputs that were refused.
    pub refused: Vec<u64>,
    /// Inputs that did harm, and which.
    pub harm: BTreeMap<u64, String>,
    /// Whether system calls were watched.
    pub traced: bool,
}

/// Harms after which no more are looked for.
const ENOUGH: usize = 8;

/// Reads all inputs with `program`. `folder` is for the trace, and the process runs in it.
///
/// # Panics
///
/// If the program or the trace cannot be had at all.
pub fn watch(program: &Path, format: &str, inputs: Inputs<'_>, limits: Limits, folder: &Path) -> Report {
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let end = match inputs {
        Inputs::Mutants { count, .. } => count,
        Inputs::Files(files) => files.len() as u64,
    };
    let mut report = Report { traced: tracer(), ..Report::default() };
    let mut from = 0;
    while from < end && report.harm.len() < ENOUGH {
        let trace = folder.join(format!("{format}.trace"));
        // What a run before left is not this one's.
        let _ = fs::remove_file(&trace);
        let mut command = limited(program, limits, report.traced.then_some(&*trace));
        match inputs {
            Inputs::Mutants { seed, count } => {
                command.args(["mutants", format]).args([seed, from, count].map(|number| number.to_string()))
            }
            Inputs::Files(files) => command.args(["files", format]).args(&files[from as usize..]),
        };
        let start = match inputs {
            Inputs::Mutants { .. } => 0,
            // Those that are given anew are counted anew.
            Inputs::Files(_) => from,
        };
        command.current_dir(folder).env("RUST_BACKTRACE", "0");
        from = follow(&mut command, from, end, limits, &mut report);
        if report.traced {
            let text = fs::read(&trace).unwrap_or_else(|error| panic!("{}: {error}", trace.display()));
            for (index, call) in calls(&String::from_utf8_lossy(&text)) {
                report.harm.entry(index + start).or_insert_with(|| format!("a call that no reader makes: {call}"));
            }
        }
    }
    report
}

/// Whether strace is there and may trace.
fn tracer() -> bool {
    let output = Command::new("strace").args(["-f", "--seccomp-bpf", "-o", "/dev/null", "true"]).output();
    output.is_ok_and(|output| output.status.success())
}

/// The program within its limits, traced or not.
fn limited(program: &Path, limits: Limits, trace: Option<&Path>) -> Command {
    let shell = format!("ulimit -c 0 -s {} -v {} && exec \"$0\" \"$@\"", limits.stack, limits.memory);
    let mut command = match trace {
        None => Command::new("bash"),
        Some(file) => {
            // Every call that takes a path, makes a socket or a process. Reading an open file is not among them.
            let mut strace = Command::new("strace");
            strace.args(["-f", "--seccomp-bpf", "-qq", "-s", "200", "-e", "trace=%file,%network,%process", "-o"]);
            strace.arg(file).args(["--", "bash"]);
            strace
        }
    };
    command.args(["-c", &shell]).arg(program);
    command
}

/// Counts answers until the process ends or has to be ended; returns the input to go on with.
fn follow(command: &mut Command, from: u64, end: u64, limits: Limits, report: &mut Report) -> u64 {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (answers, words) = listen(&mut child);
    let pid = match answers.recv_timeout(limits.clock) {
        Ok(line) => line.strip_prefix("ready ").and_then(|pid| pid.parse().ok()),
        Err(_) => None,
    };
    let Some(pid) = pid else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{command:?} does not start: {}", words.join().unwrap_or_default());
    };
    let mut at = from;
    // The processor's time when the input at hand was first waited for: what others took before it does not count. Most
    // are answered before that, and asking is a file of its own to read.
    let mut spent = None;
    let mut since = Instant::now();
    let harm = loop {
        match answers.recv_timeout(Duration::from_millis(50)) {
            Ok(answer) => {
                match answer.as_str() {
                    "accepted" => report.accepted.push(at),
                    "refused" => report.refused.push(at),
                    other => break Some(format!("it printed {other:?}")),
                }
                at += 1;
                (spent, since) = (None, Instant::now());
            }
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => {
                let now = processor_time(pid);
                if now.saturating_sub(*spent.get_or_insert(now)) > limits.processor {
                    break Some(format!("it takes more than {:?} of the processor", limits.processor));
                } else if since.elapsed() > limits.clock {
                    break Some(format!("no answer after {:?}", limits.clock));
                }
            }
        }
    };
    if let Some(harm) = harm {
        end_process(pid, &mut child);
        report.harm.insert(at, harm);
        return at + 1;
    }
    let status = child.wait().unwrap_or_else(|error| panic!("{error}"));
    if at == end && status.success() {
        return end;
    }
    let words = words.join().unwrap_or_default();
    let words: String = words.chars().take(2000).collect();
    report.harm.insert(at.min(end - 1), format!("the process died: {status}; {}", words.trim()));
    at + 1
}

/// Lines of standard output as they come, and all of standard error in the end.
fn listen(child: &mut Child) -> (Receiver<String>, thread::JoinHandle<String>) {
    let (send, answers) = mpsc::channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::spawn(move || {
        for line in out.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let words = thread::spawn(move || {
        let mut words = Vec::new();
        // A process that was ended may leave half a letter.
        let _ = err.map(|err| err.take(1 << 20).read_to_end(&mut words));
        String::from_utf8_lossy(&words).into_owned()
    });
    (answers, words)
}

/// Ends the process and the tracer.
fn end_process(pid: u32, child: &mut Child) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    let _ = child.wait();
}

/// Time that a process has had of the processors; nothing once it has ended.
fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name, which may hold anything, in brackets: the 12th and 13th are ticks, of which Linux shows 100 a second.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Calls that were made while inputs were read, with the input's number.
fn calls(trace: &str) -> Vec<(u64, &str)> {
    let mut found = Vec::new();
    let mut at = None;
    for line in trace.lines() {
        // The process's number comes first.
        let call = line.split_once(' ').map_or(line, |(_, call)| call).trim_start();
        if let Some((_, after)) = call.split_once("\"/input/") {
            at = after.split('"').next().and_then(|index| index.parse::<u64>().ok());
            continue;
        }
        let nothing = call.starts_with("+++") || call.starts_with("---") || call.starts_with("<...");
        if let (Some(index), false) = (at, nothing) {
            found.push((index, call));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_belong_to_inputs() {
        let trace = "7 execve(\"/x\", [\"x\"], 0x1) = 0\n7 openat(AT_FDCWD, \"/lib/x.so\", O_RDONLY) = 3\n\
            7 statx(AT_FDCWD, \"/input/3\", AT_STATX_SYNC_AS_STAT, STATX_ALL, 0x1) = -1 ENOENT\n\
            7 openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 3\n7 --- SIGSEGV {} ---\n\
            7 statx(AT_FDCWD, \"/input/end\", AT_STATX_SYNC_AS_STAT, STATX_ALL, 0x1) = -1 ENOENT\n\
            7 exit_group(0) = ?\n7 +++ exited with 0 +++\n";
        assert_eq!(calls(trace), [(3, "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 3")]);
    }

    #[test]
    fn time_of_the_processor_is_seen() {
        let before = processor_time(std::process::id());
        let started = Instant::now();
        while processor_time(std::process::id()) < before + Duration::from_millis(50) {
            assert!(started.elapsed() < Duration::from_secs(60), "no time passes");
        }
    }
}
