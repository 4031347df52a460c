//! What a quantisation has given, as text, JSON and a page.

use crate::cli::QuantizeArgs;
use mnas_dsl::Network;
use mnas_pages::quantized::{Report, render};
use mnas_quantize::{Comparison, LayerError, Method};
use serde_json::{Value, json};

/// Fewer pictures than this are few.
const FEW: usize = 100;

pub(super) struct Outcome<'a> {
    pub(super) args: &'a QuantizeArgs,
    pub(super) network: &'a Network,
    pub(super) counts: Comparison,
    pub(super) layers: Vec<LayerError>,
    /// Pictures that ranges were chosen by.
    pub(super) calibrated: usize,
    /// Those that weights were rounded and biases corrected with.
    pub(super) corrected: usize,
    /// Bytes of the weights in f32.
    pub(super) float_bytes: u64,
    pub(super) int8_bytes: u64,
}

impl Outcome<'_> {
    /// Share of the labels that are the first class of the float and of the int8 network.
    fn top1(&self) -> Option<(f64, f64)> {
        let Comparison { labelled, float_right, int8_right, .. } = self.counts;
        let share = |right: usize| right as f64 / labelled as f64;
        (labelled > 0).then(|| (share(float_right), share(int8_right)))
    }

    /// Share of the pictures for which both networks name the same class; `None` of a network without classes.
    fn agreement(&self) -> Option<f64> {
        self.network.head.as_ref().map(|_| self.counts.agree as f64 / self.counts.images as f64)
    }

    pub(super) fn json(&self) -> Value {
        let top1 = self.top1();
        json!({
            "network": self.network.name,
            "output": self.args.output,
            "bytes": self.int8_bytes,
            "float_bytes": self.float_bytes,
            "calibrate": method(self.args.calibrate),
            "images": {
                "calibrated": self.calibrated, "corrected": self.corrected, "compared": self.counts.images,
            },
            "top1_float": top1.map(|top1| top1.0),
            "top1_int8": top1.map(|top1| top1.1),
            "agreement": self.agreement(),
            "sqnr_db": self.counts.sqnr_db(),
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
        })
    }

    pub(super) fn page(&self) -> String {
        let method = format!("Ranges by {} of {} pictures", method(self.args.calibrate), self.calibrated);
        render(&Report {
            name: &self.network.name,
            method: &method,
            counts: self.counts,
            layers: &self.layers,
            float_bytes: self.float_bytes,
            int8_bytes: self.int8_bytes,
        })
    }

    /// What was written, how large it is, what is lost, what can be done with it.
    pub(super) fn text(&self) -> String {
        let path = self.args.output.display();
        let mut text = String::new();
        if self.calibrated < FEW {
            text.push_str(&format!("only {} pictures to calibrate with: some hundred are better\n", self.calibrated));
        }
        let Comparison { images, labelled, .. } = self.counts;
        text.push_str(&format!(
            "{path}: `{}` in int8, {} bytes ({:.1} % of {} in f32); outputs {:.1} dB on {images} pictures",
            self.network.name,
            self.int8_bytes,
            100.0 * self.int8_bytes as f64 / self.float_bytes as f64,
            self.float_bytes,
            self.counts.sqnr_db(),
        ));
        if let Some(agreement) = self.agreement() {
            text.push_str(&format!(", the same class for {:.2} %", 100.0 * agreement));
        }
        if let Some((float, int8)) = self.top1() {
            let (float, int8) = (100.0 * float, 100.0 * int8);
            text.push_str(&format!("\ntop-1: {float:.2} % in f32, {int8:.2} % in int8, of {labelled} pictures"));
        }
        let spec = self.args.spec.display();
        text.push_str(&format!(
            "\nnext: `mnasc {spec} --weights {path} -o OUT.rs` compiles it, `--onnx OUT.onnx` exports it\n"
        ));
        text
    }
}

fn method(method: Method) -> String {
    match method {
        Method::Mse => "mse".to_owned(),
        Method::MinMax => "minmax".to_owned(),
        Method::Percentile(percent) => format!("percentile={percent}"),
    }
}

fn layer(layer: &LayerError) -> Value {
    let scales = layer.map.iter().flat_map(|map| &map.scales);
    json!({
        "name": layer.name,
        "scales": layer.map.as_ref().map(|map| map.scales.len()),
        "least_scale": scales.clone().copied().reduce(f32::min),
        "largest_scale": scales.copied().reduce(f32::max),
        "zero_point": layer.map.as_ref().map(|map| map.zero),
        "sqnr_db": layer.alone_db,
        "accumulated_sqnr_db": layer.accumulated_db,
        "saturated": layer.map.as_ref().map(|_| layer.saturated),
    })
}
