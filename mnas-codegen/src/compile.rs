//! The whole compiler on one page: `Network` -> `Graph` -> passes -> `Plan` -> tokens, weights, text.

use crate::emit::api::{self, Embed, Options};
use crate::graph::Graph;
use crate::plan::{self, Plan, PlanError, Target};
use crate::weights::Weights;
use crate::{lower, pack, passes};
use mnas_dsl::network::Network;
use proc_macro2::TokenStream;

/// The graph of a network after all passes.
pub fn fused_graph(network: &Network) -> Graph {
    let mut graph = lower::lower(network);
    passes::run_all(&mut graph);
    graph
}

/// The plan of a network.
///
/// # Errors
///
/// None for a graph that went through all passes; see [`PlanError`].
pub fn plan_of(network: &Network, target: &Target) -> Result<Plan, PlanError> {
    plan::plan(&fused_graph(network), target)
}

/// The packed weights of a plan, little-endian, as a file beside the generated one holds them.
///
/// # Errors
///
/// If a parameter is missing or has another shape.
pub fn packed_weights(plan: &Plan, weights: &Weights) -> Result<Vec<u8>, pack::PackError> {
    let floats = pack::pack(plan, weights)?;
    Ok(floats.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// The items of the generated network.
pub fn rust(plan: &Plan, options: &Options) -> TokenStream {
    api::emit(plan, options)
}

/// Options for `network` with the most usual values: public, loaded from no file, on the published runtime.
pub fn default_options(network: &Network, parameters: u64, macs: u64) -> Options {
    Options {
        ident: proc_macro2::Ident::new(&type_name(&network.name), proc_macro2::Span::call_site()),
        visibility: quote::quote!(pub),
        attributes: TokenStream::new(),
        runtime: quote::quote!(::mnas_runtime),
        standalone: false,
        checked: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        embed: Embed::None,
        preprocess: network.preprocess.clone(),
        parameters,
        macs,
    }
}

/// `mnasnet_a1` as a type is called: `MnasnetA1`.
pub fn type_name(name: &str) -> String {
    name.split('_')
        .filter(|part| !part.is_empty())
        .flat_map(|part| {
            let mut chars = part.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<Vec<_>>()
        })
        .collect()
}
