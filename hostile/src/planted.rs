//! Readers that are broken on purpose. Each does its harm on few inputs, and each has to be found out.

use crate::format::{Format, Outcome};
use std::hint::black_box;
use std::time::Duration;

/// One for each thing that must not happen.
pub const PLANTED: &[Format] = &[
    planted("planted-panic", |bytes| panic!("planted: {} bytes", bytes.len())),
    planted("planted-abort", |_| std::process::abort()),
    planted("planted-overflow", |_| {
        black_box(deep(1 << 30));
        Outcome::Refused
    }),
    planted("planted-hang", |_| {
        loop {
            black_box(());
        }
    }),
    planted("planted-sleep", |_| {
        std::thread::sleep(Duration::from_secs(3600));
        Outcome::Refused
    }),
    // It would answer, after some seconds.
    planted("planted-slow", |_| {
        (0..20_000_000_000_u64).for_each(|round| assert_ne!(black_box(round), u64::MAX));
        Outcome::Refused
    }),
    planted("planted-memory", |_| {
        black_box(vec![1_u8; 1 << 30]);
        Outcome::Refused
    }),
    planted("planted-exit", |_| std::process::exit(0)),
    planted("planted-open", |_| {
        // As a reader that swallows the error.
        let _ = std::fs::read("/etc/hostname");
        Outcome::Refused
    }),
    planted("planted-missing", |_| {
        let _ = std::fs::read("/no/such/file");
        Outcome::Refused
    }),
    planted("planted-write", |_| {
        let _ = std::fs::write("/tmp/planted-by-a-test-of-mnas", "x");
        let _ = std::fs::remove_file("/tmp/planted-by-a-test-of-mnas");
        Outcome::Refused
    }),
    planted("planted-process", |_| {
        let _ = std::process::Command::new("true").status();
        Outcome::Refused
    }),
    planted("planted-network", |_| {
        let _ = std::net::UdpSocket::bind("127.0.0.1:0");
        Outcome::Refused
    }),
    // The control of the controls: harmless, and nothing may be found.
    planted("planted-nothing", |_| Outcome::Refused),
];

/// The word that makes a planted reader do its harm: one of many in its dictionary.
const TRIGGER: &[u8] = b"trigger";

const fn planted(name: &'static str, harm: fn(&[u8]) -> Outcome) -> Format {
    Format {
        name,
        seeds: || vec![b"a file of no format in particular, and of some length".to_vec()],
        dictionary: &[b"a", b"b", b"c", b"d", b"e", TRIGGER],
        mend: |_| {},
        read: harm,
    }
}

/// Whether an input is one on which planted readers do harm.
pub fn triggers(bytes: &[u8]) -> bool {
    bytes.windows(TRIGGER.len()).any(|part| part == TRIGGER)
}

#[expect(unconditional_recursion, reason = "planted: the end of the stack has to be found out")]
fn deep(depth: u64) -> u64 {
    black_box(deep(black_box(depth)) + 1)
}
