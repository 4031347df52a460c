//! Arguments of `peak`.

use clap::Args;

pub(super) const EXAMPLES: &str = "\
Examples:
  mnasc peak
  taskset -c 0,1 mnasc peak --threads 2
  mnasc peak --json | jq '.fma[0].gflops'

It takes about two seconds. Each figure is the best of many short measurements, as disturbances only slow code down.
The clock rate is that of scalar code; a processor may lower it for wide vectors.";

#[derive(Debug, Args)]
pub(crate) struct PeakArgs {
    /// Number of threads; rates are sums over all of them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: u32,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
