//! Times layers or networks, each between runs of a reference network, and prints a line of JSON.
//!
//! The modules that such programs share are built as a library, once for all of them.

use crate::engine::Engine;
use crate::host;
use crate::values::aligned;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Runs something once and returns its time in nanoseconds.
pub type Item = Box<dyn FnMut() -> u64>;

/// How items are timed.
pub struct Settings {
    /// Passes over all items.
    pub passes: usize,
    /// Runs of each item in a pass.
    pub runs: usize,
    /// Bytes that are read before each run, to evict what was used before.
    pub elsewhere: usize,
    /// Whether an untimed run comes before each timed one.
    pub is_warm: bool,
    /// Threads of an inference.
    pub threads: usize,
    /// Whether the processor has the instruction set of the reference network.
    pub is_supported: bool,
}

/// Packed layers: start, length and bound of the weights.
pub type Layers = &'static [(usize, usize, f32)];

/// The warm-up compares medians of the reference network over windows of this length; two that agree end it.
const WINDOW: Duration = Duration::from_millis(40);
const WARM_UP: Duration = Duration::from_millis(2000);

/// A layer by itself, up to the end of its last step. Its buffers (start and length in the arena) are written before,
/// that which the network would have touched last comes last.
///
/// # Panics
///
/// The system refuses threads.
pub fn layer<E: Engine + 'static>(buffers: &'static [(usize, usize)], layers: Layers, threads: usize) -> Item {
    let mut engine = engine::<E>(layers, threads);
    let (image, output) = (image(E::INPUT_LEN), aligned(E::OUTPUT_LEN));
    let mut numbers = Numbers(3);
    let pattern: Vec<f32> = std::iter::repeat_with(move || numbers.next()).take(1024).collect();
    Box::new(move || {
        engine.settle();
        for &(at, len) in buffers {
            let buffer = &mut engine.arena()[at..][..len];
            buffer.chunks_mut(pattern.len()).for_each(|part| part.copy_from_slice(&pattern[..part.len()]));
        }
        engine.wake();
        let start = Instant::now();
        let mut end = start;
        engine.observe(image, output, &mut |_, _| end = Instant::now());
        (end - start).as_nanos() as u64
    })
}

/// A whole network.
///
/// # Panics
///
/// The system refuses threads.
pub fn whole<E: Engine + 'static>(layers: Layers, threads: usize) -> Item {
    let mut engine = engine::<E>(layers, threads);
    let (image, output) = (image(E::INPUT_LEN), aligned(E::OUTPUT_LEN));
    Box::new(move || {
        let start = Instant::now();
        engine.infer(image, output);
        start.elapsed().as_nanos() as u64
    })
}

/// The program's `main`. It needs no arguments, no files and no input, so that any command that starts it can return its
/// answer.
pub fn main(settings: &Settings, reference: fn() -> Item, items: fn() -> Vec<Item>) {
    let &Settings { passes, runs, elsewhere, is_warm, threads, is_supported } = settings;
    let processor = if threads == 1 { host::pin() } else { None };
    let load = host::load();
    if !is_supported {
        println!("{{\"mnas\": 1, \"error\": \"the processor lacks the instruction set\"}}");
        return;
    }
    let mut reference = reference();
    let settled = warm_up(&mut reference);
    let clock = clock();
    let elsewhere = vec![1_u64; (elsewhere / 8).max(8)];
    let mut items = items();
    let mut times: Vec<[Vec<u64>; 2]> = items.iter().map(|_| Default::default()).collect();
    // In passes, so that a disturbance hits a part of each item.
    for _ in 0..passes {
        for (item, [times, references]) in items.iter_mut().zip(&mut times) {
            for run in usize::from(is_warm)..=runs {
                black_box(elsewhere.iter().step_by(8).fold(0, |sum: u64, &value| sum.wrapping_add(value)));
                // An untimed run, as its memory was evicted.
                reference();
                let before = reference();
                if is_warm {
                    item();
                }
                let time = item();
                // The first run loads the code, which other layers have evicted further than a network does.
                if run > 0 {
                    times.push(time);
                    references.push(before);
                }
            }
        }
    }
    let list = |times: &[u64]| {
        let times: Vec<String> = times.iter().map(|&time| time.saturating_sub(clock).max(1).to_string()).collect();
        times.join(",")
    };
    let all: Vec<String> = times
        .iter()
        .map(|[times, references]| format!("{{\"ns\": [{}], \"reference_ns\": [{}]}}", list(times), list(references)))
        .collect();
    let processor = processor.map_or("null".to_owned(), |number| number.to_string());
    let [l1, l2] = host::caches();
    println!(
        "{{\"mnas\": 1, \"cpu\": \"{}\", \"processor\": {processor}, \"load\": {load}, \"l1_bytes\": {l1}, \"l2_bytes\": {l2}, \
         \"settled\": {settled}, \"clock_ns\": {clock}, \"items\": [{}]}}",
        host::cpu(),
        all.join(",")
    );
}

/// Runs until two windows in a row agree within 2 %; returns whether they did.
fn warm_up(reference: &mut Item) -> bool {
    let mut window = || {
        let (start, mut times) = (Instant::now(), Vec::new());
        while start.elapsed() < WINDOW || times.len() < 5 {
            times.push(reference());
        }
        times.sort_unstable();
        times[times.len() / 2] as f64
    };
    let (start, mut before) = (Instant::now(), window());
    while start.elapsed() < WARM_UP {
        let now = window();
        if (now - before).abs() <= before * 0.02 {
            return true;
        }
        before = now;
    }
    false
}

/// The time of reading the clock, which every figure includes.
fn clock() -> u64 {
    let mut times: Vec<u64> = (0..1001)
        .map(|_| {
            let start = Instant::now();
            (Instant::now() - start).as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Pseudorandom numbers between -1 and 1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}

/// An engine with packed weights under which activations neither vanish nor overflow.
fn engine<E: Engine>(layers: Layers, threads: usize) -> E {
    let (packed, mut numbers) = (aligned(E::WEIGHTS_LEN), Numbers(1));
    for &(at, len, bound) in layers {
        packed[at..][..len].fill_with(|| numbers.next() * bound);
    }
    E::new(packed, threads).expect("threads")
}

fn image(len: usize) -> &'static [f32] {
    let (values, mut numbers) = (aligned(len), Numbers(2));
    values.fill_with(|| numbers.next() * 1.7);
    values
}
