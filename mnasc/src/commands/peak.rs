//! `mnasc peak`: what this machine can do at most.

use crate::cli::PeakArgs;
use crate::error::Result;
use crate::output;
use crate::peak::{self, Peaks};
use mnas_codegen::machine;
use serde_json::json;

/// Measures, and prints a table.
pub(crate) fn run(args: &PeakArgs) -> Result<()> {
    let peaks = peak::measure(&machine::on_host(), args.threads)?;
    if args.json { output::print_json(&value(&peaks)) } else { output::print(&table(&peaks)) }
}

/// The measurements as one JSON object.
pub(crate) fn value(peaks: &Peaks) -> serde_json::Value {
    let per_cycle = |rate: f64| round(rate / peaks.clock, 10.0);
    let fma = peaks.fma.iter().map(
        |(isa, rate)| json!({ "isa": isa.name, "gflops": round(rate / 1e9, 1e3), "flops_per_cycle": per_cycle(*rate) }),
    );
    let read = peaks.read.iter().map(|(buffer, rate)| {
        json!({
            "level": buffer.level,
            "cache_bytes": buffer.cache,
            "buffer_bytes": buffer.bytes,
            "gbps": round(rate / 1e9, 1e3),
            "bytes_per_cycle": per_cycle(*rate),
        })
    });
    json!({
        "threads": peaks.threads,
        "clock_ghz": round(peaks.clock / 1e9, 1e3),
        "fma": fma.collect::<Vec<_>>(),
        "read": read.collect::<Vec<_>>(),
        "read_isa": peaks.fma.first().map(|(isa, _)| isa.name),
        "cache_sizes": if peaks.caches.known { "system" } else { "assumed" },
    })
}

fn table(peaks: &Peaks) -> String {
    let threads = match peaks.threads {
        1 => "1 thread".to_owned(),
        n => format!("{n} threads, sums of all"),
    };
    let mut text = format!("{threads}; clock {:.2} GHz, from a chain of additions\n\n", peaks.clock / 1e9);
    let mut row = |[name, cache, buffer, rate, cycle]: [&str; 5]| {
        let line = format!("{name:12}  {cache:>8}  {buffer:>8}  {rate:>8}  {cycle:>11}");
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let figures = |rate: f64| [format!("{:.1}", rate / 1e9), format!("{:.1}", rate / peaks.clock)];
    row(["multiply-add", "", "", "GFLOP/s", "FLOP/cycle"]);
    for (isa, rate) in &peaks.fma {
        let [rate, cycle] = figures(*rate);
        row([&format!("  {}", isa.name), "", "", &rate, &cycle]);
    }
    row([""; 5]);
    row(["reading", "cache", "buffer", "GB/s", "bytes/cycle"]);
    for (buffer, rate) in &peaks.read {
        let [rate, cycle] = figures(*rate);
        let cache = buffer.cache.map_or_else(String::new, size);
        row([&format!("  {}", buffer.level), &cache, &size(buffer.bytes), &rate, &cycle]);
    }
    let isa = peaks.fma.first().map_or("", |(isa, _)| isa.name);
    let known = if peaks.caches.known { "the system's" } else { "assumed: the system does not say" };
    text.push_str(&format!("\nread by {isa}; buffers are each thread's; cache sizes are {known}\n"));
    text
}

/// Bytes in the largest unit that leaves no fraction worth mentioning.
fn size(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
