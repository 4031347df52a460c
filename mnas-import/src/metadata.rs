//! The metadata about pictures in mnas's own exports.

/// The lines `preprocess` and `labels` of a spec, from a file's metadata; empty without such metadata.
pub(crate) fn preprocess(metadata: &[(&str, &str)], channels: usize) -> String {
    let get = |key: &str| metadata.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let numbers = |key: &str| -> Option<Vec<f64>> {
        let values: Option<Vec<f64>> =
            get(key)?.split(',').map(|it| it.parse().ok().filter(|it: &f64| it.is_finite())).collect();
        values.filter(|values| values.len() == channels)
    };
    let list = |values: &[f64]| match values {
        [first, rest @ ..] if rest.iter().all(|it| it == first) => first.to_string(),
        _ => format!("[{}]", values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut keys = Vec::new();
    for (key, default) in [("mean", 0.0), ("std", 1.0)] {
        if let Some(values) = numbers(&format!("preprocess.{key}")).filter(|it| it.iter().any(|it| *it != default)) {
            keys.push(format!("{key}: {}", list(&values)));
        }
    }
    if let Some(divide) = get("preprocess.divide").and_then(|it| it.parse::<f64>().ok()).filter(|it| *it != 255.0) {
        keys.push(format!("range: {divide}"));
    }
    if let Some(resize) = get("preprocess.resize").and_then(|it| it.parse::<u32>().ok()) {
        keys.push(format!("resize: {resize}"));
    }
    if get("preprocess.interpolation") == Some("bicubic") {
        keys.push("interpolation: bicubic".to_owned());
    }
    let mut text = String::new();
    if !keys.is_empty() {
        text.push_str(&format!("preprocess: {{{}}}\n", keys.join(", ")));
    }
    if get("labels") == Some("imagenet") {
        text.push_str("labels: imagenet\n");
    }
    text
}
