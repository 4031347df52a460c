//! The choice for a step as text: `{row_block: 2, expand: 14x2/2}`.

use super::lexer::number;
use crate::machine::{Isa, Tile};
use crate::plan::Parallelism;
use crate::plan::tuning::{BlockEntry, RowBlock, ShapeKey, StepTuning, Tiles};
use std::fmt;

/// Most threads that share an inference.
const MOST_THREADS: usize = 1024;

impl StepTuning {
    /// Reads `name: value` into the choice for a step of shape `key`.
    pub(super) fn set(&mut self, isa: Isa, key: ShapeKey, name: &str, value: &str) -> Result<(), ParseError> {
        let names = names(key);
        if let Some(count) = name.strip_prefix("threads ").filter(|_| names.contains(&"threads")) {
            let Some(count) = number(count).filter(|count| (2..=MOST_THREADS).contains(count)) else {
                let message = format!("invalid number of threads: `{count}`");
                return Err(ParseError::new(message, &format!("2 to {MOST_THREADS}: `threads 2: panels`")));
            };
            self.per_thread_count.insert(count, share(key, value)?);
            return Ok(());
        }
        if !names.contains(&name) {
            let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            return Err(ParseError::name(name, &known.join(", ")));
        }
        match name {
            "row_block" => self.row_block = Some(row_block(key, value)?),
            "gate" => {
                self.gate_weights = Some(match value {
                    "weights" => true,
                    "tensor" => false,
                    _ => {
                        return Err(ParseError::new(
                            format!("invalid target of the gate: `{value}`"),
                            "`weights` or `tensor`",
                        ));
                    }
                });
            }
            "columns" => {
                let most = isa.depthwise_columns;
                let columns = number(value).filter(|columns| *columns <= most);
                let wrong = || {
                    ParseError::new(format!("invalid number of columns: `{value}`"), "")
                        .hint(format!("{} has registers for 1 to {most}", isa.name))
                };
                self.columns = Some(columns.ok_or_else(wrong)?);
            }
            "expand" => self.expand = read_tiles(isa, value)?,
            "project" => self.project = read_tiles(isa, value)?,
            "tiles" => self.tiles = read_tiles(isa, value)?,
            "prefetch" if value == "off" => self.no_prefetch = true,
            "prefetch" => return Err(ParseError::new(format!("invalid value of prefetch: `{value}`"), "only `off`")),
            _ => self.parallelism = Some(share(key, value)?),
        }
        Ok(())
    }
}

/// A mistake in a part of an entry, and what is expected.
pub(super) struct ParseError {
    pub(super) message: String,
    pub(super) hint: String,
}

impl ParseError {
    fn new(message: String, instead: &str) -> Self {
        ParseError { message, hint: format!("write {instead}") }
    }

    fn name(name: &str, known: &str) -> Self {
        ParseError {
            message: format!("unknown choice `{name}` for this shape"),
            hint: format!("expected one of {known}"),
        }
    }

    fn hint(self, hint: String) -> Self {
        ParseError { hint, ..self }
    }
}

/// The choices that a step of this shape has.
fn names(key: ShapeKey) -> &'static [&'static str] {
    match key {
        ShapeKey::AnyBlock => &["row_block", "gate", "prefetch"],
        ShapeKey::Block { first, reduced, .. } => match (first, reduced) {
            (BlockEntry::Nothing, 0) => &["row_block", "columns", "project", "prefetch", "threads"],
            (BlockEntry::Nothing, _) => &["row_block", "gate", "columns", "project", "prefetch", "threads"],
            (_, 0) => &["row_block", "columns", "expand", "project", "prefetch", "threads"],
            (_, _) => &["row_block", "gate", "columns", "expand", "project", "prefetch", "threads"],
        },
        ShapeKey::Conv { .. } | ShapeKey::Linear { .. } => &["tiles", "prefetch"],
    }
}

fn row_block(key: ShapeKey, value: &str) -> Result<RowBlock, ParseError> {
    if value == "all" {
        return Ok(RowBlock::All);
    }
    let ShapeKey::Block { output: [height, ..], .. } = key else {
        return Err(ParseError::new(format!("invalid height of a row block for every block: `{value}`"), "`all`"));
    };
    match number(value).filter(|rows| *rows < height && height.is_multiple_of(*rows)) {
        Some(rows) => Ok(RowBlock::Rows(rows)),
        None => Err(ParseError::new(
            format!("invalid height of a row block: `{value}`"),
            &format!("`all` or a number that divides the {height} output rows: {}", divisors(height)),
        )),
    }
}

fn share(key: ShapeKey, value: &str) -> Result<Parallelism, ParseError> {
    if value == "panels" {
        return Ok(Parallelism::Panels);
    }
    let height = if let ShapeKey::Block { output: [height, ..], .. } = key { height } else { 1 };
    let rows = value.strip_prefix("row_blocks ").and_then(number);
    match rows.filter(|rows| *rows < height && height.is_multiple_of(*rows)) {
        Some(rows) => Ok(Parallelism::RowBlocks(rows)),
        None => Err(ParseError::new(
            format!("invalid share of the threads: `{value}`"),
            &format!("`panels` or `row_blocks N`, where N divides the {height} output rows: {}", divisors(height)),
        )),
    }
}

fn divisors(height: usize) -> String {
    let divisors: Vec<String> =
        (1..height).filter(|rows| height.is_multiple_of(*rows)).map(|rows| rows.to_string()).collect();
    divisors.join(", ")
}

/// `14x2/2 9x3/3`: 14 pixels by 2 vectors for panels of 2 vectors, 9 by 3 for those of 3.
fn read_tiles(isa: Isa, value: &str) -> Result<Tiles, ParseError> {
    const FORM: &str = "PIXELSxVECTORS/PANEL, such as `6x2/4`: 6 pixels by 2 vectors for panels of 4 vectors";
    let mut tiles = Tiles::new();
    for text in value.split_ascii_whitespace() {
        let parts = text.split_once('/').and_then(|(tile, panel)| {
            let (pixels, vectors) = tile.split_once('x')?;
            Some((number(panel)?, Tile { vectors: number(vectors)?, pixels: number(pixels)? }))
        });
        let Some((panel, tile)) = parts else {
            return Err(ParseError::new(format!("invalid tile: `{text}`"), FORM));
        };
        if !panel.is_multiple_of(tile.vectors) {
            let message = format!("tiles of {} vectors do not make a panel of {panel}", tile.vectors);
            return Err(ParseError::new(message, FORM));
        }
        let most = isa.most_pixels_of(tile.vectors);
        if tile.pixels > most {
            let wrong = ParseError::new(format!("the tile `{text}` does not fit the registers"), "");
            let hint = if most == 0 {
                format!("a tile has at most {} vectors", Isa::MOST_VECTORS)
            } else {
                format!("beside {} vectors {} has registers for {most} pixels at most", tile.vectors, isa.name)
            };
            return Err(wrong.hint(hint));
        }
        if tiles.insert(panel, tile).is_some() {
            return Err(ParseError::new(format!("panels of {panel} vectors have two tiles"), "one"));
        }
    }
    if tiles.is_empty() { Err(ParseError::new("the list of tiles is empty".to_owned(), FORM)) } else { Ok(tiles) }
}

/// The text that [`share`] reads; a file holds no other kinds.
fn shown(parallelism: Parallelism) -> String {
    match parallelism {
        Parallelism::RowBlocks(rows) => format!("row_blocks {rows}"),
        _ => "panels".to_owned(),
    }
}

impl fmt::Display for StepTuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match self.row_block {
            None => {}
            Some(RowBlock::All) => parts.push("row_block: all".to_owned()),
            Some(RowBlock::Rows(rows)) => parts.push(format!("row_block: {rows}")),
        }
        if let Some(weights) = self.gate_weights {
            parts.push(format!("gate: {}", if weights { "weights" } else { "tensor" }));
        }
        if let Some(columns) = self.columns {
            parts.push(format!("columns: {columns}"));
        }
        for (name, tiles) in [("expand", &self.expand), ("project", &self.project), ("tiles", &self.tiles)] {
            if !tiles.is_empty() {
                let tiles: Vec<String> =
                    tiles.iter().map(|(panel, tile)| format!("{}x{}/{panel}", tile.pixels, tile.vectors)).collect();
                parts.push(format!("{name}: {}", tiles.join(" ")));
            }
        }
        if self.no_prefetch {
            parts.push("prefetch: off".to_owned());
        }
        if let Some(parallelism) = self.parallelism {
            parts.push(format!("threads: {}", shown(parallelism)));
        }
        let counts = self.per_thread_count.iter();
        parts.extend(counts.map(|(count, parallelism)| format!("threads {count}: {}", shown(*parallelism))));
        write!(f, "{{{}}}", parts.join(", "))
    }
}
