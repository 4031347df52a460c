//! The answer of a measuring program: a line of JSON from another device, which is untrusted input.

use serde::Deserialize;

/// Fewest runs of an item.
const FEWEST: usize = 5;
/// Most runs of an item.
const MOST: usize = 100_000;
/// Longest run: an hour, in nanoseconds.
const LONGEST: f64 = 3.6e12;

/// The answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Answer {
    /// The processor's name.
    pub(super) cpu: String,
    /// The processor that the program was pinned to, if any.
    pub(super) processor: Option<u32>,
    /// Load of the machine, in runnable processes.
    pub(super) load: f64,
    /// Bytes of the first-level data cache.
    pub(super) l1_bytes: u64,
    /// Bytes of the second-level cache.
    pub(super) l2_bytes: u64,
    /// Whether two windows of the warm-up agreed.
    pub(super) settled: bool,
    /// The times of each measured item.
    pub(super) items: Vec<Times>,
}

/// Nanoseconds of an item, and of the reference network before it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Times {
    /// The time of each run.
    pub(super) ns: Vec<f64>,
    /// The time of the reference network before each run.
    pub(super) reference_ns: Vec<f64>,
}

#[derive(Deserialize)]
struct Head {
    mnas: u32,
    error: Option<String>,
}

/// Parses a program's output for `count` items. A runner may print other lines before the answer.
pub(super) fn parse(output: &[u8], count: usize) -> Result<Answer, String> {
    let text = std::str::from_utf8(output).map_err(|_| "it is not text".to_owned())?;
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).ok_or("it is empty")?;
    let malformed = |error: serde_json::Error| format!("its last line is not what a measuring program writes: {error}");
    let head: Head = serde_json::from_str(line).map_err(malformed)?;
    if head.mnas != 1 {
        return Err(format!("it is of version {}; expected 1", head.mnas));
    }
    if let Some(error) = head.error {
        return Err(error.chars().filter(|c| !c.is_control()).take(200).collect());
    }
    let answer: Answer = serde_json::from_str(line).map_err(malformed)?;
    check(&answer, count)?;
    Ok(answer)
}

fn check(answer: &Answer, count: usize) -> Result<(), String> {
    let Answer { cpu, load, l1_bytes, l2_bytes, items, .. } = answer;
    if cpu.is_empty() || cpu.len() > 200 || cpu.chars().any(char::is_control) {
        return Err("the processor's name is not valid: expected 1 to 200 printable bytes".to_owned());
    }
    if !(0.0..1e6).contains(load) {
        return Err(format!("the load {load} is out of range: expected 0 to 1e6"));
    }
    if let Some(bytes) = [l1_bytes, l2_bytes].into_iter().find(|bytes| !(1 << 10..=1 << 32).contains(*bytes)) {
        return Err(format!("a cache of {bytes} bytes is out of range: expected 1 KiB to 4 GiB"));
    }
    if items.len() != count {
        return Err(format!("it has figures for {} items; expected {count}", items.len()));
    }
    for times in items {
        if !(FEWEST..=MOST).contains(&times.ns.len()) || times.ns.len() != times.reference_ns.len() {
            return Err(format!(
                "{} and {} runs: expected {FEWEST} to {MOST}, and as many runs of the reference",
                times.ns.len(),
                times.reference_ns.len()
            ));
        }
        let all = times.ns.iter().chain(&times.reference_ns);
        if let Some(time) = all.copied().find(|time| !(*time > 0.0 && *time <= LONGEST)) {
            return Err(format!("the time {time} ns is out of range: expected above 0 and at most {LONGEST}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(ns: &str) -> String {
        format!(
            "{{\"mnas\": 1, \"cpu\": \"A CPU\", \"processor\": 1, \"load\": 0.5, \"l1_bytes\": 32768, \"l2_bytes\": 2097152, \
             \"settled\": true, \"clock_ns\": 30, \"items\": [{{\"ns\": [{ns}], \"reference_ns\": [9,9,9,9,9]}}]}}"
        )
    }

    #[test]
    fn the_last_line_is_read() {
        let text = format!("Welcome to the board!\n{{\"a\": 1}}\n{}\n\n", good("1,2,3,4,5"));
        let answer = parse(text.as_bytes(), 1).unwrap();
        assert_eq!((answer.cpu.as_str(), answer.processor, answer.settled), ("A CPU", Some(1), true));
        assert_eq!(answer.items, [Times { ns: vec![1.0, 2.0, 3.0, 4.0, 5.0], reference_ns: vec![9.0; 5] }]);
    }

    #[test]
    fn impossible_answers_are_refused() {
        let line = good("1,2,3,4,5");
        let cases = [
            (String::new(), "empty"),
            ("bash: ./runner: cannot execute".to_owned(), "not what a measuring program writes"),
            ("[".repeat(100_000), "not what a measuring program writes"),
            (line.replace("\"mnas\": 1", "\"mnas\": 2"), "version 2"),
            ("{\"mnas\": 1, \"error\": \"no \\u0007 avx512\"}".to_owned(), "no  avx512"),
            (good("1,2,3,4"), "4 and 5 runs"),
            (good("1,2,3,4,5,6"), "6 and 5 runs"),
            (good("1,2,3,4,-5"), "-5 ns"),
            (good("1,2,3,4,0"), "0 ns"),
            (good("1,2,3,4,1e300"), "is out of range"),
            (good("1,2,3,4,1e999"), "not what a measuring program writes"),
            (good("1,2,3,4,NaN"), "not what a measuring program writes"),
            (good("1,2,3,4,null"), "not what a measuring program writes"),
            (line.replace("0.5", "-0.5"), "the load"),
            (line.replace("32768", "0"), "0 bytes"),
            (line.replace("32768", "-1"), "not what a measuring program writes"),
            (line.replace("A CPU", "A\\u0000CPU"), "name"),
            (line.replace("A CPU", ""), "name"),
            (line[..line.len() - 3].to_owned(), "not what a measuring program writes"),
        ];
        for (text, expected) in cases {
            let error = parse(text.as_bytes(), 1).unwrap_err();
            assert!(error.contains(expected), "{text:.60}: {error}");
        }
        assert!(parse(line.as_bytes(), 2).unwrap_err().contains("1 items; expected 2"));
        assert!(parse(&[0xff, b'{'], 1).unwrap_err().contains("not text"));
        parse(line.as_bytes(), 1).unwrap();
    }
}
