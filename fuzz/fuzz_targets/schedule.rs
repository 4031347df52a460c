#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mnas_hostile::by_name("schedule").map(|format| format.run(bytes));
});
