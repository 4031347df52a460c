//! Writes, compiles and runs a program that compares kernels with plain loops.

use mnas_codegen::emit::kernels::Kernels;
use mnas_codegen::emit::{file, memory};
use mnas_codegen::graph::activation_name;
use mnas_codegen::machine::Isa;
use mnas_codegen::plan::{ConvKernel, DepthwiseKernel, InputLayout, LoopRange, OutputLayout};
use quote::quote;
use std::fmt::Write as _;
use std::process::Command;

/// A kernel to compare.
pub(crate) enum Case {
    /// A convolution.
    Conv(ConvKernel),
    /// A row of a depthwise convolution.
    Depthwise(DepthwiseKernel),
}

/// A program of kernels and calls that compare them.
pub(crate) struct Program {
    isa: Isa,
    checked: bool,
    kernels: Kernels,
    calls: String,
    first: Option<String>,
}

/// Pixel stride and block stride with `lanes` channels a block; NHWC is blocks of `lanes` beside each other.
fn layout(source: &InputLayout, lanes: usize) -> (usize, usize) {
    match source {
        InputLayout::Nhwc { stride } => (stride.0, lanes),
        InputLayout::Nchwc { block_stride } => (lanes, block_stride.0),
    }
}

impl Program {
    pub(crate) fn new(isa: Isa, checked: bool) -> Self {
        Program { isa, checked, kernels: Kernels::new(isa), calls: String::new(), first: None }
    }

    pub(crate) fn push(&mut self, case: &Case) {
        let call = match case {
            Case::Conv(k) => self.conv(k),
            Case::Depthwise(k) => self.depthwise(k),
        };
        if self.first.is_none() {
            self.first = Some(call.clone());
        }
        self.calls.push_str(&call);
    }

    fn conv(&mut self, k: &ConvKernel) -> String {
        let lanes = self.isa.lanes;
        let mut laid_out = k.clone();
        laid_out.lay_out(self.isa);
        let name = self.kernels.conv(&laid_out);
        let (pixel, block) = layout(&k.source, lanes);
        let (out_pixel, out_block, pool) = match k.destination {
            OutputLayout::Nhwc { stride } => (stride.0, lanes, false),
            OutputLayout::Nchwc { block_stride } => (lanes, block_stride.0, false),
            OutputLayout::Pool => (0, lanes, true),
        };
        let panels: Vec<(usize, usize)> = k.panels.iter().map(|p| (p.width, p.count)).collect();
        // Runs follow each other, as one long one.
        let pixels = if k.range == LoopRange::Runs { 3 * k.pixels } else { k.pixels };
        let source_len = match k.source {
            InputLayout::Nhwc { stride } => k.input_width.max(pixels) * stride.0,
            InputLayout::Nchwc { block_stride } => k.input_channels.div_ceil(lanes) * block_stride.0,
        };
        // Of a larger kernel all rows but the first exist: as at the top of an image.
        let rows = match k.range {
            LoopRange::Rows { .. } => "0..1,".to_owned(),
            LoopRange::PanelRows { .. } => String::new(),
            _ if k.kernel_size > 1 => format!("{source_len}, 1, {},", k.kernel_size),
            _ => String::new(),
        };
        let (row_from, row_count) = if k.kernel_size > 1 { (1, k.kernel_size - 1) } else { (0, 1) };
        let residual = if k.residual.is_some() { "residual," } else { "" };
        let gate = if k.gated { "gate, panel," } else { "" };
        let fun = format!("{}::{name}", self.isa.name);
        // A kernel may prefetch any memory.
        let residual =
            if k.prefetch_len.0 > 0 { format!("&w[w.len() / 2..], {residual}") } else { residual.to_owned() };
        let call = match k.range {
            LoopRange::All | LoopRange::Rows { .. } => format!("{fun}(a, {rows} w, {residual} {gate} out)"),
            LoopRange::Runs => format!("{fun}(a, {rows} w, {residual} {gate} out, 3)"),
            LoopRange::Panels => {
                let count: usize = k.panels.iter().map(|p| p.count).sum();
                let step = match k.destination {
                    OutputLayout::Nchwc { block_stride } => k.panels[0].channels / lanes * block_stride.0,
                    OutputLayout::Nhwc { .. } | OutputLayout::Pool => k.panels[0].channels,
                };
                format!(
                    "for (s, e) in [(0, 1), (1, {count})] {{ if s < e {{ {fun}(a, {rows} w, {residual} {gate} &mut out[s * {step}..], s..e) }} }}"
                )
            }
            LoopRange::Tiles | LoopRange::PanelRows { .. } => format!(
                "{{ let (shared, len) = (&Shared(out.as_mut_ptr(), out.len()), panel.len()); \
                 mnas_runtime::ThreadPool::new(3).unwrap().run(|worker| {{ let panel = &mut vec![POISON; len][..]; \
                 {fun}(a, {rows} w, {residual} {gate} shared.cells(), &worker) }}) }}"
            ),
        };
        format!(
            "    {{ let c = Conv {{ name: {name:?}, cin: {cin}, cout: {cout}, k: {ks}, stride: {stride}, pad: {pad}, \
             width: {width}, pixels: {pixels}, pixel: {pixel}, block: {block}, row: {source_len}, lanes: {lanes}, \
             row_from: {row_from}, row_count: {row_count}, out_pixel: {out_pixel}, out_block: {out_block}, pool: {pool}, \
             panels: &{panels:?}, activation: {activation}, residual: {has_residual:?}, gated: {gated} }};\n\
             \x20     check_conv(&c, &|a, w, residual, gate, panel, out| unsafe {{ {call} }}, spoil); }}\n",
            name = name.to_string(),
            cin = k.input_channels,
            cout = k.output_channels,
            ks = k.kernel_size,
            stride = k.stride,
            pad = k.pad_left,
            width = k.input_width,
            activation = activation_name(k.activation),
            has_residual = format!("{:?}", k.residual),
            gated = k.gated,
        )
    }

    fn depthwise(&mut self, k: &DepthwiseKernel) -> String {
        let lanes = self.isa.lanes;
        let mut laid_out = k.clone();
        laid_out.lay_out();
        let name = self.kernels.depthwise(&laid_out);
        let (pixel, block) = layout(&k.source, lanes);
        let row = match k.source {
            InputLayout::Nhwc { stride } => stride.0 * k.input_width,
            InputLayout::Nchwc { .. } => lanes * k.input_width,
        };
        let pooled = if k.pool.is_some() { "pooled," } else { "" };
        let residual = if k.residual.is_some() { "residual," } else { "" };
        let (out_pixel, out_block) = match k.destination {
            OutputLayout::Nchwc { block_stride } => (lanes, block_stride.0),
            OutputLayout::Nhwc { stride } => (stride.0, lanes),
            OutputLayout::Pool => unreachable!("no depthwise convolution keeps the mean alone"),
        };
        let fun = format!("{}::{name}", self.isa.name);
        let call = if k.ranged {
            // The vectors in two parts.
            let (vectors, out) = (k.channels.div_ceil(lanes), out_block);
            let from = if let InputLayout::Nchwc { block_stride } = k.source { block_stride.0 } else { 0 };
            format!(
                "for (s, e) in [(0, {half}), ({half}, {vectors})] {{ {fun}(&a[s * {from}..], rows, w, {pooled} &mut out[s * {out}..], s..e) }}",
                half = vectors / 2
            )
        } else {
            format!("{fun}(a, rows, w, {pooled} {residual} out)")
        };
        format!(
            "    {{ let c = Depthwise {{ name: {name:?}, channels: {c}, k: {ks}, stride: {stride}, pad: {pad}, width: {width}, \
             columns: {columns}, pixel: {pixel}, block: {block}, row: {row}, lanes: {lanes}, panel: {panel}, out_pixel: {out_pixel}, out_block: {out_block}, \
             activation: {activation}, residual: {residual:?}, pool: {pool} }};\n\
             \x20     check_depthwise::<{ks}>(&c, &|a, rows, w, pooled, residual, out| unsafe {{ {call} }}); }}\n",
            name = name.to_string(),
            c = k.channels,
            ks = k.kernel_size,
            stride = k.stride,
            pad = k.pad_left,
            width = k.input_width,
            columns = k.output_width,
            panel = k.panel,
            activation = activation_name(k.activation),
            residual = format!("{:?}", k.residual),
            pool = k.pool.is_some(),
        )
    }

    /// Compiles and runs it; gives what it printed.
    pub(crate) fn run(self) -> String {
        let module = quote::format_ident!("{}", self.isa.name);
        let imports = (self.kernels.ops.imports)(&quote!(crate::mnas_runtime));
        let memory = memory::memory(&self.kernels.ops, self.isa.lanes, self.checked);
        let shared = memory::shared_memory(&self.kernels.ops, self.isa.lanes, self.checked);
        let arch = self.isa.gate.attribute();
        let functions = file::without_notes(self.kernels.finish()).to_string();
        let functions = functions.replace("unsafe fn", "pub unsafe fn");
        let mut text = format!(
            "#![allow(warnings)]\n{}\n{arch} mod {module} {{ {imports} use std::cell::Cell; use crate::mnas_runtime::Worker; {memory} {shared} {functions} }}\n",
            file::runtime(file::Number::F32)
        );
        text.push_str(include_str!("plain.rs"));
        let supported = match self.isa.name {
            "scalar" => "true".to_owned(),
            _ => self
                .isa
                .features
                .split(',')
                .map(|f| format!("is_x86_feature_detected!({f:?})"))
                .collect::<Vec<_>>()
                .join(" && "),
        };
        let _ = write!(
            text,
            "fn main() {{\n if !({supported}) {{ println!(\"unsupported\"); return; }}\n let spoil = false;\n{}\n let spoil = true;\n{}\n}}\n",
            self.calls,
            self.first.unwrap_or_default()
        );
        let folder = std::env::temp_dir().join(format!(
            "mnas-kernels-{}-{}-{}",
            std::process::id(),
            self.isa.name,
            self.checked
        ));
        std::fs::create_dir_all(&folder).expect("a folder for the program");
        let (source, program) = (folder.join("main.rs"), folder.join("program"));
        std::fs::write(&source, text).expect("the program is written");
        let built = Command::new("rustc")
            // Asserted accesses cost the optimiser most of its time, and what they assert is the same without it.
            .args(["--cfg", "feature=\"std\"", "--cfg", "feature=\"alloc\""])
            .args(["--edition", "2024", "-C", if self.checked { "opt-level=0" } else { "opt-level=3" }, "-o"])
            .arg(&program)
            .arg(&source)
            .output()
            .expect("rustc runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let ran = Command::new(&program).output().expect("the program runs");
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{out}\n{}", String::from_utf8_lossy(&ran.stderr));
        let _ = std::fs::remove_dir_all(&folder);
        out
    }
}
