//! The kernels of one instruction set: equal ones are written once.

use super::isa::Ops;
use super::{conv, depthwise, pooling};
use crate::plan::isa::Isa;
use crate::plan::{ConvKernel, DepthwiseKernel};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;

/// Attributes of every function of an instruction set's module.
pub fn attributes(isa: Isa) -> TokenStream {
    if isa.features.is_empty() {
        quote!()
    } else {
        let features = isa.features;
        quote!(#[target_feature(enable = #features)])
    }
}

/// The end of every kernel's documentation: what its caller owes.
pub fn safety() -> TokenStream {
    quote! {
        #[doc = ""]
        #[doc = " # Safety"]
        #[doc = " The slices hold what the plan says."]
    }
}

/// Functions by what they do; names are unique, functions in the order of first use.
pub struct Kernels {
    /// The instruction set.
    pub isa: Isa,
    /// Its operations.
    pub ops: Ops,
    convs: BTreeMap<ConvKernel, Ident>,
    depthwises: BTreeMap<DepthwiseKernel, Ident>,
    /// Functions by their text (with a placeholder for the name).
    others: BTreeMap<String, Ident>,
    names: BTreeMap<String, usize>,
    functions: Vec<TokenStream>,
}

impl Kernels {
    /// None yet.
    pub fn new(isa: Isa) -> Self {
        Kernels {
            isa,
            ops: (isa.ops)(),
            convs: BTreeMap::new(),
            depthwises: BTreeMap::new(),
            others: BTreeMap::new(),
            names: BTreeMap::new(),
            functions: Vec::new(),
        }
    }

    fn name(&mut self, wanted: &str) -> Ident {
        let count = self.names.entry(wanted.to_owned()).or_insert(0);
        *count += 1;
        if *count == 1 { format_ident!("{wanted}") } else { format_ident!("{wanted}_v{count}") }
    }

    /// The function of a convolution.
    pub fn conv(&mut self, kernel: &ConvKernel) -> Ident {
        if let Some(name) = self.convs.get(kernel) {
            return name.clone();
        }
        let name = self.name(&kernel.name());
        self.functions.push(conv::emit(kernel, self.isa, &self.ops, &name));
        self.convs.insert(kernel.clone(), name.clone());
        name
    }

    /// The function of a depthwise convolution.
    pub fn depthwise(&mut self, kernel: &DepthwiseKernel) -> Ident {
        if let Some(name) = self.depthwises.get(kernel) {
            return name.clone();
        }
        let name = self.name(&kernel.name());
        self.functions.push(depthwise::emit(kernel, self.isa, &self.ops, &name));
        self.depthwises.insert(kernel.clone(), name.clone());
        name
    }

    /// Any other function: `write` makes it with the name it is given, the same text for the same work.
    pub fn function(&mut self, wanted: &str, write: impl Fn(&Ident) -> TokenStream) -> Ident {
        let key = write(&format_ident!("__name")).to_string();
        if let Some(name) = self.others.get(&key) {
            return name.clone();
        }
        let name = self.name(wanted);
        self.functions.push(write(&name));
        self.others.insert(key, name.clone());
        name
    }

    /// Multiplies a blocked tensor by a gate for each channel.
    pub fn scale(&mut self, pixels: usize) -> Ident {
        let isa = self.isa;
        self.function(&format!("scale_x{pixels}"), |name| pooling::scale(pixels, isa, &(isa.ops)(), name))
    }

    /// All functions.
    pub fn finish(self) -> TokenStream {
        self.functions.into_iter().collect()
    }
}
