//! The processes of a program: what it started, and what it left behind.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Child, Command};

/// Kills a program and what it has started. It has no process group of its own, so that an interrupt from the keyboard
/// reaches it as it reaches the search.
pub(super) fn kill(child: &mut Child) {
    let mut others = Vec::new();
    if cfg!(windows) {
        let id = child.id().to_string();
        let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &id]).output();
    } else {
        others = descendants(child.id());
    }
    // The program first: it could start more of them.
    let _ = child.kill();
    kill_all(&others);
    let _ = child.wait();
}

fn kill_all(ids: &[u32]) {
    if !ids.is_empty() {
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        let _ = Command::new("sh").args(["-c", &format!("kill -9 {}", ids.join(" "))]).output();
    }
}

/// The names of the pipes that a program writes to, where the system tells them.
pub(super) fn pipes(child: &Child) -> Vec<OsString> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd as _;
        let ends = [child.stdout.as_ref().map(|it| it.as_raw_fd()), child.stderr.as_ref().map(|it| it.as_raw_fd())];
        let name = |end| std::fs::read_link(format!("/proc/self/fd/{end}")).ok();
        ends.into_iter().flatten().filter_map(name).map(OsString::from).collect()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = child;
        Vec::new()
    }
}

/// Kills the processes that can write to one of these pipes, and gives their number. Their parent has ended, so that
/// nothing else tells whose they are.
pub(super) fn kill_writers(pipes: &[OsString]) -> usize {
    let writers = if pipes.is_empty() { Vec::new() } else { writers(pipes) };
    kill_all(&writers);
    writers.len()
}

#[cfg(target_os = "linux")]
fn writers(pipes: &[OsString]) -> Vec<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    const WRITES: u32 = 0o200;
    // The name of an open file is a link whose permissions are those that it was opened with. Other users' processes
    // cannot be looked at, and are not the program's.
    let writes = |entry: std::fs::DirEntry| -> Option<bool> {
        let is_pipe = pipes.iter().any(|pipe| std::fs::read_link(entry.path()).is_ok_and(|name| name == *pipe));
        Some(is_pipe && std::fs::symlink_metadata(entry.path()).ok()?.permissions().mode() & WRITES != 0)
    };
    let has_pipe = |id: &u32| {
        let files = std::fs::read_dir(format!("/proc/{id}/fd"));
        files.is_ok_and(|mut files| files.any(|entry| entry.ok().and_then(writes) == Some(true)))
    };
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id| *id != std::process::id() && has_pipe(id)).collect()
}

#[cfg(not(target_os = "linux"))]
fn writers(_: &[OsString]) -> Vec<u32> {
    Vec::new()
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
        // The name, in brackets, may contain brackets; its state and its parent follow.
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
