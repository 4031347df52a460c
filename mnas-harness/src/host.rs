//! What a program can learn of its machine, and where on it the program runs.

use std::fs;

/// Pins the process to the last of the processors that it may use, as the first has the most other work.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn pin() -> Option<usize> {
    extern "C" {
        fn sched_getaffinity(process: i32, bytes: usize, mask: *mut u64) -> i32;
        fn sched_setaffinity(process: i32, bytes: usize, mask: *const u64) -> i32;
    }
    let mut mask = [0_u64; 16];
    let bytes = std::mem::size_of_val(&mask);
    // SAFETY: `mask` has `bytes` bytes, and the system writes no more.
    if unsafe { sched_getaffinity(0, bytes, mask.as_mut_ptr()) } < 0 {
        return None;
    }
    let last = (0..mask.len() * 64).rev().find(|at| (mask[at / 64] >> (at % 64)) & 1 == 1)?;
    mask = [0; 16];
    mask[last / 64] = 1 << (last % 64);
    // SAFETY: `mask` has `bytes` bytes, and the system reads no more.
    (unsafe { sched_setaffinity(0, bytes, mask.as_ptr()) } == 0).then_some(last)
}

/// Pins the process to one processor; this system cannot.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn pin() -> Option<usize> {
    None
}

/// The load average of the last minute; 0 if the system does not report it.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    load.filter(|load| load.is_finite()).unwrap_or(0.0)
}

/// The processor's name, family and model as Linux reports them, without characters that JSON would escape.
pub fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let mut parts: Vec<String> = field("model name").or_else(|| field("Hardware")).into_iter().collect();
    for name in ["cpu family", "model", "stepping", "CPU implementer", "CPU part"] {
        parts.extend(field(name));
    }
    if parts.is_empty() {
        parts.push(std::env::consts::ARCH.to_owned());
    }
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || " .-_@()".contains(*c);
    parts.join(" ").chars().filter(is_plain).take(100).collect()
}

/// Bytes of the first and second data cache; common sizes if the system does not report them.
pub fn caches() -> [u64; 2] {
    let size = |level: &str, otherwise: u64| {
        let read = |index: usize, file: &str| {
            let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}");
            fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        let index = (0..8).find(|&index| read(index, "level") == level && read(index, "type") != "Instruction");
        let bytes = index.and_then(|index| read(index, "size").strip_suffix('K')?.parse::<u64>().ok());
        bytes.map_or(otherwise, |kib| kib << 10)
    };
    [size("1", 32 << 10), size("2", 512 << 10)]
}
