//! From pixels to a network's input.

/// Bytes to floats, channel by channel: `value * scale + shift`.
///
/// Lengths are those of the shorter; `scale` and `shift` hold one value a channel.
pub fn normalize(bytes: &[u8], scale: &[f32], shift: &[f32], out: &mut [f32]) {
    let channels = scale.len().min(shift.len()).max(1);
    for (from, to) in bytes.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
        for (((b, o), s), t) in from.iter().zip(to).zip(scale).zip(shift) {
            *o = f32::from(*b) * s + t;
        }
    }
}

/// Planes (channels x height x width) to pixels (height x width x channels).
pub fn interleave(planes: &[f32], channels: usize, out: &mut [f32]) {
    let channels = channels.max(1);
    let pixels = out.len() / channels;
    for (c, plane) in planes.chunks_exact(pixels.max(1)).take(channels).enumerate() {
        for (o, v) in out.iter_mut().skip(c).step_by(channels).zip(plane) {
            *o = *v;
        }
    }
}
