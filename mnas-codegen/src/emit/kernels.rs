//! The kernels of one instruction set: equal kernels share one function.

use super::{conv, depthwise};
use crate::machine::{Isa, Ops};
use crate::plan::{ConvKernel, DepthwiseKernel};
use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use std::collections::BTreeMap;

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
            ops: (isa.f32.ops)(),
            convs: BTreeMap::new(),
            depthwises: BTreeMap::new(),
            others: BTreeMap::new(),
            names: BTreeMap::new(),
            functions: Vec::new(),
        }
    }

    /// The function of a convolution.
    pub fn conv(&mut self, kernel: &ConvKernel) -> Ident {
        if let Some(name) = self.convs.get(kernel) {
            return name.clone();
        }
        let name = self.add(&kernel.name(), |isa, ops, name| conv::emit(kernel, isa, ops, name));
        self.convs.insert(kernel.clone(), name.clone());
        name
    }

    /// The function of a depthwise convolution.
    pub fn depthwise(&mut self, kernel: &DepthwiseKernel) -> Ident {
        if let Some(name) = self.depthwises.get(kernel) {
            return name.clone();
        }
        let name = self.add(&kernel.name(), |isa, ops, name| depthwise::emit(kernel, isa, ops, name));
        self.depthwises.insert(kernel.clone(), name.clone());
        name
    }

    /// Any other function: `write` gives its text for a name; equal texts share one function.
    pub fn function(&mut self, wanted: &str, write: impl Fn(&Ident) -> TokenStream) -> Ident {
        let key = write(&format_ident!("__name")).to_string();
        if let Some(name) = self.others.get(&key) {
            return name.clone();
        }
        let name = self.add(wanted, |_, _, name| write(name));
        self.others.insert(key, name.clone());
        name
    }

    /// Appends the function that `write` makes, under a name of its own.
    fn add(&mut self, wanted: &str, write: impl FnOnce(Isa, &Ops, &Ident) -> TokenStream) -> Ident {
        let count = self.names.entry(wanted.to_owned()).or_insert(0);
        *count += 1;
        let name = if *count == 1 { format_ident!("{wanted}") } else { format_ident!("{wanted}_v{count}") };
        self.functions.push(write(self.isa, &self.ops, &name));
        name
    }

    /// All functions.
    pub fn finish(self) -> TokenStream {
        self.functions.into_iter().collect()
    }
}
