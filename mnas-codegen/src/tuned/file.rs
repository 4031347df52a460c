//! The file: some lines of YAML, one entry a line, sorted.
//!
//! ```yaml
//! intel-xeon-6-143-8:
//!   avx512:
//!     # 8 % less: 67.1 us, estimated 72.9 us (blocks.1.0 of mnasnet_a1)
//!     block 112x112x16 expand 96 depthwise k3 s2 to 56x56x24: {row_block: 2, expand: 14x2/2, project: 14x2/2}
//! ```

use super::choice::ParseError;
use crate::machine::{self, Isa};
use crate::plan::tuning::{ShapeKey, StepTuning, TuningProfile};
use mnas_dsl::{Diagnostic, Diagnostics, Place};
use std::collections::BTreeMap;
use std::fmt;

const HEADER: &str = "\
# Schedules that `mnasc tune` measured: a section for each processor, in it one for each instruction set.
# `mnasc SPEC -o OUT.rs --schedule FILE [--cpu SECTION]` compiles with them.
";

/// Longer lines are not shown whole.
const SHOWN: usize = 200;

/// A choice and what was measured of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The choice.
    pub choice: StepTuning,
    /// Comment lines above it, without `#`.
    pub notes: Vec<String>,
}

/// Choices by processor, instruction set and shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleFile {
    sections: BTreeMap<String, BTreeMap<&'static str, BTreeMap<ShapeKey, Entry>>>,
}

/// Why no section could be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectError {
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: String,
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhelp: {}", self.message, self.hint)
    }
}

impl std::error::Error for SelectError {}

impl ScheduleFile {
    /// Reads a file; `name` is its name in messages.
    ///
    /// # Errors
    ///
    /// Every mistake, each with its place.
    pub fn parse(text: &str, name: &str) -> Result<Self, Diagnostics> {
        let mut reader =
            Reader { name, file: ScheduleFile::default(), found: Diagnostics::new(), cpu: None, isa: None };
        let mut notes = Vec::new();
        for (index, line) in text.lines().enumerate() {
            match line.trim_start().strip_prefix('#') {
                Some(note) if line.starts_with("    #") => notes.push(note.trim().to_owned()),
                Some(_) => {}
                None if line.trim().is_empty() => notes.clear(),
                None => reader.line(index + 1, line, std::mem::take(&mut notes)),
            }
        }
        if reader.found.is_empty() { Ok(reader.file) } else { Err(reader.found) }
    }

    /// The section of that processor, or the only one.
    ///
    /// # Errors
    ///
    /// There is no such section, or not one alone.
    pub fn select(&self, cpu: Option<&str>) -> Result<TuningProfile, SelectError> {
        let names: Vec<String> = self.sections.keys().map(|name| format!("`{name}`")).collect();
        let known =
            if names.is_empty() { "it has no section".to_owned() } else { format!("it has {}", names.join(", ")) };
        let section = match (cpu, self.sections.len()) {
            (Some(cpu), _) => self.sections.get_key_value(cpu).ok_or_else(|| SelectError {
                message: format!("the schedule file has no section `{cpu}`"),
                hint: known,
            })?,
            (None, 1) => self.sections.iter().next().unwrap_or_else(|| unreachable!("there is one")),
            (None, 0) => {
                return Err(SelectError {
                    message: "the schedule file has no section".to_owned(),
                    hint: "`mnasc tune SPEC -o FILE` measures one".to_owned(),
                });
            }
            (None, _) => {
                return Err(SelectError {
                    message: "the schedule file has sections for several processors".to_owned(),
                    hint: format!("say which by `--cpu`, or `cpu` in Rust: {known}"),
                });
            }
        };
        let (cpu, isas) = section;
        let choices = |entries: &BTreeMap<ShapeKey, Entry>| {
            entries.iter().map(|(key, entry)| (*key, entry.choice.clone())).collect::<BTreeMap<_, _>>()
        };
        Ok(TuningProfile {
            cpu: cpu.clone(),
            choices: isas.iter().map(|(isa, entries)| (*isa, choices(entries))).collect(),
        })
    }

    /// Puts an entry in, in place of the one that was there.
    pub fn insert(&mut self, cpu: &str, isa: Isa, key: ShapeKey, entry: Entry) {
        self.sections.entry(cpu.to_owned()).or_default().entry(isa.name).or_default().insert(key, entry);
    }

    /// The comment lines above an entry, where it is there.
    pub fn notes(&self, cpu: &str, isa: Isa, key: ShapeKey) -> Vec<String> {
        let entries = self.sections.get(cpu).and_then(|isas| isas.get(isa.name));
        entries.and_then(|entries| entries.get(&key)).map(|entry| entry.notes.clone()).unwrap_or_default()
    }

    /// Takes an entry out.
    pub fn remove(&mut self, cpu: &str, isa: Isa, key: ShapeKey) {
        if let Some(entries) = self.sections.get_mut(cpu).and_then(|isas| isas.get_mut(isa.name)) {
            entries.remove(&key);
        }
    }

    /// Whether that can name a section: letters, digits, `.`, `_` and `-`.
    pub fn is_name(text: &str) -> bool {
        let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !text.is_empty() && text.len() <= 100 && text.chars().all(good)
    }
}

impl fmt::Display for ScheduleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for (cpu, isas) in &self.sections {
            writeln!(f, "\n{cpu}:")?;
            for (isa, entries) in isas {
                writeln!(f, "  {isa}:")?;
                for (key, Entry { choice, notes }) in entries {
                    for note in notes {
                        writeln!(f, "    # {note}")?;
                    }
                    writeln!(f, "    {key}: {choice}")?;
                }
            }
        }
        Ok(())
    }
}

/// Reads line by line, and continues after a mistake.
struct Reader<'a> {
    name: &'a str,
    file: ScheduleFile,
    found: Diagnostics,
    /// The section that lines belong to; empty names are mistakes that have been reported.
    cpu: Option<String>,
    isa: Option<Option<Isa>>,
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &str, notes: Vec<String>) {
        let content = line.trim();
        let spaces = line.len() - line.trim_start_matches(' ').len();
        match spaces {
            // Other white space is no indentation.
            _ if line[spaces..].starts_with(char::is_whitespace) => self.badly_indented(number, line, content),
            0 => self.cpu_line(number, line, content),
            2 => self.isa_line(number, line, content),
            4 => self.entry_line(number, line, content, notes),
            _ => self.badly_indented(number, line, content),
        }
    }

    fn badly_indented(&mut self, number: usize, line: &str, content: &str) {
        let hint = "write a processor in the first column, an instruction set after two spaces, an entry after \
                    four";
        self.wrong(number, line, content, "unexpected indentation", hint);
    }

    fn cpu_line(&mut self, number: usize, line: &str, content: &str) {
        self.isa = None;
        self.cpu = Some(String::new());
        match content.strip_suffix(':') {
            Some(cpu) if ScheduleFile::is_name(cpu) => {
                if self.file.sections.insert(cpu.to_owned(), BTreeMap::new()).is_some() {
                    self.wrong(number, line, cpu, "this processor has two sections", "put both into one");
                }
                self.cpu = Some(cpu.to_owned());
            }
            _ => self.wrong(
                number,
                line,
                content,
                "invalid name of a processor",
                "write letters, digits, `.`, `_` and `-`, and a colon: `intel-xeon-6-143-8:`",
            ),
        }
    }

    fn isa_line(&mut self, number: usize, line: &str, content: &str) {
        self.isa = Some(None);
        let Some(cpu) = self.cpu.clone() else {
            return self.wrong(
                number,
                line,
                content,
                "an instruction set without a processor",
                "begin a section: `my-cpu:`",
            );
        };
        let Some(isa) = content.strip_suffix(':').and_then(|name| machine::by_name(name).ok()) else {
            let known: Vec<String> = machine::ALL.iter().map(|isa| format!("`{}:`", isa.name)).collect();
            return self.wrong(
                number,
                line,
                content,
                "unknown instruction set",
                &format!("write {}", known.join(", ")),
            );
        };
        self.isa = Some(Some(isa));
        let isas = self.file.sections.entry(cpu).or_default();
        if isas.insert(isa.name, BTreeMap::new()).is_some() {
            self.wrong(number, line, content, "this instruction set has two sections", "put both into one");
        }
    }

    fn entry_line(&mut self, number: usize, line: &str, content: &str, notes: Vec<String>) {
        let isa = match self.isa {
            None => {
                return self.wrong(
                    number,
                    line,
                    content,
                    "an entry without an instruction set",
                    "begin one: `  avx2:`",
                );
            }
            // Reported where it stands; the shape can be looked at all the same.
            Some(isa) => isa,
        };
        let Some((shape, value)) = content.split_once(": ") else {
            return self.wrong(number, line, content, "invalid entry", "write `SHAPE: {NAME: VALUE, ...}`");
        };
        let Some(key) = ShapeKey::parse(shape) else {
            return self.wrong(
                number,
                line,
                shape,
                "invalid shape of a step",
                "write it as one of `block 56x56x24 expand 72 depthwise k5 s2 se 4 to 28x28x40`, \
                 `conv 224x224x3 k3 s2 to 112x112x32` and `linear 1280 to 1000`",
            );
        };
        let Some(inner) = value.trim().strip_prefix('{').and_then(|value| value.strip_suffix('}')) else {
            return self.wrong(number, line, value, "invalid list of choices", "write `{NAME: VALUE, ...}`");
        };
        let Some(isa) = isa else { return };
        let mut entry = Entry { choice: StepTuning::default(), notes };
        let mut seen: Vec<&str> = Vec::new();
        for part in inner.split(',').filter(|part| !part.trim().is_empty() || inner.contains(',')) {
            let Some((name, value)) = part.split_once(':') else {
                self.wrong(number, line, part.trim(), "invalid choice", "write `NAME: VALUE`");
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            if seen.contains(&name) {
                self.wrong(number, line, part.trim(), &format!("`{name}` is given twice"), "give it once");
                continue;
            }
            seen.push(name);
            if let Err(ParseError { message, hint }) = entry.choice.set(isa, key, name, value) {
                self.wrong(number, line, part.trim(), &message, &hint);
            }
        }
        let entries = self.file.sections.entry(self.cpu.clone().unwrap_or_default()).or_default();
        if entries.entry(isa.name).or_default().insert(key, entry).is_some() {
            self.wrong(number, line, shape, "this shape has two entries", "keep one of them");
        }
    }

    /// `part` is a piece of `line`.
    fn wrong(&mut self, number: usize, line: &str, part: &str, message: &str, hint: &str) {
        let start = (part.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
        let start = if start <= line.len() { start } else { 0 };
        let before = line.get(..start).map_or(0, |text| text.chars().count());
        let cut = before.saturating_sub(SHOWN / 2);
        // What is quoted may be anything.
        let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let message = message.chars().take(SHOWN).map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect();
        self.found.push(Diagnostic {
            message,
            place: Place::Text {
                file: self.name.to_owned(),
                line: number,
                column: before + 1,
                length: part.chars().count().clamp(1, SHOWN),
                line_text: line.chars().skip(cut).take(2 * SHOWN).collect(),
                cut,
            },
            label: None,
            hint: Some(hint.to_owned()),
        });
    }
}
