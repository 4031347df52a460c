//! The surface of a generated file: the type, its functions, and the module of its kernels.

pub(crate) mod dispatch;
mod isa_module;
mod isa_threads;
mod network;
mod options;
mod output;
mod preprocess;
pub(crate) mod shared;
mod threads;
mod weights_table;

pub(crate) use network::embedded;
pub use options::{Embed, Options};
pub(crate) use preprocess::normalization_values;

use crate::plan::Plan;
use mnas_dsl::names::snake_case;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The items of a network.
pub fn emit(plan: &Plan, options: &Options) -> TokenStream {
    // Named for the type: two types may be compiled from one spec.
    let type_name = options.ident.to_string();
    let module = format_ident!("{}_kernels", snake_case(type_name.trim_start_matches("r#")));
    // Seen from the type, and from the modules of the instruction sets two levels below.
    let (runtime, inner) = if options.standalone {
        (quote!(self::mnas_runtime), quote!(super::super::mnas_runtime))
    } else {
        (options.runtime.clone(), options.runtime.clone())
    };
    let version = &options.version;
    let the_type = network::the_type(plan, options, &runtime, &module);
    let team = plan.threads.map_or(quote!(), |memory| threads::emit(plan, memory, options, &runtime, &module));
    let layers = weights_table::layers(plan, &runtime_in(&inner, options));
    let isas: TokenStream = plan.schedules.iter().map(|s| isa_module::isa_module(plan, s, options, &inner)).collect();
    let doc = " and the layout of its weights";
    let kernels = shared::kernels(options, &module, doc, &quote!(#layers #isas));
    quote! {
        #the_type
        #team
        const _: () = #runtime::assert_version(#version);
        #kernels
    }
}

fn runtime_in(inner: &TokenStream, options: &Options) -> TokenStream {
    if options.standalone { quote!(super::mnas_runtime) } else { inner.clone() }
}
