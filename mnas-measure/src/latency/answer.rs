//! What a measuring program says: a line of JSON from a device that need not be ours, of which nothing is believed that
//! cannot be.

use serde::Deserialize;

/// Fewer figures of an item have no median.
const FEWEST: usize = 5;
/// No program times more.
const MOST: usize = 100_000;
/// Nanoseconds in an hour: no run takes longer.
const LONGEST: f64 = 3.6e12;

/// What it says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Answer {
    /// The processor's name.
    pub(super) cpu: String,
    /// The processor that it was pinned to, if any.
    pub(super) processor: Option<u32>,
    /// Processes that wanted to run.
    pub(super) load: f64,
    /// Bytes of the first data cache.
    pub(super) l1_bytes: u64,
    /// Bytes of the second.
    pub(super) l2_bytes: u64,
    /// Whether two windows of the warm-up agreed.
    pub(super) settled: bool,
    /// Of each thing that was measured.
    pub(super) items: Vec<Times>,
}

/// Nanoseconds of something, and of the reference network just before.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Times {
    /// Of each run.
    pub(super) ns: Vec<f64>,
    /// Of the run of the reference network before it.
    pub(super) reference_ns: Vec<f64>,
}

#[derive(Deserialize)]
struct Head {
    mnas: u32,
    error: Option<String>,
}

/// Reads what a program wrote about `count` things; runners may have written lines of their own before.
pub(super) fn parse(output: &[u8], count: usize) -> Result<Answer, String> {
    let text = std::str::from_utf8(output).map_err(|_| "it is no text".to_owned())?;
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).ok_or("it is empty")?;
    let malformed = |error: serde_json::Error| format!("its last line is not what a measuring program writes: {error}");
    let head: Head = serde_json::from_str(line).map_err(malformed)?;
    if head.mnas != 1 {
        return Err(format!("it is of version {}, not 1", head.mnas));
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
        return Err("the processor's name is none".to_owned());
    }
    if !(0.0..1e6).contains(load) {
        return Err(format!("{load} is no load"));
    }
    if let Some(bytes) = [l1_bytes, l2_bytes].into_iter().find(|bytes| !(1 << 10..=1 << 32).contains(*bytes)) {
        return Err(format!("no cache has {bytes} bytes"));
    }
    if items.len() != count {
        return Err(format!("it has figures of {} things, not of {count}", items.len()));
    }
    for times in items {
        if !(FEWEST..=MOST).contains(&times.ns.len()) || times.ns.len() != times.reference_ns.len() {
            return Err(format!("{} and {} are no numbers of runs", times.ns.len(), times.reference_ns.len()));
        }
        let all = times.ns.iter().chain(&times.reference_ns);
        if let Some(time) = all.copied().find(|time| !(*time > 0.0 && *time <= LONGEST)) {
            return Err(format!("{time} ns is no time"));
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
    fn what_cannot_be_is_refused() {
        let line = good("1,2,3,4,5");
        let cases = [
            (String::new(), "empty"),
            ("bash: ./runner: cannot execute".to_owned(), "not what a measuring program writes"),
            ("[".repeat(100_000), "not what a measuring program writes"),
            (line.replace("\"mnas\": 1", "\"mnas\": 2"), "version 2"),
            ("{\"mnas\": 1, \"error\": \"no \\u0007 avx512\"}".to_owned(), "no  avx512"),
            (good("1,2,3,4"), "numbers of runs"),
            (good("1,2,3,4,5,6"), "numbers of runs"),
            (good("1,2,3,4,-5"), "-5 ns"),
            (good("1,2,3,4,0"), "0 ns"),
            (good("1,2,3,4,1e300"), "is no time"),
            (good("1,2,3,4,1e999"), "not what a measuring program writes"),
            (good("1,2,3,4,NaN"), "not what a measuring program writes"),
            (good("1,2,3,4,null"), "not what a measuring program writes"),
            (line.replace("0.5", "-0.5"), "no load"),
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
        assert!(parse(line.as_bytes(), 2).unwrap_err().contains("1 things, not of 2"));
        assert!(parse(&[0xff, b'{'], 1).unwrap_err().contains("no text"));
        parse(line.as_bytes(), 1).unwrap();
    }
}
