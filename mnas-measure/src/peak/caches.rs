//! How large the caches are, and how much memory is read to measure each.

use std::fs;
use std::path::Path;

/// Where Linux says what the first processor's caches are.
const SYSTEM: &str = "/sys/devices/system/cpu/cpu0/cache";

/// What small processors of this decade have.
const DEFAULTS: [u64; 3] = [32 << 10, 512 << 10, 8 << 20];

const MIB: u64 = 1 << 20;

/// Data caches of a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caches {
    /// Bytes of each, nearest first.
    pub bytes: Vec<u64>,
    /// Whether the system said so; assumed where it did not.
    pub known: bool,
}

/// Memory that is read over and over, to measure where it then lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// `L1`, `L2`, ..., `DRAM`.
    pub level: String,
    /// Bytes of that cache; `None` for memory behind all of them.
    pub cache: Option<u64>,
    /// Bytes that each thread reads.
    pub bytes: u64,
}

/// The caches of this machine.
pub(super) fn of_host() -> Caches {
    let bytes = read(Path::new(SYSTEM));
    if bytes.is_empty() { Caches { bytes: DEFAULTS.to_vec(), known: false } } else { Caches { bytes, known: true } }
}

/// What to read for each cache and for memory, by `threads` threads at once.
///
/// A buffer is larger than the caches before its own, and much smaller than its own, of which other things lie there
/// too. The last cache is taken to be shared by all threads, the others to be each thread's own. Systems with many
/// processors have large last caches, of which one network sees little: more than 16 MiB, the weights of a network,
/// are not read there; and no more than a GiB in memory, nor than a quarter of what is free.
pub(super) fn buffers(caches: &Caches, threads: u64, free_memory: Option<u64>) -> Vec<Buffer> {
    let mut buffers = Vec::new();
    let mut nearer = 0;
    for (i, &cache) in caches.bytes.iter().enumerate() {
        let shared = if i > 0 && i + 1 == caches.bytes.len() { threads } else { 1 };
        let bytes = (cache / shared / 2).min(16 * MIB).max(nearer * 2).min(cache / shared / 4 * 3);
        buffers.push(Buffer { level: format!("L{}", i + 1), cache: Some(cache), bytes });
        nearer = cache;
    }
    let enough = (nearer * 2).clamp(64 * MIB, 1024 * MIB);
    let all = free_memory.map_or(enough, |free| enough.min((free / 4).max(16 * MIB)));
    buffers.push(Buffer { level: "DRAM".to_owned(), cache: None, bytes: all / threads });
    buffers
}

/// Bytes of memory that programs may still take, where the system says so.
pub(super) fn free_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// Sizes of the data caches that are described in a folder, one folder each; none where anything is not as it should
/// be.
fn read(folder: &Path) -> Vec<u64> {
    let text = |index: usize, file: &str| {
        fs::read_to_string(folder.join(format!("index{index}")).join(file)).ok().map(|text| text.trim().to_owned())
    };
    let mut levels = Vec::new();
    for index in 0.. {
        let Some(kind) = text(index, "type") else { break };
        let level = text(index, "level").and_then(|level| level.parse::<u32>().ok());
        let size = text(index, "size").and_then(|size| bytes(&size));
        match (kind.as_str(), level, size) {
            ("Instruction", ..) => {}
            (_, Some(level), Some(size)) => levels.push((level, size)),
            _ => return Vec::new(),
        }
    }
    levels.sort_unstable();
    let increasing = levels.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
    if increasing { levels.into_iter().map(|(_, size)| size).collect() } else { Vec::new() }
}

/// `2048K` as bytes.
fn bytes(size: &str) -> Option<u64> {
    let (digits, shift) = match size.strip_suffix(['K', 'M', 'G']) {
        None => (size, 0),
        Some(digits) => (
            digits,
            if size.ends_with('K') {
                10
            } else if size.ends_with('M') {
                20
            } else {
                30
            },
        ),
    };
    digits.parse::<u64>().ok().filter(|size| (1..1 << 20).contains(size)).map(|size| size << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, caches: &[[&str; 3]]) -> Vec<u64> {
        let folder = std::env::temp_dir().join(format!("mnasc-caches-{name}-{}", std::process::id()));
        for (i, values) in caches.iter().enumerate() {
            let index = folder.join(format!("index{i}"));
            fs::create_dir_all(&index).unwrap();
            for (file, value) in ["level", "type", "size"].iter().zip(values) {
                fs::write(index.join(file), format!("{value}\n")).unwrap();
            }
        }
        let read = read(&folder);
        fs::remove_dir_all(&folder).unwrap();
        read
    }

    #[test]
    fn data_caches_are_read_and_instruction_caches_are_not() {
        let l1 = [["1", "Data", "48K"], ["1", "Instruction", "64K"]];
        assert_eq!(
            described("three", &[&l1[..], &[["2", "Unified", "2048K"], ["3", "Unified", "32M"]]].concat()),
            [48 << 10, 2 << 20, 32 << 20]
        );
        assert_eq!(described("unknown", &[&l1[..], &[["2", "Unified", "much"]]].concat()), [0; 0]);
        assert_eq!(described("shrinking", &[["1", "Data", "48K"], ["2", "Unified", "32K"]]), [0; 0]);
    }

    #[test]
    fn a_buffer_fits_its_cache_and_not_the_one_before() {
        let sizes = |bytes: &[u64], threads, free| -> Vec<u64> {
            buffers(&Caches { bytes: bytes.to_vec(), known: true }, threads, free).iter().map(|b| b.bytes).collect()
        };
        let (kib, gib) = (1 << 10, 1 << 30);
        assert_eq!(sizes(&[48 * kib, 2 * MIB, 32 * MIB], 1, Some(16 * gib)), [24 * kib, MIB, 16 * MIB, 64 * MIB]);
        assert_eq!(sizes(&[32 * kib, 512 * kib, 256 * MIB], 2, None), [16 * kib, 256 * kib, 16 * MIB, 256 * MIB]);
        assert_eq!(sizes(&[32 * kib, 2 * MIB, 4 * MIB], 1, Some(gib)), [16 * kib, MIB, 3 * MIB, 64 * MIB]);
        assert_eq!(sizes(&[32 * kib, MIB, 480 * MIB], 1, Some(gib))[3], 256 * MIB);
        assert_eq!(sizes(&[32 * kib, MIB, 480 * MIB], 1, None)[3], 960 * MIB);
        assert_eq!(sizes(&[32 * kib], 4, None), [16 * kib, 16 * MIB]);
    }
}
