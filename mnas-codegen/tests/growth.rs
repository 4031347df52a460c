//! A process that compiles many networks does not grow.

use mnas_codegen::compile::{Compiled, Options, compile};
use mnas_codegen::machine;
use proc_macro2::TokenStream;

const SPEC: &str = "\
name: tiny
input: 12x12x3
stem: {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, filters: 8}
  - {op: mbconv, expand: 3, kernel: 3, stride: 2, filters: 8, se: 0.25}
head: {filters: 16, classes: 4}
";

fn compiled() -> Compiled {
    let (spec, network) = mnas_dsl::load_yaml(SPEC, "tiny.yaml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let options = Options { isas: vec![machine::SCALAR], ..Options::default() };
    compile(&spec, &network, None, &options).unwrap()
}

/// Bytes of texts that proc-macro2 keeps on this thread: where the next one would begin.
fn kept() -> usize {
    let tokens: TokenStream = "x".parse().unwrap();
    let span = format!("{:?}", tokens.into_iter().next().unwrap().span());
    let start = span.strip_prefix("bytes(").and_then(|rest| rest.split_once("..")).unwrap().0;
    start.parse().unwrap()
}

/// Memory of this process in bytes, where the system tells it.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<usize>().ok()?;
    Some(pages * 4096)
}

/// One after the other: the second test measures the whole process.
#[test]
fn nothing_is_kept_of_emitted_code() {
    no_source_is_kept();
    memory_stays_flat();
}

fn no_source_is_kept() {
    let before = kept();
    let tokens = compiled().tokens();
    let after = kept();
    assert!(after > before + 1000, "the control: {before}, then {after}; {} tokens", tokens.into_iter().count());
    let compiled = compiled();
    compiled.text("w").unwrap();
    assert!(kept() < 100, "after `text`");
    compiled.source();
    assert!(kept() < 100, "after `source`");
}

fn memory_stays_flat() {
    let grown = |round: &mut dyn FnMut()| {
        let before = resident()?;
        (0..150).for_each(|_| round());
        Some(resident()?.saturating_sub(before))
    };
    (0..30).for_each(|_| drop(compiled().text("w").unwrap()));
    let Some(flat) = grown(&mut || drop(compiled().text("w").unwrap())) else {
        println!("skipped: the system does not tell how much memory a process has");
        return;
    };
    assert!(flat < 3 << 20, "{flat} bytes in 150 rounds");
    // The control: more than what is free by now.
    let mut texts = Vec::new();
    let kept = grown(&mut || texts.push(vec![1_u8; 1 << 20])).unwrap();
    assert!(kept > 3 << 20, "{kept} bytes of {}", texts.len());
}
