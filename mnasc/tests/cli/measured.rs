//! `peak` and `bench`: what is measured. How large figures are is the machine's business, not a test's.

use crate::folder::Folder;
use serde_json::Value;

#[test]
fn peak_measures_each_instruction_set_and_each_cache() {
    let folder = Folder::new("peak");
    let peak = folder.mnasc(&["peak", "--threads", "2", "--json"]).done().json();
    let rows = |key: &str| peak[key].as_array().unwrap().clone();
    let names = |rows: &[Value], key: &str| -> Vec<String> {
        rows.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
    };
    let (fma, read) = (rows("fma"), rows("read"));
    assert_eq!(names(&fma, "isa").last().unwrap(), "scalar");
    assert_eq!(names(&read, "level").first().unwrap(), "L1");
    assert_eq!(names(&read, "level").last().unwrap(), "DRAM");
    let positive = |value: &Value| value.as_f64().unwrap() > 0.0;
    assert!(fma.iter().all(|row| positive(&row["gflops"]) && positive(&row["flops_per_cycle"])), "{peak}");
    assert!(read.iter().all(|row| positive(&row["gbps"]) && positive(&row["buffer_bytes"])), "{peak}");
    assert!(positive(&peak["clock_ghz"]));
    assert_eq!(peak["threads"], 2);

    let table = folder.mnasc(&["peak"]).done().out;
    for words in ["1 thread; clock ", "GFLOP/s", "\n  scalar  ", "\n  DRAM  ", "cache sizes are "] {
        assert!(table.contains(words), "not said: {words}\n{table}");
    }
    folder.mnasc(&["peak", "--threads", "0"]).failed(2, &["--threads"]);
}
