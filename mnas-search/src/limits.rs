//! Limits of a device, checked before a network is trained.

use mnas_codegen::compile::{CompileError, Options, compile};
use mnas_codegen::report;
use mnas_dsl::space::Limits;
use mnas_dsl::{Network, Spec};

/// The cost of a network, each figure with its name in the `limits` of a space.
///
/// # Errors
///
/// The network cannot be compiled.
pub fn costs(spec: &Spec, network: &Network) -> Result<[(&'static str, u64); 4], CompileError> {
    let compiled = compile(spec, network, None, &Options::default())?;
    Ok([
        ("parameters", network.parameters()),
        ("macs", network.macs()),
        ("arena_bytes", compiled.plan.arena.len.bytes().0 as u64),
        ("weight_bytes", report::summary(&compiled.graph).weight_bytes),
    ])
}

/// The limit that a network exceeds, or `None` where it fits. Cheap figures are checked first: most networks that are
/// too large are never planned.
///
/// # Errors
///
/// The network has to be compiled for a figure, and cannot be.
pub fn exceeded(spec: &Spec, network: &Network, limits: &Limits) -> Result<Option<String>, CompileError> {
    let over = |what: &str, is: u64, most: Option<u64>| {
        most.filter(|&most| is > most).map(|most| format!("{is} {what}, at most {most} are allowed"))
    };
    let counted = over("parameters", network.parameters(), limits.parameters)
        .or_else(|| over("multiply-accumulates", network.macs(), limits.macs));
    if counted.is_some() || (limits.arena_bytes.is_none() && limits.weight_bytes.is_none()) {
        return Ok(counted);
    }
    let [_, _, (_, arena), (_, weights)] = costs(spec, network)?;
    Ok(over("bytes of arena", arena, limits.arena_bytes)
        .or_else(|| over("bytes of weights", weights, limits.weight_bytes)))
}
