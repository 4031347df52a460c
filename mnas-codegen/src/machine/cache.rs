//! Caches, and what threads wait for: a model of a processor, by name. Plain data that a measurement can fit and a file
//! can hold.

use super::isa::Isa;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Caches of a processor, as far as estimates depend on them.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheModel {
    /// The processor.
    pub name: String,
    /// Bytes of a cache line.
    pub line: usize,
    /// Sets of the first-level cache.
    pub l1_sets: usize,
    /// Bytes of second-level cache of a core that a row block may count on.
    pub l2_bytes: usize,
    /// Bytes a cycle from the second-level cache.
    pub l2_bandwidth: f64,
    /// Bytes a cycle from the third-level cache.
    pub l3_bandwidth: f64,
    /// Bytes a cycle of what another core has just written.
    pub core_bandwidth: f64,
    /// Cycles that threads wait at a barrier, the delay of the last one with it.
    pub barrier: f64,
    /// Bytes of second-level cache that processors with an instruction set have at least, by its name. An instruction set
    /// that is missing here has [`CacheModel::l2_bytes`].
    pub least_l2: BTreeMap<String, usize>,
}

impl CacheModel {
    /// Bytes of a cache line, as generated code assumes it: for alignment and prefetches.
    pub const LINE: usize = 64;

    /// A processor of this decade about which nothing else is known.
    ///
    /// Half a megabyte is the least second-level cache (Zen 2 and 3; newer ones have 1 to 2 MB); the bandwidths are about a
    /// third and a tenth of L1's, as measured on Zen 3 and 4; data that another core has written was read at 8 bytes a
    /// cycle on Sapphire Rapids.
    pub fn generic() -> Self {
        let least_l2 = [("avx512", 1 << 20), ("avx2", 256 << 10), ("scalar", 128 << 10)];
        CacheModel {
            name: "generic".to_owned(),
            line: CacheModel::LINE,
            l1_sets: 64,
            l2_bytes: 512 << 10,
            l2_bandwidth: 32.0,
            l3_bandwidth: 10.0,
            core_bandwidth: 8.0,
            barrier: 2000.0,
            least_l2: least_l2.map(|(isa, bytes)| (isa.to_owned(), bytes)).into(),
        }
    }

    /// Bytes of L2 that the smallest processor with an instruction set has.
    pub fn least_l2(&self, isa: &Isa) -> usize {
        self.least_l2.get(isa.name).copied().unwrap_or(self.l2_bytes)
    }

    /// Bytes of L2 that data may take that is read again: more was found to be slower than the weights that it saves.
    pub fn near(&self) -> usize {
        self.l2_bytes * 3 / 8
    }

    /// Bytes a cycle at which this many bytes are read again.
    pub fn bandwidth(&self, bytes: usize) -> f64 {
        if bytes <= self.near() { self.l2_bandwidth } else { self.l3_bandwidth }
    }

    /// Bytes a cycle at which the rows between two layers are read again, where a row block keeps `kept` bytes of them and L2
    /// has `room` bytes. Of rows that do not fit L2 still has a part, the smaller the more they are.
    pub fn row_block_bandwidth(&self, kept: usize, room: usize) -> f64 {
        if kept <= room {
            return self.l2_bandwidth;
        }
        self.l3_bandwidth / (1.0 - room as f64 / kept as f64 / 2.0)
    }

    /// Whether pixels `bytes` apart share so few sets of the first-level cache that those which a kernel reads together do
    /// not fit.
    pub fn few_sets(&self, bytes: usize) -> bool {
        bytes.is_multiple_of(self.l1_sets / 8 * self.line)
    }
}

impl fmt::Display for CacheModel {
    /// A line for each value, as [`CacheModel::from_str`] reads them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "name: {}", self.name)?;
        writeln!(f, "line: {}", self.line)?;
        writeln!(f, "l1_sets: {}", self.l1_sets)?;
        writeln!(f, "l2_bytes: {}", self.l2_bytes)?;
        writeln!(f, "l2_bandwidth: {}", self.l2_bandwidth)?;
        writeln!(f, "l3_bandwidth: {}", self.l3_bandwidth)?;
        writeln!(f, "core_bandwidth: {}", self.core_bandwidth)?;
        writeln!(f, "barrier: {}", self.barrier)?;
        self.least_l2.iter().try_for_each(|(isa, bytes)| writeln!(f, "least_l2.{isa}: {bytes}"))
    }
}

/// A line that does not belong to a model, or a value that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheModelError(String);

impl fmt::Display for CacheModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CacheModelError {}

impl FromStr for CacheModel {
    type Err = CacheModelError;

    /// Reads lines of `name: value`; an empty line or one that starts with `#` is skipped. Every value is needed, but for
    /// those of `least_l2`.
    fn from_str(text: &str) -> Result<Self, CacheModelError> {
        let wrong = |message: String| CacheModelError(message);
        let mut values = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) =
                line.split_once(':').ok_or_else(|| wrong(format!("line {}: expected `name: value`", number + 1)))?;
            if values.insert(key.trim(), value.trim()).is_some() {
                return Err(wrong(format!("line {}: `{}` is given twice", number + 1, key.trim())));
            }
        }
        let mut take = |key: &str| values.remove(key).ok_or_else(|| wrong(format!("`{key}` is missing")));
        let size = |key: &str, value: &str| {
            let size = value.parse::<usize>().ok().filter(|size| (1..=1 << 40).contains(size));
            size.ok_or_else(|| wrong(format!("`{key}` is `{value}`; expected a whole number from 1 to 2^40")))
        };
        let rate = |key: &str, value: &str| {
            let rate = value.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0);
            rate.ok_or_else(|| wrong(format!("`{key}` is `{value}`; expected a number that is not negative")))
        };
        let mut model = CacheModel {
            name: take("name")?.to_owned(),
            line: size("line", take("line")?)?,
            l1_sets: size("l1_sets", take("l1_sets")?)?.max(8),
            l2_bytes: size("l2_bytes", take("l2_bytes")?)?,
            l2_bandwidth: rate("l2_bandwidth", take("l2_bandwidth")?)?,
            l3_bandwidth: rate("l3_bandwidth", take("l3_bandwidth")?)?,
            core_bandwidth: rate("core_bandwidth", take("core_bandwidth")?)?,
            barrier: rate("barrier", take("barrier")?)?,
            least_l2: BTreeMap::new(),
        };
        for (key, value) in values {
            let isa =
                key.strip_prefix("least_l2.").ok_or_else(|| wrong(format!("`{key}` is not a value of a model")))?;
            super::by_name(isa).map_err(|unknown| wrong(unknown.to_string()))?;
            model.least_l2.insert(isa.to_owned(), size(key, value)?);
        }
        Ok(model)
    }
}

#[cfg(test)]
mod tests {
    use super::CacheModel;

    #[test]
    fn a_model_reads_back_as_it_was_written() {
        let mut model = CacheModel::generic();
        assert_eq!(model.to_string().parse(), Ok(model.clone()));
        (model.name, model.l3_bandwidth) = ("zen 4".to_owned(), 9.25);
        model.least_l2.clear();
        assert_eq!(format!("# measured\n\n{model}").parse(), Ok(model));
    }

    #[test]
    fn a_wrong_line_is_an_error() {
        let text = CacheModel::generic().to_string();
        let error = |text: String| text.parse::<CacheModel>().unwrap_err().to_string();
        assert!(error(text.replace("line: 64", "line: many")).contains("whole number"));
        assert!(error(text.replace("barrier: 2000", "barrier: NaN")).contains("not negative"));
        assert!(error(text.replace("line: 64\n", "")).contains("`line` is missing"));
        assert!(error(text.replace("line: 64\n", "line 64\n")).contains("line 2: expected"));
        assert!(error(text.replace("least_l2.avx2", "least_l2.avx3")).contains("avx3"));
        assert!(error(format!("{text}colour: 7\n")).contains("colour"));
        assert!(error(format!("{text}line: 64\n")).contains("twice"));
    }
}
