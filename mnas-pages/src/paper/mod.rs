//! The tables of the MnasNet paper (Tan et al., CVPR 2019) as data, each figure with how it is known.
//!
//! A row's `proof` is `V` where its figures were seen in the paper or in another primary source, and `M` where they are
//! from memory; behind a semicolon stand the columns of which the other is true: `V; M: top5`. What is from memory is never
//! shown as published.

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What it compares.
    pub title: &'static str,
    /// Of its figures, in order.
    pub columns: Vec<Column>,
    /// Its networks.
    pub rows: Vec<Row>,
}

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The number of parameters.
    Parameters,
    /// Multiply-accumulates of one inference.
    Macs,
    /// Top-1 accuracy on ImageNet, per cent.
    Top1,
    /// Top-5 accuracy on ImageNet, per cent.
    Top5,
    /// Mean average precision.
    Map,
    /// On the paper's phone.
    Latency,
}

impl Column {
    const ALL: [(&'static str, Column, &'static str); 6] = [
        ("parameters", Column::Parameters, "Parameters"),
        ("macs", Column::Macs, "MACs"),
        ("top1", Column::Top1, "Top-1, %"),
        ("top5", Column::Top5, "Top-5, %"),
        ("map", Column::Map, "mAP"),
        ("ms", Column::Latency, "Pixel 1, ms"),
    ];

    /// The column of a name in the files.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(own, ..)| *own == name).map(|(_, column, _)| *column)
    }

    /// The head of a column for people.
    pub fn title(self) -> &'static str {
        Self::ALL.iter().find(|(_, column, _)| *column == self).map_or("", |(_, _, title)| title)
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name in the paper.
    pub model: String,
    /// One for each column; not every table has every figure.
    pub figures: Vec<Option<Figure>>,
    /// The shipped spec of that network.
    pub spec: Option<String>,
    /// Parameters and multiply-accumulates that were counted from it.
    pub counted: Option<(u64, u64)>,
}

/// A number as it is written, and how it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// As the source writes it.
    pub text: String,
    /// Seen in a primary source.
    pub is_proven: bool,
}

/// The files, each with what it compares.
const FILES: [(&str, &str); 4] = [
    ("Networks on ImageNet", include_str!("imagenet.csv")),
    ("What the space and two objectives give", include_str!("ablation.csv")),
    ("Detectors on COCO", include_str!("coco.csv")),
    ("Small networks on ImageNet: scaled, or searched", include_str!("scaling.csv")),
];

/// All tables.
///
/// # Errors
///
/// The first mistake in the files; they are tested to have none.
pub fn tables() -> Result<Vec<Table>, String> {
    FILES.iter().map(|(title, text)| parse(title, text)).collect()
}

fn parse(title: &'static str, text: &str) -> Result<Table, String> {
    let mut lines = text.lines().enumerate();
    let head: Vec<&str> = lines.next().map_or(Vec::new(), |(_, line)| line.split(',').collect());
    let columns: Vec<(usize, Column)> =
        head.iter().enumerate().filter_map(|(at, name)| Some((at, Column::named(name)?))).collect();
    let place = |name: &str| head.iter().position(|own| *own == name);
    let (Some(model), Some(proof)) = (place("model"), place("proof")) else {
        return Err(format!("{title}: there is no `model` or no `proof`"));
    };
    let known = ["model", "proof", "spec", "counted_parameters", "counted_macs"];
    if let Some(other) = head.iter().find(|name| Column::named(name).is_none() && !known.contains(name)) {
        return Err(format!("{title}: there is no column `{other}`"));
    }
    let rows = lines.map(|(number, line)| {
        let cells: Vec<&str> = line.split(',').collect();
        let wrong = |what: &str| format!("{title}, line {}: {what}", number + 1);
        if cells.len() != head.len() {
            return Err(wrong("the number of cells differs from that of columns"));
        }
        let proof = Proof::parse(cells[proof]).ok_or_else(|| wrong("the proof is not valid"))?;
        let figure = |&(at, column): &(usize, Column)| match cells[at] {
            "" => Ok(None),
            text if is_number(text) => Ok(Some(Figure { text: text.to_owned(), is_proven: proof.holds(column) })),
            text => Err(wrong(&format!("`{text}` is not a number"))),
        };
        let named = |name: &str| place(name).map(|at| cells[at]).filter(|cell| !cell.is_empty());
        let counted = match (named("counted_parameters"), named("counted_macs")) {
            (None, None) => None,
            (a, b) => {
                let count = |cell: Option<&str>| cell?.parse::<u64>().ok();
                Some(count(a).zip(count(b)).ok_or_else(|| wrong("a count is no whole number"))?)
            }
        };
        Ok(Row {
            model: cells[model].to_owned(),
            figures: columns.iter().map(figure).collect::<Result<_, _>>()?,
            spec: named("spec").map(str::to_owned),
            counted,
        })
    });
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(Table { title, columns: columns.into_iter().map(|(_, column)| column).collect(), rows })
}

/// Digits with a point, and perhaps a letter for millions or thousands of them.
fn is_number(text: &str) -> bool {
    text.trim_end_matches(['M', 'B']).parse::<f64>().is_ok_and(|value| value > 0.0 && value.is_finite())
}

/// How the figures of a row are known.
struct Proof {
    is_seen: bool,
    /// Of which the other is true.
    except: Vec<Column>,
}

impl Proof {
    fn parse(text: &str) -> Option<Self> {
        let (most, rest) = text.split_once(';').map_or((text, None), |(most, rest)| (most, Some(rest.trim())));
        let is_seen = match most {
            "V" => true,
            "M" => false,
            _ => return None,
        };
        let except = match rest {
            None => Vec::new(),
            Some(rest) => {
                let names = rest.strip_prefix(if is_seen { "M: " } else { "V: " })?;
                names.split(' ').map(Column::named).collect::<Option<_>>()?
            }
        };
        Some(Proof { is_seen, except })
    }

    fn holds(&self, column: Column) -> bool {
        self.is_seen != self.except.contains(&column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `3.9M` as a number.
    fn value(text: &str) -> f64 {
        let scale = if text.ends_with('B') {
            1e9
        } else if text.ends_with('M') {
            1e6
        } else {
            1.0
        };
        scale * text.trim_end_matches(['M', 'B']).parse::<f64>().unwrap()
    }

    #[test]
    fn tables_are_complete_and_in_range() {
        let tables = tables().unwrap();
        assert_eq!(tables.iter().map(|table| table.rows.len()).collect::<Vec<_>>(), [18, 8, 6, 3]);
        let figures = tables.iter().flat_map(|table| &table.rows).flat_map(|row| row.figures.iter().flatten());
        let (proven, unproven): (Vec<&Figure>, Vec<&Figure>) = figures.partition(|figure| figure.is_proven);
        // Counted by hand from the sources' list.
        assert_eq!((proven.len(), unproven.len()), (88, 35));
        for table in &tables {
            for row in &table.rows {
                for (column, figure) in table.columns.iter().zip(&row.figures) {
                    let Some(figure) = figure else { continue };
                    let range = match column {
                        Column::Parameters => 1e6..1e8,
                        Column::Macs => 5e7..1e11,
                        Column::Top1 => 60.0..80.0,
                        Column::Top5 => 85.0..95.0,
                        Column::Map => 20.0..30.0,
                        Column::Latency => 20.0..300.0,
                    };
                    assert!(range.contains(&value(&figure.text)), "{}: {}", row.model, figure.text);
                }
            }
        }
    }

    #[test]
    fn figures_are_proven_where_the_source_was_seen() {
        let tables = tables().unwrap();
        let proven = |model: &str| -> Vec<bool> {
            let row = tables[0].rows.iter().find(|row| row.model == model).unwrap();
            row.figures.iter().flatten().map(|figure| figure.is_proven).collect()
        };
        assert_eq!(proven("MnasNet-A1"), [true; 5]);
        assert_eq!(proven("MobileNetV1"), [true, true, true, false, true]);
        assert_eq!(proven("AmoebaNet-A"), [false, false, false, false, true]);
        assert_eq!(proven("MobileNetV2 1.4x"), [false, true, true, false, false]);
        assert_eq!(proven("MnasNet-A2"), [true, true, true, true, false]);
        assert_eq!(proven("DARTS"), [false; 4]);
    }

    /// Counts are of the shipped specs, and near those that were published.
    #[test]
    fn counts_are_those_of_the_shipped_specs() {
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
        let mut seen = 0;
        for table in tables().unwrap() {
            for row in &table.rows {
                assert_eq!(row.spec.is_some(), row.counted.is_some(), "{}", row.model);
                let (Some(spec), Some((parameters, macs))) = (&row.spec, row.counted) else { continue };
                let name = format!("{spec}.yaml");
                let path = [specs.join(&name), specs.join("widths").join(&name)].into_iter().find(|path| path.exists());
                let text = std::fs::read_to_string(path.unwrap()).unwrap();
                let (_, network) = mnas_dsl::load_yaml(&text, &name).unwrap();
                assert_eq!((network.parameters(), network.macs()), (parameters, macs), "{spec}");
                for (column, counted) in [(Column::Parameters, parameters), (Column::Macs, macs)] {
                    let at = table.columns.iter().position(|own| *own == column).unwrap();
                    let published = value(&row.figures[at].as_ref().unwrap().text);
                    assert!((published / counted as f64 - 1.0).abs() < 0.04, "{spec}: {published} against {counted}");
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 6);
    }

    #[test]
    fn mistakes_are_found() {
        let good = "model,top1,proof\na,70,V\n";
        assert!(parse("t", good).is_ok());
        for (from, to, words) in [
            (",70,", ",x,", "`x` is not a number"),
            (",V", ",", "the proof"),
            (",V", ",V; M: top9", "the proof"),
            (",V", ",V; V: top1", "the proof"),
            (",V", "", "the number of cells"),
            ("top1", "top2", "no column `top2`"),
            ("proof", "prof", "no `proof`"),
        ] {
            let said = parse("t", &good.replace(from, to)).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }
}
