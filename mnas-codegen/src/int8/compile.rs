//! From a quantised network to what every door writes: text or tokens, and packed weights.

use super::emit::{self, Options as Emit};
use super::{pack, plan};
use crate::compile::{Options, spec_hash, surface_options};
use crate::emit::surface::{Embed, normalization_values};
use crate::machine::{self, Isa};
use crate::quantized::{Quantized, arithmetic};
use crate::units::Bytes;
use mnas_dsl::network::Network;
use mnas_dsl::spec::Spec;
use proc_macro2::TokenStream;

/// A compiled int8 network before it is printed.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The plan.
    pub plan: plan::Plan,
    /// Packed weights. Code that is printed without them takes them when it runs.
    pub weights: Option<Vec<u8>>,
    /// Hash of the spec.
    pub spec_hash: String,
    /// Where the packed weights have the bytes of 8-bit values.
    table: Option<usize>,
    #[cfg(feature = "format")]
    options: Options,
    emit: Emit,
}

/// Compiles a quantised network of `network` . Of `options`, schedules and the objective are for `f32` alone.
///
/// # Errors
///
/// What int8 kernels cannot compute, or instruction sets that have none.
pub fn compile(spec: &Spec, network: &Network, quantized: &Quantized, options: &Options) -> Result<Compiled, String> {
    // The default list is of `f32` kernels, and stands for every instruction set here as well.
    let isas: Vec<Isa> = if options.isas == machine::ALL {
        machine::INT8.to_vec()
    } else {
        machine::INT8.iter().filter(|isa| options.isas.contains(isa)).copied().collect()
    };
    if isas.is_empty() {
        let known: Vec<String> = machine::INT8.iter().map(|isa| format!("`{}`", isa.name)).collect();
        return Err(format!("none of the instruction sets has int8 kernels; expected one of {}", known.join(", ")));
    }
    let mut plan = plan::plan(quantized, isas, options.threaded)?;
    let mut weights = pack::pack(quantized, &plan);
    let table = network.preprocess.as_ref().map(|preprocess| {
        let at = weights.len();
        let (scale, shift) = normalization_values(preprocess);
        let map = quantized.map(quantized.graph.input);
        for (scale, shift) in scale.iter().zip(&shift) {
            let mut values = [0.0; 256];
            let bytes: Vec<u8> = (0..=255).collect();
            mnas_runtime::image::normalize(&bytes, &[*scale], &[*shift], &mut values);
            weights.extend(values.iter().map(|&x| arithmetic::quantize(x, map.scales[0], map.zero)));
        }
        at
    });
    plan.weights_len = Bytes(weights.len());
    let emit = surface_options(network, options);
    Ok(Compiled {
        plan,
        weights: Some(weights),
        spec_hash: spec_hash(spec),
        table,
        #[cfg(feature = "format")]
        options: options.clone(),
        emit,
    })
}

impl Compiled {
    /// The items, for a macro; weights are written into them.
    pub fn tokens(&self) -> TokenStream {
        let embed = self.weights.clone().map_or(Embed::None, Embed::Bytes);
        let emit = Emit { embed, ..self.emit.clone() };
        crate::emit::file::without_notes(emit::emit(&self.plan, &emit, self.table))
    }

    /// The text of a file, which includes `weights_file` (a path as `include_bytes!` takes it).
    ///
    /// # Errors
    ///
    /// A mistake of the emitter: the text is no Rust.
    #[cfg(feature = "format")]
    pub fn text(&self, weights_file: &str) -> Result<String, crate::emit::file::FormatError> {
        use crate::compile::VERSION;
        use crate::emit::file::{Header, Number, format};
        let embed = if self.weights.is_some() { Embed::File(weights_file.to_owned()) } else { Embed::None };
        let emit = Emit { embed, ..self.emit.clone() };
        let isas: Vec<&str> = self.plan.isas.iter().map(|isa| isa.name).collect();
        let shown = crate::compile::shown_options(&format!("--isa {}", isas.join(",")), &self.options);
        let header = Header { version: VERSION, spec_hash: &self.spec_hash, options: &shown };
        let tokens = emit::emit(&self.plan, &emit, self.table);
        let text = format(&self.plan.name, Number::Int8, self.plan.threads, tokens, &emit, &header);
        crate::compile::forget_sources();
        text
    }

    /// The items as one line of text, for a file that is compiled and not read.
    pub fn source(&self) -> String {
        let text = self.tokens().to_string();
        crate::compile::forget_sources();
        text
    }

    /// The generated type's name.
    pub fn type_name(&self) -> String {
        self.emit.ident.to_string()
    }
}
