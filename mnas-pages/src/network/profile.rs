//! What `mnasc bench SPEC --json --profile` measured, read again and held against the plan.

use mnas_codegen::plan::Plan;
use mnas_io as input;
use mnas_io::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// A profile of a thousand layers has a tenth of that.
const LIMIT: u64 = 8 << 20;

const HINT: &str = "`mnasc bench SPEC --json --profile > FILE` writes one";

/// Measured times.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Of the network, milliseconds.
    pub(super) median_ms: f64,
    pub(super) isa: String,
    pub(super) threads: u64,
    /// The network's time over the sum of least times.
    pub(super) times_roofline: f64,
    /// One for each step of the plan.
    pub(super) steps: Vec<Time>,
}

/// What a step took.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Time {
    pub(super) us: f64,
    /// The least time over it.
    pub(super) of_bound: f64,
    /// What the least time comes from.
    pub(super) limit: String,
}

impl Profile {
    /// Reads a profile of this plan.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is no profile, or is of another network.
    pub fn read(path: &Path, plan: &Plan) -> Result<Self> {
        let shown = path.display();
        let Some(bytes) = input::read(path, LIMIT)? else {
            return Err(
                Error::input(format!("`{shown}` has more than {} MB; this is no profile", LIMIT >> 20)).hint(HINT)
            );
        };
        Self::parse(&bytes, plan).map_err(|what| Error::input(format!("`{shown}` {what}")).hint(HINT))
    }

    /// What is wrong is said so that the file's name fits before it.
    fn parse(bytes: &[u8], plan: &Plan) -> std::result::Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}"))?;
        let name = word(&value, "name", "")?;
        if name != plan.name {
            return Err(format!("is of network {name:?}; this is `{}`", plan.name));
        }
        let Some(blocks) = value.get("blocks") else {
            return Err("has times of the whole network only, none of its blocks".to_owned());
        };
        let Some(blocks) = blocks.as_array() else { return Err("has `blocks` that are no list".to_owned()) };
        let mut steps = Vec::new();
        for (index, step) in plan.steps.iter().enumerate() {
            let place = format!("blocks[{index}].");
            let Some(block) = blocks.get(index) else {
                return Err(format!(
                    "has {} blocks, the network {}: was the spec changed?",
                    blocks.len(),
                    plan.steps.len()
                ));
            };
            let name = word(block, "name", &place)?;
            if name != step.name {
                return Err(format!("has block {name:?} where the network has `{}`: was the spec changed?", step.name));
            }
            let macs = block.get("macs").and_then(Value::as_u64);
            if macs != Some(step.macs) {
                let macs = macs.map_or_else(|| "no".to_owned(), |macs| macs.to_string());
                return Err(format!(
                    "has {macs} `macs` of block `{name}`, the network {}: was the spec changed?",
                    step.macs
                ));
            }
            steps.push(Time {
                us: number(block, "median_us", &place)?,
                of_bound: number(block, "of_bound", &place)?,
                limit: word(block, "limit", &place)?,
            });
        }
        if blocks.len() > steps.len() {
            return Err(format!("has {} blocks, the network {}: was the spec changed?", blocks.len(), steps.len()));
        }
        let threads = value.get("threads").and_then(Value::as_u64).filter(|threads| *threads > 0);
        Ok(Profile {
            median_ms: number(&value, "median_ms", "")?,
            isa: word(&value, "isa", "")?,
            threads: threads.ok_or("has no `threads`")?,
            times_roofline: number(&value, "times_roofline", "")?,
            steps,
        })
    }

    /// Of all steps.
    pub(super) fn us(&self) -> f64 {
        self.steps.iter().map(|time| time.us).sum()
    }
}

fn word(value: &Value, key: &str, place: &str) -> std::result::Result<String, String> {
    let word = value.get(key).and_then(Value::as_str);
    word.map(str::to_owned)
        .ok_or_else(|| format!("has no text as `{place}{key}`; expected a profile of `mnasc bench --json --profile`"))
}

/// A number from 0 to below 1e15, so that sums are finite.
fn number(value: &Value, key: &str, place: &str) -> std::result::Result<f64, String> {
    let number = value.get(key).and_then(Value::as_f64).filter(|number| (0.0..1e15).contains(number));
    number.ok_or_else(|| format!("has no time as `{place}{key}`; expected a profile of `mnasc bench --json --profile`"))
}
