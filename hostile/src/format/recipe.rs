//! How to train.

use super::{Format, Outcome, refused};
use mnas_data::Recipe;

/// Recipe files.
pub(super) const RECIPE: Format = Format {
    name: "recipe",
    seeds: || {
        let recipes = [Recipe::default(), Recipe::paper()];
        let mut seeds: Vec<Vec<u8>> = recipes.iter().filter_map(|recipe| serde_json::to_vec(recipe).ok()).collect();
        seeds.push(br#"{"epochs": 3, "optimizer": {"name": "sgd"}, "dropout": 0.1, "flip": true}"#.to_vec());
        seeds
    },
    dictionary: &[
        b"\"epochs\"",
        b"\"batch\"",
        b"\"optimizer\"",
        b"\"learning_rate\"",
        b"\"schedule\"",
        b"\"warm_up\"",
        b"\"weight_average\"",
        b"\"dropout\"",
        b"\"shift\"",
        b"\"name\"",
        b"\"sgd\"",
        b"\"rmsprop\"",
        b"\"cosine\"",
        b"\"exponential\"",
        b"\"constant\"",
        b"null",
        b"true",
        b"{",
        b"}",
        b"[",
        b"[[[[[[[[",
        b":",
        b",",
        b"\"",
        b"\\u0000",
        b"\\ud800",
        b"\\u001b[2J",
        b"\xe2\x80\xae",
        b"-",
        b".",
        b"e308",
        b"-0",
    ],
    mend: |_| {},
    read: |bytes| match Recipe::parse(&String::from_utf8_lossy(bytes)) {
        Ok(recipe) => {
            let text = serde_json::to_string(&recipe).unwrap_or_default();
            assert_eq!(Recipe::parse(&text), Ok(recipe), "not what it says of itself");
            Outcome::Accepted
        }
        Err(words) => refused(&words),
    },
};
