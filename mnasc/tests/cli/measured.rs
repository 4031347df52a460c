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

#[test]
fn a_profile_holds_each_block_against_its_bound() {
    let folder = Folder::new("profile");
    let arguments =
        ["bench", "tiny.yaml", "--runs", "7", "--isa", "scalar", "--profile", "--svg", "tiny.svg", "--json"];
    let bench = folder.mnasc(&arguments).done().json();
    let blocks = bench["blocks"].as_array().unwrap();
    let names: Vec<&str> = blocks.iter().map(|block| block["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stem", "blocks.0.0", "blocks.1.0", "blocks.2.0", "head", "classifier"]);
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or_else(|| panic!("no {key}: {value}"));
    let sum = |key: &str| blocks.iter().map(|block| number(block, key)).sum::<f64>();
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-3 * b.abs() + 1e-4, "{a} instead of {b}");
    assert_eq!(sum("macs"), 473_600.0);
    close(sum("share"), 1.0);
    // The image, float by float, and the classes: ten, padded to sixteen.
    assert_eq!(blocks[0]["input_bytes"], 32 * 32 * 3 * 4);
    assert_eq!(blocks[5]["output_bytes"], 16 * 4);

    let peak = &bench["peak"];
    let gflops = number(&peak["fma"][0], "gflops");
    let bandwidths: Vec<f64> = peak["read"].as_array().unwrap().iter().map(|level| number(level, "gbps")).collect();
    for block in blocks {
        let bytes = ["weight_bytes", "input_bytes", "output_bytes"].map(|key| number(block, key)).iter().sum::<f64>();
        let (us, bound) = (number(block, "median_us"), number(block, "bound_us"));
        close(number(block, "flops_per_byte"), 2.0 * number(block, "macs") / bytes);
        close(number(block, "of_bound"), bound / us);
        close(number(block, "of_peak"), number(block, "gflops") / gflops);
        let compute = 2.0 * number(block, "macs") / gflops / 1e3;
        match block["limit"].as_str().unwrap() {
            "compute" => close(bound, compute),
            "memory" => {
                // Everything comes from some level.
                let times: Vec<f64> = bandwidths.iter().map(|gbps| bytes / gbps / 1e3).collect();
                let (least, most) = times.iter().fold((f64::MAX, 0.0), |(a, b): (f64, f64), &t| (a.min(t), b.max(t)));
                assert!(compute <= bound && least <= bound * 1.001 && bound <= most * 1.001, "{block}");
            }
            other => panic!("limit {other}"),
        }
    }
    close(number(&bench, "fma_bound_ms"), 2.0 * 473_600.0 / gflops / 1e6);
    close(number(&bench, "roofline_ms"), sum("bound_us") / 1e3);
    close(number(&bench, "times_fma_bound"), number(&bench, "median_ms") / number(&bench, "fma_bound_ms"));

    let svg = String::from_utf8(folder.read("tiny.svg")).unwrap();
    for words in ["<svg xmlns=", "tiny, block by block", "stem", "classifier", "FMA peak ", "DRAM ", "</svg>\n"] {
        assert!(svg.contains(words), "not drawn: {words}\n{svg}");
    }
    let table = folder.mnasc(&["bench", "tiny.yaml", "--runs", "7", "--isa", "scalar", "--profile"]).done().out;
    for words in ["\nblocks.1.0 ", "of bound  limit\n", "x the FMA bound of ", "x the roofline of "] {
        assert!(table.contains(words), "not said: {words}\n{table}");
    }
    folder.mnasc(&["bench", "tiny.yaml", "--svg", "x.svg"]).failed(2, &["--profile"]);
    folder.mnasc(&["bench", "tiny.yaml", "--profile", "--svg", "tiny.yaml"]).failed(2, &["would overwrite"]);
}
