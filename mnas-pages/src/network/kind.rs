//! How a kind of block is drawn: its colour, and the name that papers have for it.

use mnas_dsl::spec::BlockKind;

/// A colour of the theme. Kinds that are seldom in one network may share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hue {
    Slate,
    Orange,
    Green,
    Blue,
    Rose,
    Teal,
    Violet,
    Gold,
}

impl Hue {
    /// Its class in the style of all pages.
    pub(super) fn class(self) -> &'static str {
        match self {
            Hue::Slate => "hue-slate",
            Hue::Orange => "hue-orange",
            Hue::Green => "hue-green",
            Hue::Blue => "hue-blue",
            Hue::Rose => "hue-rose",
            Hue::Teal => "hue-teal",
            Hue::Violet => "hue-violet",
            Hue::Gold => "hue-gold",
        }
    }
}

/// Colour and name of a kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) hue: Hue,
    /// `MBConv6`, as papers call it.
    pub(super) label: String,
}

/// An expansion beyond this has another colour: of those that networks use, 3 and 4 are small, 6 is large.
const LARGE_EXPANSION: f64 = 4.5;

impl Look {
    /// Of a layer whose block was written with this expansion.
    pub(super) fn of(kind: BlockKind, ratio: Option<f64>) -> Self {
        let hue = match kind {
            BlockKind::SepConv | BlockKind::Xception => Hue::Orange,
            BlockKind::MbConv => return Look::expanded(kind.title(), ratio, Hue::Green, Hue::Blue),
            BlockKind::FusedMbConv => return Look::expanded(kind.title(), ratio, Hue::Gold, Hue::Violet),
            BlockKind::Bottleneck => Hue::Violet,
            BlockKind::MaxPool => Hue::Gold,
            _ => Hue::Slate,
        };
        Look::new(hue, kind.title())
    }

    pub(super) fn new(hue: Hue, label: &str) -> Self {
        Look { hue, label: label.to_owned() }
    }

    fn expanded(label: &str, ratio: Option<f64>, small: Hue, large: Hue) -> Self {
        let ratio = ratio.unwrap_or(1.0);
        // Two digits are enough for any spec.
        let shown = (ratio * 100.0).round() / 100.0;
        Look { hue: if ratio > LARGE_EXPANSION { large } else { small }, label: format!("{label}{shown}") }
    }
}

/// The class of a kernel size: larger kernels are darker, by steps that an eye tells apart.
pub(super) fn kernel_class(kernel_size: usize) -> &'static str {
    match kernel_size {
        0..=1 => "k1",
        2..=3 => "k3",
        4..=5 => "k5",
        _ => "k7",
    }
}
