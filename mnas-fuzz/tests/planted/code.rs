//! Faults of emitters, whose code differs from the plan, and of packed weights.
//!
//! Code is changed as text, as such a fault of an emitter is not in the plan.

use super::Planted;
use mnas_codegen::plan::{PackedLayer, Plan};
use mnas_fuzz::fault::Fault;

pub(crate) fn faults() -> Vec<Planted> {
    let code = |name, change: fn(&mut String) -> bool| Planted { name, fault: Fault::Code(change) };
    let packed = |name, change: fn(&Plan, &mut [f32]) -> bool| Planted { name, fault: Fault::Packed(change) };
    vec![
        code("the mean of a squeeze-excite is over one pixel more", |code| {
            number_behind(code, "store (mean , v *", |share| 1.0 / (1.0 / share + 1.0))
        }),
        code("an average pool counts padding", |code| {
            replace(code, "1.0 / ((y1 - y0) * (x1 - x0)) as f32", "1.0 / 9.0")
        }),
        code("a kernel row above the image is read", |code| {
            let texts: Vec<String> = (1..5).map(|top| format!("if at < {top} {{ {top} - at }} else {{ 0 }}")).collect();
            texts.iter().any(|text| replace(code, text, &text.replace("at <", "at + 1 <")))
        }),
        code("the first kernel row is left out below the top", |code| {
            replace(code, "- at } else { 0 } ; let ky_to", "- at } else { 1 } ; let ky_to")
        }),
        code("rows of the line buffer are made one too late", |code| {
            replace(code, "{ need } else", "{ need - 1 } else")
        }),
        code("planes are read as pixels", |code| {
            let texts: Vec<String> = (2..10).map(|channels| format!("(planes , {channels} , image)")).collect();
            texts.iter().any(|text| replace(code, text, "(planes , 1 , image)"))
        }),
        code("the sums of a squeeze-excite are not cleared", |code| {
            let Some(at) = code.find("store (pooled , v *") else { return false };
            let end = at + code[at..].find(';').expect("the end of a statement");
            code.replace_range(at..=end, "");
            true
        }),
        code("the gate is applied twice", |code| {
            let Some(at) = code.find(" (gate , depthwise ,") else { return false };
            let end = at + code[at..].find(';').expect("the end of a statement");
            let name = code[..at].rsplit(' ').next().expect("the name of a function");
            let call = format!("; {name}{}", &code[at..end]);
            code.insert_str(end, &call);
            true
        }),
        packed("the bias is added twice", |plan, packed| {
            layer(
                plan,
                packed,
                |layer| !layer.depthwise,
                |layer, values| {
                    let width = layer.panels[0].width;
                    values[..width].iter_mut().for_each(|bias| *bias *= 2.0);
                },
            )
        }),
        packed("a panel starts one row too early", |plan, packed| {
            layer(
                plan,
                packed,
                |layer| layer.rows() > 1,
                |layer, values| {
                    let panel = (layer.rows() + 1) * layer.panels[0].width;
                    values[..panel].rotate_right(layer.panels[0].width);
                },
            )
        }),
        packed("kernel rows and columns are swapped", |plan, packed| {
            layer(
                plan,
                packed,
                |layer| layer.depthwise && layer.kernel_size > 1,
                |layer, values| {
                    let (width, k) = (layer.panels[0].width, layer.kernel_size);
                    let before = values.to_vec();
                    for tap in 0..k * k {
                        let (to, from) = ((1 + tap) * width, (1 + tap % k * k + tap / k) * width);
                        values[to..to + width].copy_from_slice(&before[from..from + width]);
                    }
                },
            )
        }),
        packed("the last output channel has no weights", |plan, packed| {
            layer(
                plan,
                packed,
                |layer| !layer.depthwise && layer.panels[0].width > layer.output_channels,
                |layer, values| {
                    let channel = layer.output_channels - 1;
                    values.iter_mut().skip(channel).step_by(layer.panels[0].width).for_each(|weight| *weight = 0.0);
                },
            )
        }),
    ]
}

/// Replaces every occurrence.
pub(crate) fn replace(code: &mut String, from: &str, to: &str) -> bool {
    let found = code.contains(from);
    *code = code.replace(from, to);
    found
}

/// Changes the first floating-point literal behind each occurrence of `text`.
fn number_behind(code: &mut String, text: &str, change: impl Fn(f32) -> f32) -> bool {
    let mut out = String::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find(text) {
        let (before, behind) = rest.split_at(at + text.len());
        out.push_str(before);
        let words = behind.split(|c: char| !(c.is_ascii_digit() || c == '.'));
        let literal = words.filter_map(|word| Some((word, word.parse().ok()?))).find(|(word, _)| word.contains('.'));
        let Some((word, value)) = literal else {
            rest = behind;
            continue;
        };
        let start = behind.find(word).expect("a word of it");
        out.push_str(&behind[..start]);
        out.push_str(&format!("{:?}", change(value)));
        rest = &behind[start + word.len()..];
    }
    out.push_str(rest);
    let changed = *code != out;
    *code = out;
    changed
}

/// Changes the packed values of the first layer of a kind.
fn layer(
    plan: &Plan,
    packed: &mut [f32],
    is_it: impl Fn(&PackedLayer) -> bool,
    change: impl Fn(&PackedLayer, &mut [f32]),
) -> bool {
    let Some(layer) = plan.layers.iter().find(|layer| is_it(layer)) else { return false };
    let values = &mut packed[layer.offset..layer.offset + layer.len()];
    let before = values.to_vec();
    change(layer, values);
    before != values
}
