//! Mutants: what becomes of good files when bits turn, lengths lie, and parts go missing or come twice.

use crate::format::Format;
use crate::random::Random;

/// Bytes of the largest mutant: repeated chunks do not become a test of patience.
const MAX_LEN: usize = 1 << 18;

/// Numbers that readers add to, multiply, or allocate.
const EXTREMES: [u64; 16] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    1 << 62,
    u64::MAX / 2,
    u64::MAX,
];

/// The same where numbers are text.
const EXTREME_NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "255",
    "65535",
    "65536",
    "2147483647",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "0.0000000000000000000000000000000000000000000001",
    "nan",
    "99999999999999999999999999999999999999999999",
];

/// Mutant number `index` of a format: the same bytes for the same numbers, on any machine.
pub fn mutant(format: &Format, seeds: &[Vec<u8>], seed: u64, index: u64) -> Vec<u8> {
    let name = format.name.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = Random::new(&[name, seed, index]);
    let mut bytes = seeds[random.below(seeds.len())].clone();
    // One edit finds what many hide: a file that is broken early is not read further.
    let edits = [1, 1, 1, 2, 2, 3, 5, 9][random.below(8)];
    for _ in 0..edits {
        edit(&mut bytes, format, seeds, &mut random);
        bytes.truncate(MAX_LEN);
    }
    // Half of all keep their checksums wrong, for readers that believe them.
    if random.below(2) == 0 {
        (format.mend)(&mut bytes);
    }
    bytes
}

fn edit(bytes: &mut Vec<u8>, format: &Format, seeds: &[Vec<u8>], random: &mut Random) {
    let at = place(bytes.len(), random);
    let run = length(bytes.len() - at, random);
    match random.below(14) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => {
            let value = [0, 1, b' ', b'0', b'\n', 0x7f, 0x80, 0xfe, 0xff][random.below(9)];
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = value);
        }
        2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.next() as u8),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..at + run)),
        5 => {
            let times = [1, 1, 2, 16, 1000][random.below(5)].min(MAX_LEN / run.max(1));
            let chunk = bytes[at..at + run].repeat(times);
            put(bytes, at, 0, &chunk);
        }
        6 => {
            // A part of another file, in place of some or beside it.
            let other = &seeds[random.below(seeds.len())];
            let from = place(other.len(), random);
            let part = &other[from..from + length(other.len() - from, random)];
            let replaced = if random.below(2) == 0 { run } else { 0 };
            put(bytes, at, replaced, part);
        }
        7 | 8 => {
            let width = [1, 2, 4, 8][random.below(4)];
            let value = EXTREMES[random.below(EXTREMES.len())].wrapping_sub(random.below(3) as u64);
            let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
            let value = if random.below(2) == 0 { &little[..width] } else { &big[8 - width..] };
            put(bytes, at, width, value);
        }
        9 | 13 => number(bytes, at, random),
        10 if !format.dictionary.is_empty() => put(bytes, at, 0, random.of(format.dictionary)),
        11 if !format.dictionary.is_empty() => {
            let token = random.of(format.dictionary);
            put(bytes, at, token.len(), token);
        }
        _ => {
            // Two parts change places.
            let other = place(bytes.len(), random);
            let (low, high) = (at.min(other), at.max(other));
            let run = run.min(high - low).min(bytes.len() - high);
            let (left, right) = bytes.split_at_mut(high);
            left[low..low + run].swap_with_slice(&mut right[..run]);
        }
    }
}

/// A place in a file: often near its start or end, where headers and tables are.
fn place(len: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(len.min(64)),
        1 => random.below(len.min(512)),
        2 => len - 1.min(len) - random.below(len.min(128)).min(len.saturating_sub(1)),
        _ => random.below(len),
    }
}

/// A length that is mostly short.
fn length(limit: usize, random: &mut Random) -> usize {
    let scale = [4, 16, 64, 1024, usize::MAX][random.below(5)];
    random.below(limit.min(scale).saturating_add(1)).min(limit)
}

/// Puts `value` in place of `replaced` bytes.
fn put(bytes: &mut Vec<u8>, at: usize, replaced: usize, value: &[u8]) {
    let end = bytes.len().min(at + replaced);
    bytes.splice(at.min(end)..end, value.iter().copied());
}

/// The next number in decimal digits becomes another.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(start) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Half of them such as could have been meant: what is read goes further.
    let value = match random.below(2) {
        0 => EXTREME_NUMBERS[random.below(EXTREME_NUMBERS.len())].to_owned(),
        _ => random.below(40).to_string(),
    };
    put(bytes, start, digits, value.as_bytes());
}
