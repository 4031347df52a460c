#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mnas_hostile::by_name("idx").map(|format| format.run(bytes));
});
