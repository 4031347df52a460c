//! Specs in both notations.

use super::{Format, Outcome, TINY, compiles, refused};
use mnas_dsl::{MacroSource, parse_tokens};
use proc_macro2::TokenStream;

/// Specs in YAML.
pub(super) const YAML: Format = Format {
    name: "yaml",
    seeds: || {
        let mut seeds = vec![TINY.as_bytes().to_vec()];
        seeds.extend(SHIPPED.iter().map(|text| text.as_bytes().to_vec()));
        seeds.push(ALIASES.as_bytes().to_vec());
        seeds
    },
    dictionary: &[
        b"&a ",
        b"*a",
        b"<<: *a",
        b"!!int ",
        b"!!binary ",
        b"---\n",
        b"...\n",
        b"? ",
        b"|\n",
        b">-\n",
        b"\t",
        b"{",
        b"}",
        b"[",
        b"]",
        b", ",
        b": ",
        b"- ",
        b"#",
        b"\"",
        b"'",
        b"\\u0000",
        b"\\x00",
        b"%YAML 1.2\n",
        b"~",
        b"null",
        b".nan",
        b".inf",
        b"0x7fffffff",
        b"1_000",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xe2\x80\xae",
        b"\r\n",
        b"name: ",
        b"layers: 100",
        b"expand: 64",
        b"filters: 65536",
        b"kernel: 15",
        b"stride: 2",
        b"se: 1.0",
        b"skip: pool",
        b"skip: none",
        b"op: conv",
        b"op: mbconv",
        b"op: sepconv",
        b"choose: ",
        b"scale: {width: 64.0}",
        b"scale: {depth: 64.0}",
        b"input: 8192x8192x3",
        b"classes: 1000000",
        b"head: none",
        b"labels: ../../../../etc/passwd",
        b"ir_r4_k3_s2_e6_c80",
        b"r3_k5_s22_e3_i24_o40_se0.25",
        b"batch_norm: {eps: 1e-300}",
        b"preprocess: {mean: [0], std: [1e-300]}",
        b"padding: symmetric",
    ],
    mend: |_| {},
    read: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return Outcome::Refused };
        match mnas_dsl::load_yaml(text, "spec.yaml") {
            Ok((spec, network)) => {
                // What was understood can be printed, and is then understood the same.
                let printed = spec.to_yaml();
                let again = mnas_dsl::parse_yaml(&printed, "printed.yaml");
                assert!(again.as_ref() == Ok(&spec), "{printed}");
                compiles(&spec, &network, None)
            }
            Err(mistakes) => refused(&mistakes.to_string()),
        }
    },
};

/// What stands in `mnas_net!`.
pub(super) const TOKENS: Format = Format {
    name: "tokens",
    seeds: || {
        let yaml = SHIPPED.iter().chain([&TINY]).map(|text| mnas_dsl::parse_yaml(text, "spec.yaml"));
        let mut seeds: Vec<Vec<u8>> = yaml.flatten().map(|spec| spec.to_tokens().into_bytes()).collect();
        seeds.push(
            br#"pub(crate) struct Net = <"net.yaml">, weights = "net.pth", threaded = true, crate = other"#.to_vec(),
        );
        seeds
    },
    dictionary: &[
        b"pub",
        b"struct",
        b"<",
        b">",
        b"=",
        b";",
        b",",
        b"[",
        b"]",
        b"{",
        b"}",
        b"(",
        b")",
        b"#[doc = \"*/\"]",
        b"///",
        b"//! x\n",
        b"choose[",
        b"stem",
        b"head",
        b"none",
        b"classes",
        b"mbconv",
        b"sepconv",
        b"conv",
        b"k3",
        b"k15",
        b"s2",
        b"c65536",
        b"r100",
        b"e64",
        b"se1.0",
        b"noskip",
        b"r#type",
        b"'a",
        b"b\"\"",
        b"c\"\"",
        b"r#\"\"#",
        b"1e999",
        b"0x10",
        b"0b2",
        b"1u8",
        b"1f32",
        b"$",
        b"::",
        b"..",
        b"weights = \"\"",
        b"random_weights",
        b"threaded = true",
        b"crate = self",
        b"\xc3\xa9",
        b"\\u{202e}",
        b"'\\u{0}'",
        b"_",
        b"-",
        b"99999999999999999999999999999999999999999",
    ],
    mend: |_| {},
    read: |bytes| {
        // What is no text, or no tokens, never reaches a macro.
        let Ok(text) = std::str::from_utf8(bytes) else { return Outcome::Refused };
        if nested(text) > 200 {
            // As with rustc's own parser, the lexer's groups are trees, and it is not ours.
            return Outcome::Refused;
        }
        let Ok(stream) = text.parse::<TokenStream>() else { return Outcome::Refused };
        match parse_tokens(stream.clone()) {
            Ok(input) => match input.source {
                MacroSource::File { .. } => Outcome::Accepted,
                MacroSource::Inline(spec) => match spec.resolve() {
                    Ok(network) => compiles(&spec, &network, None),
                    Err(mistakes) => refused(&mistakes.to_string()),
                },
            },
            Err(mistakes) => {
                assert!(!mistakes.to_compile_errors(&stream).is_empty());
                refused(&mistakes.to_string())
            }
        }
    },
};

/// How many brackets are open at once, at most.
fn nested(text: &str) -> usize {
    let depths = text.bytes().scan(0_usize, |depth, byte| {
        match byte {
            b'(' | b'[' | b'{' => *depth += 1,
            b')' | b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    depths.max().unwrap_or(0)
}

/// Anchors, aliases, block strings, choices.
const ALIASES: &str = "\
name: aliases
input: 32
padding: symmetric
labels: names/labels.txt
preprocess: {mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize: 40, interpolation: bicubic}
stem: &stem {op: conv, kernel: 3, stride: 2, filters: 8}
blocks:
  - &b ir_r1_k3_s2_e6_c16_se0.25
  - *b
  - r1_k3_s11_e1_i16_o16
  - {op: mbconv, expand: 1.5, kernel: 5, stride: 1, filters: 16, skip: pool, activation: \"swish\"}
head: {filters: 20, pool: average, dropout: 0.2, classes: 10}
";

const SHIPPED: [&str; 3] = [
    include_str!("../../../specs/mnasnet_small.yaml"),
    include_str!("../../../specs/mobilenet_v1.yaml"),
    include_str!("../../../tests/specs/features.yaml"),
];
