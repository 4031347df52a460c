//! A network on a page: `mnasc view`.

mod arena;
mod kind;
mod model;
mod overview;
mod profile;
mod rows;
mod top;

pub use profile::Profile;

use super::html::Html;
use super::parts::{boxed, px, section};
use super::{Page, numbers, parts};
use mnas_codegen::compile::{Compiled, VERSION};
use mnas_dsl::network::Shape;
use mnas_dsl::{Network, Spec};
use model::Model;

/// The page of a compiled network, with the times of a profile of it.
pub fn render(spec: &Spec, network: &Network, compiled: &Compiled, profile: Option<&Profile>) -> String {
    let model = Model::new(spec, network, compiled, profile);
    let mut body = Html::new();
    body.open("header", &[("class", "wide")]).push(&top::draw(&model)).close("header");
    body.raw("<main class=\"wide\">\n");
    section(
        &mut body,
        "network",
        "Network",
        "From input to output: a map's height is its resolution, its width its channels. Arcs are skips, dashed where they pool; a bar at the foot is squeeze-excite.",
    );
    body.push(&top::legend(&model));
    boxed(&mut body, "The network, scrolls sideways", &overview::draw(&model, overview::Stages::Links));
    body.raw("</section>\n");
    section(
        &mut body,
        "blocks",
        "Blocks",
        "As the spec groups them. A bar is the share of the largest block; open a block for its layers and their operators.",
    );
    body.push(&rows::draw(&model)).raw("</section>\n");
    section(
        &mut body,
        "arena",
        "Arena over time",
        "Every buffer from the step that first writes it to the last that reads it, at its place in the arena. Arrow keys go from one to the next.",
    );
    boxed(&mut body, "The arena, scrolls sideways", &arena::draw(&model));
    body.push(&arena::table(&model)).raw("</section>\n");
    section(&mut body, "spec", "Spec", "");
    body.raw("<pre tabindex=\"0\">").text(&spec.to_yaml()).raw("</pre>\n</section>\n</main>\n");
    let made = format!("mnasc {VERSION}, spec {}", compiled.spec_hash);
    body.open("footer", &[("class", "wide muted")]).text(&made).close("footer");
    let description = format!("The network {}: blocks, costs, memory", network.name);
    let title = format!("{} - mnas", network.name);
    let (style, script) = (include_str!("network.css"), include_str!("network.js"));
    Page { title: &title, description: &description, style, script, body }.render()
}

/// The network alone, for a page of several.
pub(crate) fn picture(spec: &Spec, network: &Network, compiled: &Compiled) -> Html {
    overview::draw(&Model::new(spec, network, compiled, None), overview::Stages::Plain)
}

/// `112 x 112 x 16`, without room for a line to break.
fn shape(shape: Shape) -> String {
    let Shape { height, width, channels } = shape;
    format!("{height}×{width}×{channels}")
}
