//! For tests: the exponential and the sigmoid of an instruction set against the standard library's.

extern crate std;

fn ulps(a: f32, b: f64) -> f64 {
    let b32 = b as f32;
    let ulp = f64::from(f32::from_bits(b32.to_bits() + 1)) - f64::from(b32);
    ((f64::from(a) - b) / ulp).abs()
}

/// Compares `both`, the exponential and the sigmoid of an instruction set, with the bounds that they document.
pub(crate) fn are_within(exp: f64, sigmoid: f64, both: impl Fn(f32) -> (f32, f32)) {
    let (mut worst_exp, mut worst_sigmoid) = (0f64, 0f64);
    // Miri is slow, so it tests fewer values.
    for i in (-86_000..86_000).step_by(if cfg!(miri) { 499 } else { 1 }) {
        let x = i as f32 * 0.001;
        let (e, s) = both(x);
        worst_exp = worst_exp.max(ulps(e, f64::from(x).exp()));
        worst_sigmoid = worst_sigmoid.max(ulps(s, 1.0 / (1.0 + (-f64::from(x)).exp())));
    }
    assert!(worst_exp <= exp, "{worst_exp}");
    assert!(worst_sigmoid <= sigmoid, "{worst_sigmoid}");
}
