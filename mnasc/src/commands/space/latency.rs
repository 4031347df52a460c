//! `mnasc space SPACE --latency N`: how well the sum of its layers predicts the latency of a network.

use super::{draw, named};
use crate::cli::SpaceArgs;
use crate::error::Result;
use crate::latency::{Meter, prediction};
use crate::output;
use mnas_dsl::{Network, Space, Spec};
use mnas_search::job::Latency;
use mnas_search::rng::Rng;
use serde_json::json;

/// The number of pairs of figures of one network.
const PAIRS: usize = 40;

pub(super) fn run(space: &Space, count: u32, args: &SpaceArgs) -> Result<()> {
    let mut rng = Rng::new(args.seed);
    let sizes = space.sizes();
    let mut members: Vec<(Spec, Network)> = Vec::new();
    for number in 0..count {
        let (_, mut spec, network) = draw(space, &sizes, &mut rng)?;
        spec.name.value = named(&spec.name.value, u64::from(number));
        members.push((spec, network));
    }
    let meter = Meter::of(args.device.options())?;
    let prediction = prediction::of(meter.pairs(&members)?);
    let same = meter.same_twice(&members[0].0, &members[0].1, PAIRS)?;
    let repeated = same.iter().filter(|part| part.abs() <= 0.02).count() as f64 / same.len() as f64;
    if args.json {
        return output::print_json(&json!({
            "machine": meter.machine(),
            "prediction": prediction,
            "same_within_2_percent": repeated,
            "same_pairs": PAIRS,
        }));
    }
    let mut text = String::from("  sum of layers           whole network           off\n");
    for pair in &prediction.pairs {
        let (sum, whole) = (shown(&pair.predicted), shown(&pair.measured));
        text.push_str(&format!("  {sum}  {whole}  {:+.1} %\n", prediction::off(pair) * 100.0));
    }
    text.push_str(&format!(
        "{count} members: {:.0} % of the sums are within 10 % of the whole, Kendall tau {:.3}\n",
        prediction.within_10_percent * 100.0,
        prediction.tau
    ));
    text.push_str(&format!("one network, {PAIRS} pairs of figures: {:.0} % differ by at most 2 %\n", repeated * 100.0));
    output::print(&text)
}

fn shown(latency: &Latency) -> String {
    let Latency { ms, low, high, is_stable } = latency;
    let by = (high - low) / 2.0 / ms * 100.0;
    let note = if *is_stable { " " } else { "?" };
    format!("{:9.2} us +-{by:4.1} %{note}", ms * 1e3)
}
