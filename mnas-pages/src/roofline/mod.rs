//! A roofline as a picture.

mod axes;
mod labels;
mod picture;
mod sheet;
mod svg;

pub use picture::{Dot, Picture, Roof};
pub use svg::draw;
