//! The reader of one format, which `MNAS_FORMAT` names: `MNAS_FORMAT=png cargo +nightly fuzz run reader`.
#![no_main]

use mnas_hostile::{Format, by_name};
use std::sync::LazyLock;

static FORMAT: LazyLock<&Format> = LazyLock::new(|| {
    let name = std::env::var("MNAS_FORMAT").expect("MNAS_FORMAT has to name a format");
    by_name(&name).unwrap_or_else(|| panic!("no format is called {name}"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    FORMAT.run(bytes);
});
