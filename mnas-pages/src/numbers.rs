//! Numbers as people read them.

pub(super) use mnas_codegen::report::grouped;

/// `3887038` as `3.89 M`: three digits and a letter for a power of a thousand.
pub(super) fn short(value: u64) -> String {
    scaled(value, 1000.0, &["", " K", " M", " G", " T"])
}

/// `15660160` as `14.9 MiB`.
pub(super) fn bytes(value: u64) -> String {
    scaled(value, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB"])
}

fn scaled(value: u64, base: f64, units: &[&str]) -> String {
    let (mut number, mut unit) = (value as f64, 0);
    // What would be rounded to the base belongs to the next unit.
    while number >= base - 0.5 && unit + 1 < units.len() {
        number /= base;
        unit += 1;
    }
    let unit_name = units[unit];
    if unit == 0 { format!("{value}{unit_name}") } else { format!("{}{unit_name}", digits(number)) }
}

/// Three digits, more only before the point.
pub(super) fn digits(number: f64) -> String {
    match number {
        n if n >= 99.95 => format!("{n:.0}"),
        n if n >= 9.995 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

/// Microseconds, in milliseconds from one on.
pub(super) fn time(us: f64) -> String {
    if us >= 999.5 { format!("{} ms", digits(us / 1e3)) } else { format!("{} µs", digits(us)) }
}

/// A part of one as per cent.
pub(super) fn percent(part: f64) -> String {
    let part = part * 100.0;
    if part > 0.0 && part < 0.05 { "<0.1%".to_owned() } else { format!("{part:.1}%") }
}

/// The mean; 0 of nothing.
pub(crate) fn mean(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        assert_eq!([0, 999, 1000, 3_887_038, 311_579_072].map(short), ["0", "999", "1.00 K", "3.89 M", "312 M"]);
        assert_eq!(
            [0, 1023, 1024, 1_048_575, 15_660_160].map(bytes),
            ["0 B", "1023 B", "1.00 KiB", "1.00 MiB", "14.9 MiB"]
        );
        assert_eq!([0.5, 12.34, 999.4, 3269.0].map(time), ["0.50 µs", "12.3 µs", "999 µs", "3.27 ms"]);
        assert_eq!([0.0, 0.0001, 0.123_45, 1.0].map(percent), ["0.0%", "<0.1%", "12.3%", "100.0%"]);
    }
}
