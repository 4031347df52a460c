//! Measures what a machine can do at most: `PROGRAM THREADS REQUEST...`.
//!
//! Requests: `clock`, `fma:ISA`, `read:ISA:BYTES`, where each thread reads that many bytes. Standard output has a line
//! for each request: additions per second of a dependent chain; floating-point operations per second; bytes read per
//! second. The last two are sums over all threads.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is measured of an instruction set. The processor must have it.
pub struct Isa {
    /// Its name in requests.
    pub name: &'static str,
    /// Operations of a round of `fma`.
    pub operations: u64,
    /// Runs rounds of multiply-adds.
    pub fma: unsafe fn(u64),
    /// Floats that `read` takes at a time.
    pub step: usize,
    /// Reads values into multiply-adds.
    pub read: unsafe fn(&[f32]),
}

/// `fma` and `read` of an instruction set, in terms of its `LANES`, `splat`, `load` and `multiply_add`.
#[macro_export]
macro_rules! measured {
    ([$(#[$attribute:meta])*] $($c:ident)*) => {
        /// Operations of a round of [`fma`].
        pub const OPERATIONS: u64 = 2 * LANES as u64 * [$(stringify!($c)),*].len() as u64;
        /// Floats that [`read`] takes at a time.
        pub const STEP: usize = 8 * LANES;

        /// As many chains of multiply-adds as there are accumulators: more than hide the latency of one.
        ///
        /// The accumulator is a factor, so that no product can be moved out of the loop; it tends to 1.
        ///
        /// # Safety
        ///
        /// The processor has the instruction set.
        $(#[$attribute])*
        #[inline(never)]
        pub unsafe fn fma(rounds: u64) {
            let (x, w) = (splat(std::hint::black_box(0.75)), splat(std::hint::black_box(0.25)));
            $(let mut $c = splat(std::hint::black_box(0.5));)*
            for _ in 0..rounds {
                $($c = multiply_add($c, x, w);)*
            }
            $(std::hint::black_box($c);)*
        }

        /// Reads every value once, in order, as kernels read weights: into multiply-adds.
        ///
        /// # Safety
        ///
        /// The processor has the instruction set.
        $(#[$attribute])*
        #[inline(never)]
        pub unsafe fn read(values: &[f32]) {
            let x = splat(std::hint::black_box(0.75));
            let [mut c0, mut c1, mut c2, mut c3] = [splat(std::hint::black_box(0.5)); 4];
            let [mut c4, mut c5, mut c6, mut c7] = [splat(std::hint::black_box(0.5)); 4];
            for values in values.chunks_exact(STEP) {
                c0 = multiply_add(c0, x, load(values, 0));
                c1 = multiply_add(c1, x, load(values, LANES));
                c2 = multiply_add(c2, x, load(values, 2 * LANES));
                c3 = multiply_add(c3, x, load(values, 3 * LANES));
                c4 = multiply_add(c4, x, load(values, 4 * LANES));
                c5 = multiply_add(c5, x, load(values, 5 * LANES));
                c6 = multiply_add(c6, x, load(values, 6 * LANES));
                c7 = multiply_add(c7, x, load(values, 7 * LANES));
            }
            std::hint::black_box([c0, c1, c2, c3, c4, c5, c6, c7]);
        }
    };
}

/// The least that a measurement takes, once: longer than the clock's resolution, shorter than a time slice.
const SHORT: Duration = Duration::from_millis(1);
/// How long one is repeated, and how often at least.
const LONG: Duration = Duration::from_millis(100);
const REPEATS: u32 = 3;

/// The program's `main`, of the instruction sets that it was built for.
///
/// # Panics
///
/// The arguments are not as described above.
pub fn main(isas: &[Isa]) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (threads, requests) = arguments.split_first().expect("the number of threads");
    let threads = threads.parse().expect("the number of threads");
    for request in requests {
        let parts: Vec<&str> = request.split(':').collect();
        let isa = |name: &str| isas.iter().find(|isa| isa.name == name).expect("an instruction set of this program");
        let rate = match parts[..] {
            ["clock"] => clock(),
            ["fma", name] => {
                let isa = isa(name);
                // SAFETY: the caller requests only instruction sets that the processor has.
                best(threads, isa.operations as f64, || |rounds| unsafe { (isa.fma)(rounds) })
            }
            ["read", name, bytes] => {
                let isa = isa(name);
                let len = (bytes.parse::<usize>().expect("a number of bytes") / 4).next_multiple_of(isa.step);
                best(threads, (len * 4) as f64, || {
                    let memory = vec![0.5_f32; len + 16];
                    // Aligned as the kernels load: a vector that straddles cache lines costs twice.
                    let start = memory.as_ptr().align_offset(64).min(16);
                    move |rounds| {
                        for _ in 0..rounds {
                            // SAFETY: as above.
                            unsafe { (isa.read)(&memory[start..][..len]) }
                        }
                    }
                })
            }
            _ => panic!("no such request: {request}"),
        };
        println!("{rate:e}");
    }
}

/// Additions and exclusive-ors, each of which takes what the one before made: a cycle each on any processor.
///
/// Both operands are in registers, and the two kinds alternate, so that neither the compiler nor the processor can
/// make fewer of them.
fn clock() -> f64 {
    best(1, 64.0, || {
        |rounds| {
            let (a, b) = (black_box(0x9e37_79b9_7f4a_7c15_u64), black_box(0xbf58_476d_1ce4_e5b9_u64));
            let mut x = black_box(1_u64);
            for _ in 0..rounds {
                for _ in 0..32 {
                    x = x.wrapping_add(a) ^ b;
                }
            }
            black_box(x);
        }
    })
}

/// The best rate of `threads` threads that work at once, `amount` a round of each: the most that was done between the
/// first start and the last end.
///
/// What disturbs a measurement makes it slower and never faster, so the best of many short ones is the machine's.
fn best<W: FnMut(u64)>(threads: usize, amount: f64, work: impl Fn() -> W + Sync) -> f64 {
    let meeting = Meeting::default();
    // Rounds and repeats, as the first thread finds them.
    let plan = Mutex::new((1, 1));
    let measure = |first: bool| -> Vec<(Instant, Instant)> {
        let mut work = work();
        let mut met = 0;
        let mut meet = || meeting.wait(&mut met, threads as u64);
        meet();
        // Every thread, for wide vectors and a processor that was idle need a moment until they are at full speed.
        let found = calibrate(&mut work);
        if first {
            *plan.lock().expect("no thread has failed") = found;
        }
        meet();
        let (rounds, repeats) = *plan.lock().expect("no thread has failed");
        let once = |_| {
            meet();
            let start = Instant::now();
            work(rounds);
            (start, Instant::now())
        };
        (0..repeats).map(once).collect()
    };
    let times: Vec<Vec<(Instant, Instant)>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| measure(false))).collect();
        let mut times = vec![measure(true)];
        times.extend(others.into_iter().map(|thread| thread.join().expect("no thread has failed")));
        times
    });
    let (rounds, repeats) = *plan.lock().expect("no thread has failed");
    let shortest = (0..repeats as usize).map(|i| {
        let start = times.iter().map(|thread| thread[i].0).min();
        let end = times.iter().map(|thread| thread[i].1).max();
        end.zip(start).map_or(f64::INFINITY, |(end, start)| (end - start).as_secs_f64())
    });
    threads as f64 * rounds as f64 * amount / shortest.fold(f64::INFINITY, f64::min)
}

/// Where threads wait for each other, without sleep: a thread that is woken starts late, and where its waker runs.
#[derive(Default)]
struct Meeting {
    arrived: AtomicU64,
}

impl Meeting {
    /// Waits until all `threads` are here for the time that this thread counts in `met`.
    fn wait(&self, met: &mut u64, threads: u64) {
        *met += threads;
        self.arrived.fetch_add(1, Ordering::AcqRel);
        let mut turns = 0_u64;
        while self.arrived.load(Ordering::Acquire) < *met {
            turns += 1;
            if turns.is_multiple_of(10_000) {
                // There may be fewer processors than threads.
                std::thread::yield_now();
            }
            std::hint::spin_loop();
        }
    }
}

/// How many rounds are long enough to be timed, and how often to repeat them.
fn calibrate(work: &mut impl FnMut(u64)) -> (u64, u32) {
    let mut rounds = 1;
    loop {
        let start = Instant::now();
        work(rounds);
        let time = start.elapsed();
        if time >= SHORT {
            return (rounds, ((LONG.as_secs_f64() / time.as_secs_f64()) as u32).max(REPEATS));
        }
        rounds *= 2;
    }
}
