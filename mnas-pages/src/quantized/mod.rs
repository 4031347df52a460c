//! A network in int8 beside its float network: accuracies, and a row for each operator.

use super::Page;
use super::html::Html;
use super::numbers::{self, percent};
use super::parts::{section, tile};
use mnas_quantize::{Comparison, LayerError};

/// Version of the compiler that made the page.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Rows that are marked as the worst.
const MARKED: usize = 5;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Name of the network.
    pub name: &'a str,
    /// How it was quantised, in words.
    pub method: &'a str,
    /// Outputs of both networks.
    pub counts: Comparison,
    /// Operators in the order of the network.
    pub layers: &'a [LayerError],
    /// Bytes of the weights in f32.
    pub float_bytes: u64,
    /// Bytes of the int8 file.
    pub int8_bytes: u64,
}

/// The page.
pub fn render(report: &Report) -> String {
    let mut body = Html::new();
    body.open("header", &[("class", "wide")]).push(&top(report)).close("header");
    body.raw("<main class=\"wide\">\n");
    section(
        &mut body,
        "layers",
        "Layers",
        "Signal-to-noise ratios of each operator's output, in dB: alone, with the float network's inputs rounded to the maps of the int8 network; accumulated, with the inputs that the int8 network has. Saturated is the share of the float values that lie outside of the map's range. Operators with the least ratio alone are numbered, the worst is 1.",
    );
    body.push(&table(report.layers)).raw("</section>\n</main>\n");
    body.open("footer", &[("class", "wide muted")]).text(&format!("mnasc {VERSION}")).close("footer");
    let title = format!("{} in int8 - mnas", report.name);
    let description = format!("The network {} in int8: accuracy, and what each layer loses", report.name);
    let style = include_str!("quantized.css");
    Page { title: &title, description: &description, style, script: "", body }.render()
}

fn top(report: &Report) -> Html {
    let Comparison { images, labelled, float_right, int8_right, agree, .. } = report.counts;
    let mut out = Html::new();
    out.leaf("h1", &[], &format!("{} in int8", report.name)).leaf("p", &[("class", "muted")], report.method);
    out.raw("\n<dl class=\"tiles\">\n");
    let share = |count: usize, of: usize| format!("{:.2} %", 100.0 * count as f64 / of.max(1) as f64);
    if labelled > 0 {
        let of = |right: usize| format!("{right} of {labelled} pictures");
        tile(&mut out, "Top-1, float", &share(float_right, labelled), &of(float_right));
        tile(&mut out, "Top-1, int8", &share(int8_right, labelled), &of(int8_right));
    }
    tile(&mut out, "Same first class", &share(agree, images), &format!("{agree} of {images} pictures"));
    tile(&mut out, "Outputs", &ratio(report.counts.sqnr_db()), "signal to noise");
    let of_float = format!("{} in f32", numbers::bytes(report.float_bytes));
    tile(&mut out, "File", &numbers::bytes(report.int8_bytes), &of_float);
    out.raw("</dl>\n");
    out
}

/// Indices of the operators with the least ratio alone, the worst first.
pub fn worst(layers: &[LayerError]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..layers.len()).filter(|&at| layers[at].alone_db.is_finite()).collect();
    order.sort_by(|&a, &b| layers[a].alone_db.total_cmp(&layers[b].alone_db));
    order.truncate(MARKED);
    order
}

fn table(layers: &[LayerError]) -> Html {
    let worst = worst(layers);
    let mut out = Html::new();
    out.raw("<div class=\"box plain\" tabindex=\"0\" role=\"region\" aria-label=\"Layers, scrolls sideways\"><table>");
    out.raw("<thead><tr><th>Operator</th><th class=\"n\">Worst</th><th class=\"n\">Scales</th><th class=\"n\">Least scale</th>");
    out.raw("<th class=\"n\">Largest scale</th><th class=\"n\">Zero</th><th class=\"n\">Alone</th>");
    out.raw("<th class=\"n\">Accumulated</th><th class=\"n\">Saturated</th></tr></thead>\n<tbody>\n");
    for (at, layer) in layers.iter().enumerate() {
        let rank = worst.iter().position(|&other| other == at).map(|rank| (rank + 1).to_string());
        out.open("tr", &[("class", if rank.is_some() { "worst" } else { "" })]);
        out.raw("<td>").leaf("code", &[], &layer.name).raw("</td>");
        let map = layer.map.as_ref();
        let scales = map.map(|map| map.scales.iter().fold((f32::MAX, 0.0_f32), |(a, b), s| (a.min(*s), b.max(*s))));
        let scale = |value: Option<f32>| value.map_or(String::new(), |value| format!("{value:.5}"));
        for value in [
            rank.unwrap_or_default(),
            map.map_or(String::new(), |map| map.scales.len().to_string()),
            scale(scales.map(|s| s.0)),
            scale(scales.map(|s| s.1)),
            map.map_or(String::new(), |map| map.zero.to_string()),
            ratio(layer.alone_db),
            ratio(layer.accumulated_db),
            map.map_or(String::new(), |_| percent(layer.saturated)),
        ] {
            out.leaf("td", &[("class", "n")], &value);
        }
        out.raw("</tr>\n");
    }
    out.raw("</tbody></table></div>\n");
    out
}

fn ratio(decibels: f64) -> String {
    if decibels.is_finite() { format!("{decibels:.1} dB") } else { "exact".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnas_codegen::quantized::Map;

    fn layer(name: &str, alone_db: f64) -> LayerError {
        let map = Some(Map { scales: vec![0.5, 0.25], zero: 4 });
        LayerError { name: name.to_owned(), map, alone_db, accumulated_db: alone_db - 3.0, saturated: 0.25 }
    }

    #[test]
    fn the_worst_rows_are_numbered_and_names_are_escaped() {
        let names = ["a", "b", "c", "d", "e", "f", "<g>"];
        let layers: Vec<LayerError> =
            names.iter().zip([30.0, 10.0, f64::INFINITY, 25.0, 40.0, 50.0, 5.0]).map(|(n, db)| layer(n, db)).collect();
        assert_eq!(worst(&layers), [6, 1, 3, 0, 4]);
        let counts =
            Comparison { images: 8, labelled: 4, float_right: 3, int8_right: 2, agree: 6, ..Default::default() };
        let report = Report { name: "n<", method: "how", counts, layers: &layers, float_bytes: 4096, int8_bytes: 1024 };
        let page = render(&report);
        assert!(page.contains("<code>&lt;g&gt;</code>") && page.contains("<h1>n&lt; in int8</h1>"), "{page}");
        assert_eq!(page.matches("class=\"worst\"").count(), 5);
        let row = "<code>&lt;g&gt;</code></td><td class=\"n\">1</td><td class=\"n\">2</td><td class=\"n\">0.25000</td>\
                   <td class=\"n\">0.50000</td><td class=\"n\">4</td><td class=\"n\">5.0 dB</td><td class=\"n\">2.0 dB</td>\
                   <td class=\"n\">25.0%</td>";
        assert!(page.contains(row), "{page}");
        for figure in ["75.00 %", "50.00 %", "3 of 4 pictures", "6 of 8 pictures", "4.00 KiB in f32", "exact"] {
            assert!(page.contains(figure), "{figure}");
        }
    }
}
