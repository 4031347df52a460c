//! `mnasc space SPACE`

mod latency;

use crate::cli::SpaceArgs;
use crate::error::{Error, Result};
use crate::input;
use crate::output::{self, Artifact};
use mnas_dsl::space::{Membership, Space};
use mnas_dsl::{Network, Spec};
use mnas_search::limits;
use mnas_search::rng::Rng;
use serde_json::json;
use std::path::Path;

/// Members in a row that may exceed the limits before sampling stops.
const PATIENCE: usize = 10_000;

/// Prints the size of a space, draws members, or checks a spec.
pub(crate) fn run(args: &SpaceArgs) -> Result<()> {
    let (space, _) = input::space(&args.space)?;
    match (&args.contains, args.sample) {
        (Some(spec), _) => contains(&space, spec, args.json),
        (None, Some(count)) => sample(&space, count, args),
        (None, None) => match args.latency {
            Some(count) => latency::run(&space, count, args),
            None => describe(&space, args.json),
        },
    }
}

fn describe(space: &Space, is_json: bool) -> Result<()> {
    let size = space.size();
    if is_json {
        let choices: Vec<_> = space
            .choices()
            .iter()
            .map(|choice| json!({"path": choice.path, "line": choice.line, "alternatives": choice.alternatives}))
            .collect();
        return output::print_json(&json!({
            "choices": choices,
            "blocks": size.blocks,
            "outside": size.outside,
            "layers": size.layers,
            "per_layer": size.per_layer,
            "factorised": size.factorised,
            "layerwise": size.layerwise,
        }));
    }
    let mut text = String::new();
    let mut part = None;
    for choice in space.choices() {
        let (of, key) = choice.path.rsplit_once('.').unwrap_or(("", &choice.path));
        if part != Some(of) {
            let count = choice.block.and_then(|block| size.blocks.get(block).zip(size.layers.get(block)));
            let count =
                count.map_or(String::new(), |(count, layers)| format!(": {count} combinations, {layers} layers"));
            text.push_str(&format!("{}{count}\n", if of.is_empty() { "network" } else { of }));
            part = Some(of);
        }
        text.push_str(&format!("  {key:<8} {}\n", choice.alternatives.join(", ")));
    }
    let product = |parts: &[f64]| parts.iter().map(f64::to_string).collect::<Vec<_>>().join(" * ");
    let mut parts = size.blocks.clone();
    if size.outside != 1.0 {
        parts.push(size.outside);
    }
    text.push_str(&format!("members, layers of a block alike: {} = {}\n", product(&parts), short(size.factorised)));
    // The alternatives of a layer to the power of the layers, times the possible numbers of layers.
    let each = size.per_layer.iter().zip(&size.layers).zip(&size.blocks).map(|((one, layers), all)| {
        let numbers = all / one;
        if numbers == 1.0 { format!("{one}^{layers}") } else { format!("{one}^{layers}*{numbers}") }
    });
    let outside = (size.outside != 1.0).then(|| size.outside.to_string());
    let each = each.chain(outside).collect::<Vec<_>>().join(" * ");
    text.push_str(&format!("if each layer chose independently: {each} = {}\n", short(size.layerwise)));
    let limit = space.limits();
    for (what, most) in [
        ("parameters", limit.parameters),
        ("multiply-accumulates", limit.macs),
        ("bytes of arena", limit.arena_bytes),
        ("bytes of weights", limit.weight_bytes),
    ] {
        if let Some(most) = most {
            text.push_str(&format!("at most {most} {what}\n"));
        }
    }
    output::print(&text)
}

/// A number of members: with all digits if there are few.
fn short(value: f64) -> String {
    if value < 1e6 { value.round().to_string() } else { format!("{value:.1e}") }
}

fn contains(space: &Space, path: &Path, is_json: bool) -> Result<()> {
    let (spec, network) = input::spec(path)?;
    match space.contains(&network)? {
        Membership::Member(indices) => {
            let (_, member) = space.member(&indices)?;
            let chosen: Vec<_> = space
                .choices()
                .iter()
                .zip(&indices)
                .map(|(choice, &at)| (choice.path.clone(), choice.alternatives[at].clone()))
                .collect();
            let over = limits::exceeded(&spec, &network, space.limits());
            let over = over.map_err(|error| Error::input(error.to_string()))?;
            if is_json {
                let choices: Vec<_> =
                    chosen.iter().map(|(path, value)| json!({"path": path, "value": value})).collect();
                let member = json!({"member": true, "over": over, "indices": indices, "choices": choices});
                output::print_json(&member)?;
            }
            if let Some(over) = over {
                return Err(Error::difference(format!(
                    "`{}` has only values of the space, but exceeds its limits: {over}",
                    path.display()
                )));
            }
            if is_json {
                return Ok(());
            }
            let mut text = format!("\x1b[32mmember\x1b[0m {}: {}\n", path.display(), network.name);
            for (path, value) in chosen {
                text.push_str(&format!("  {path}: {value}\n"));
            }
            if member.layers.iter().zip(&network.layers).any(|(a, b)| a.pads != b.pads) {
                text.push_str("its padding differs from the space's\n");
            }
            if member.batch_norm_eps != network.batch_norm_eps {
                text.push_str(&format!(
                    "its batch-norm epsilon is {}, the space's {}\n",
                    network.batch_norm_eps, member.batch_norm_eps
                ));
            }
            output::print(&text)
        }
        Membership::Not(why) => {
            if is_json {
                output::print_json(&json!({"member": false, "part": why.part, "differences": why.differences}))?;
            }
            Err(Error::difference(format!(
                "`{}` is not a member: {}: {}",
                path.display(),
                why.part,
                why.differences.join("; ")
            )))
        }
    }
}

fn sample(space: &Space, count: u32, args: &SpaceArgs) -> Result<()> {
    let mut rng = Rng::new(args.seed);
    let sizes = space.sizes();
    let mut drawn = Vec::new();
    for number in 0..count {
        let (indices, mut spec, network) = draw(space, &sizes, &mut rng)?;
        spec.name.value = named(&spec.name.value, u64::from(number));
        let what = format!("{} parameters, {} multiply-accumulates", network.parameters(), network.macs());
        drawn.push((indices, spec, network, what));
    }
    if let Some(folder) = &args.to {
        let artifacts: Vec<Artifact> = drawn
            .iter()
            .map(|(_, spec, _, what)| Artifact {
                path: folder.join(format!("{}.yaml", spec.name.value)),
                bytes: format!("# {what}\n{}", spec.to_yaml()).into_bytes(),
            })
            .collect();
        output::write_folder(folder, &artifacts)?;
    }
    if args.json {
        let members: Vec<_> = drawn
            .iter()
            .map(|(indices, spec, network, _)| {
                json!({
                    "indices": indices,
                    "spec": spec.to_yaml(),
                    "parameters": network.parameters(),
                    "macs": network.macs(),
                })
            })
            .collect();
        return output::print_json(&json!({ "members": members }));
    }
    let mut text = String::new();
    for (_, spec, _, what) in &drawn {
        match &args.to {
            Some(folder) => {
                text.push_str(&format!("{}: {what}\n", folder.join(format!("{}.yaml", spec.name.value)).display()));
            }
            None => text.push_str(&format!("# {what}\n{}\n", spec.to_yaml())),
        }
    }
    output::print(&text)
}

/// The space's name and a number, shortened to the longest valid name.
pub(super) fn named(name: &str, number: u64) -> String {
    let end = format!("_{number}");
    let room: String = name.chars().take(64 - end.len()).collect();
    format!("{}{end}", room.trim_end_matches('_'))
}

fn draw(space: &Space, sizes: &[usize], rng: &mut Rng) -> Result<(Vec<usize>, Spec, Network)> {
    for _ in 0..PATIENCE {
        let indices = rng.indices(sizes);
        // Each alternative is valid alone; together they may be too large.
        let Ok((spec, network)) = space.member(&indices) else { continue };
        let exceeded = limits::exceeded(&spec, &network, space.limits());
        if exceeded.map_err(|error| Error::input(error.to_string()))?.is_none() {
            return Ok((indices, spec, network));
        }
    }
    Err(Error::input(format!("{PATIENCE} members were drawn, and all exceed the limits"))
        .hint("raise the `limits`, or offer smaller values"))
}
