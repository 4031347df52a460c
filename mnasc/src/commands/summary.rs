//! `mnasc summary SPEC`

use crate::cli::SummaryArgs;
use crate::compiler;
use crate::error::Result;
use crate::{input, output};
use mnas_codegen::compile::Options;
use mnas_codegen::report;
use serde_json::json;

/// Prints parameters, multiply-accumulates and bytes of a network.
pub(crate) fn run(args: &SummaryArgs) -> Result<()> {
    let (spec, network) = input::spec(&args.spec)?;
    let compiled = compiler::build_f32(&spec, &network, &Options::default())?;
    let summary = report::summary(&compiled.graph);
    let arena_bytes = compiled.plan.arena.len.bytes().0;
    if !args.json {
        return output::print(&format!("{summary}arena: {arena_bytes} bytes\n"));
    }
    let layers: Vec<_> = summary
        .layers
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "op": row.op,
                "output": [row.output.height, row.output.width, row.output.channels],
                "parameters": row.parameters,
                "macs": row.macs,
                "weight_bytes": row.weight_bytes,
            })
        })
        .collect();
    output::print_json(&json!({
        "name": summary.name,
        "parameters": summary.parameters,
        "macs": summary.macs,
        "arena_bytes": arena_bytes,
        "weight_bytes": summary.weight_bytes,
        "layers": layers,
    }))
}
