//! How long each step of an int8 network takes.

use crate::error::Result;
use crate::quantile::median;
use crate::runner::Runner;
use mnas_codegen::int8;
use mnas_codegen::machine::Isa;
use serde_json::{Value, json};

/// Medians of the steps.
pub(super) struct Steps {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    us: f64,
    macs: u64,
}

impl Steps {
    /// Times every step.
    pub(super) fn measure(
        runner: &Runner,
        compiled: &int8::Compiled,
        isa: Isa,
        image: Vec<f32>,
        runs: u32,
    ) -> Result<Self> {
        let times = runner.profile(isa, image, runs)?;
        let row = |(index, step): (usize, &int8::plan::Step)| {
            let times: Vec<f64> = times.iter().map(|run| run[index] as f64).collect();
            Row { name: step.name.clone(), us: median(&times) / 1e3, macs: step.macs }
        };
        Ok(Steps { rows: compiled.plan.steps.iter().enumerate().map(row).collect() })
    }

    /// A row for each step.
    pub(super) fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let sum: f64 = self.rows.iter().map(|row| row.us).sum();
        let mut text = format!("{:width$}  {:>9}  {:>6}  {:>8}\n", "step", "us", "share", "GMAC/s");
        for row in &self.rows {
            let share = 100.0 * row.us / sum.max(f64::MIN_POSITIVE);
            let rate = row.macs as f64 / row.us.max(f64::MIN_POSITIVE) / 1e3;
            text.push_str(&format!("{:width$}  {:>9.1}  {share:>5.1}%  {rate:>8.1}\n", row.name, row.us));
        }
        text
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        self.rows.iter().map(|row| json!({ "name": row.name, "us": row.us, "macs": row.macs })).collect()
    }
}
