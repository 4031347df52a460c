//! Emitters that print something else than the plan says.
//!
//! Code is changed as text, where what an emitter would get wrong is nowhere in the plan.

use super::Planted;
use mnas_fuzz::fault::Fault;

pub(super) fn faults() -> Vec<Planted> {
    let planted = |name, change: fn(&mut String) -> bool| Planted { name, fault: Fault::Code(change), threads: false };
    let of_threads = |name, change: fn(&mut String) -> bool| Planted { threads: true, ..planted(name, change) };
    vec![
        planted("margins hold 0 instead of the zero point", |code| {
            calls(code, "fill (y , at +", |arguments| {
                let (rest, zero) = arguments.rsplit_once(',').expect("four arguments");
                (zero.trim() != "0").then(|| format!("{rest}, 0"))
            })
        }),
        planted("the margin above a map is not filled", |code| {
            calls(code, "fill (y , at + 0 ,", |arguments| {
                let (len, zero) = arguments.split_once(',').expect("two arguments");
                (!zero.contains("row") && len.trim() != "0").then(|| format!(" 0 ,{zero}"))
            })
        }),
        planted("an average pool counts one pixel too many", |code| {
            replace(code, "(simd :: splat_sum (0) , 0)", "(simd :: splat_sum (0) , 1)")
        }),
        planted("planes are read from the first one", |code| {
            replace(code, "quantize_row (planes , (c *", "quantize_row (planes , (0 *")
        }),
        planted("rows and columns of the output are swapped", |code| {
            let is_map = !code.contains("OUTPUT_SHAPE : [:: core :: primitive :: usize ; 3] = [1 , 1 ,");
            is_map && replace(code, "let (y , x) = (pixel /", "let (x , y) = (pixel /")
        }),
        planted("scalar code leaves the last tile of a row out", |code| {
            let Some(start) = code.find("pub (super) mod scalar") else { return false };
            let mut scalar = code.split_off(start);
            let changed = (2..9).any(|n| {
                replace(&mut scalar, &format!("for tile in 0 .. {n} "), &format!("for tile in 0 .. {} ", n - 1))
            });
            code.push_str(&scalar);
            changed
        }),
        of_threads("no thread computes the first block of channels or row", |code| {
            replace(code, "worker . range (", "1 .. (")
        }),
        of_threads("shares of panels end before their last one", |code| {
            (2..5).any(|n| {
                replace(
                    code,
                    &format!("share . start * {n} .. share . end * {n}"),
                    &format!("share . start * {n} .. share . end * {n} - {n}"),
                )
            })
        }),
    ]
}

/// Replaces every occurrence.
fn replace(code: &mut String, from: &str, to: &str) -> bool {
    let found = code.contains(from);
    *code = code.replace(from, to);
    found
}

/// Changes what stands between `start` and the next closing parenthesis, where `change` gives another text.
fn calls(code: &mut String, start: &str, change: impl Fn(&str) -> Option<String>) -> bool {
    let (mut out, mut any) = (String::new(), false);
    let mut rest = code.as_str();
    while let Some(at) = rest.find(start) {
        let (before, behind) = rest.split_at(at + start.len());
        let end = behind.find(')').expect("a closing parenthesis");
        out.push_str(before);
        match change(&behind[..end]) {
            Some(text) => {
                out.push_str(&text);
                any = true;
            }
            None => out.push_str(&behind[..end]),
        }
        rest = &behind[end..];
    }
    out.push_str(rest);
    *code = out;
    any
}
