//! A roofline as a picture.

mod axes;
mod labels;
pub mod svg;
