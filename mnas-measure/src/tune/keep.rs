//! What of a search goes into the file, and what is said of it.

use super::search::Found;
use mnas_codegen::machine::Isa;
use mnas_codegen::tuned::{Entry, ScheduleFile, StepTuning, TuningProfile};

/// What was tuned, and where.
pub struct Tuning<'a> {
    /// The network's name.
    pub network: &'a str,
    /// The section of the file.
    pub cpu: &'a str,
    /// The instruction set.
    pub isa: Isa,
    /// Threads of an inference.
    pub threads: u32,
}

impl Tuning<'_> {
    /// Puts what holds into a file, and takes out what does not. Shapes of other networks stay, and so does what other
    /// numbers of threads do.
    pub fn put(&self, found: &Found, file: &mut ScheduleFile) {
        let several = self.threads > 1;
        let before = file.select(Some(self.cpu)).unwrap_or_else(|_| TuningProfile::default());
        let before = before.choices.get(self.isa.name).cloned().unwrap_or_default();
        for key in &found.shapes {
            let before = before.get(key).cloned().unwrap_or_default();
            let mut notes = file.notes(self.cpu, self.isa, *key);
            let others = format!(" {})", self.threads());
            notes.retain(|note| if several { !note.ends_with(&others) } else { note.ends_with("threads)") });
            let choice = match (found.choices.get(key), several) {
                (Some(choice), true) => choice.clone(),
                (Some(choice), false) => StepTuning {
                    parallelism: before.parallelism,
                    per_thread_count: before.per_thread_count,
                    ..choice.clone()
                },
                (None, true) => {
                    let mut before = before;
                    before.per_thread_count.remove(&(self.threads as usize));
                    before
                }
                (None, false) => StepTuning {
                    parallelism: before.parallelism,
                    per_thread_count: before.per_thread_count,
                    ..StepTuning::default()
                },
            };
            if let (true, Some([plain, held])) = (found.choices.contains_key(key), found.times.get(key)) {
                let names = found.steps.get(key).map(|names| names.join(", ")).unwrap_or_default();
                notes.push(format!(
                    "{:.1} us instead of {:.1} us, {:.1} % less ({names} of {}, {})",
                    held / 1e3,
                    plain / 1e3,
                    (1.0 - held / plain) * 100.0,
                    self.network,
                    self.threads(),
                ));
            }
            file.remove(self.cpu, self.isa, *key);
            if choice != StepTuning::default() {
                file.insert(self.cpu, self.isa, *key, Entry { choice, notes });
            }
        }
    }

    /// What came out.
    pub fn verdict(&self, found: &Found) -> String {
        let (shapes, tried, held) = (found.shapes.len(), found.tried, found.choices.len());
        let name = format!("{} {}, {}", self.network, self.isa.name, self.threads());
        let Some(proof) = &found.proof else {
            return format!("{name}: no gain: {tried} choices tried, of {shapes} shapes none has one that is faster");
        };
        let [low, high] = proof.interval;
        let [plain, with] = proof.milliseconds;
        let gain = if proof.gains() { "" } else { "no gain beyond the noise: " };
        format!(
            "{name}: {gain}the whole network takes {:.3} ({low:.3} to {high:.3}) of the time, {with:.3} ms instead of \
             {plain:.3} ms, with choices for {held} of {shapes} shapes; {tried} tried",
            proof.ratio
        )
    }

    fn threads(&self) -> String {
        format!("{} thread{}", self.threads, if self.threads == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::busy::Seen;
    use crate::tune::proof::Proof;
    use mnas_codegen::machine;
    use mnas_codegen::plan::Parallelism;
    use mnas_codegen::tuned::{RowBlock, ShapeKey};
    use std::collections::BTreeMap;

    const BLOCK: &str = "block 16x16x8 expand 48 depthwise k3 s2 se 2 to 8x8x16";

    fn file(text: &str) -> ScheduleFile {
        ScheduleFile::parse(text, "s.yaml").unwrap()
    }

    /// The key of [`BLOCK`].
    fn key() -> ShapeKey {
        let file = file(&format!("a:\n  avx2:\n    {BLOCK}: {{row_block: all}}\n"));
        *file.select(None).unwrap().choices["avx2"].keys().next().unwrap()
    }

    fn found(choice: Option<StepTuning>, interval: [f64; 2]) -> Found {
        let held = choice.is_some();
        let milliseconds = [2.0, 1.9];
        Found {
            choices: choice.map(|choice| (key(), choice)).into_iter().collect(),
            shapes: vec![key()],
            times: BTreeMap::from([(key(), [2000.0, 1900.0])]),
            steps: BTreeMap::from([(key(), vec!["blocks.1.0".to_owned()])]),
            proof: held.then(|| Proof { ratio: 0.95, interval, milliseconds, plain: vec![2.0] }),
            seen: Seen { others: None, spread: 0.0 },
            tried: 7,
        }
    }

    const ONE: Tuning<'static> = Tuning { network: "tiny", cpu: "a", isa: machine::AVX2, threads: 1 };
    const TWO: Tuning<'static> = Tuning { threads: 2, ..ONE };

    #[test]
    fn accepted_choices_are_inserted_and_other_entries_stay() {
        let mut file = file(&format!(
            "a:\n  avx2:\n    # Old.\n    {BLOCK}: {{columns: 3, threads: panels}}\n    linear 1 to 2: {{tiles: 1x1/1}}\n"
        ));
        ONE.put(
            &found(Some(StepTuning { row_block: Some(RowBlock::Rows(2)), ..StepTuning::default() }), [0.9, 0.99]),
            &mut file,
        );
        let text = file.to_string();
        let note = "# 1.9 us instead of 2.0 us, 5.0 % less (blocks.1.0 of tiny, 1 thread)";
        assert!(text.contains(&format!("    {note}\n    {BLOCK}: {{row_block: 2, threads: panels}}\n")), "{text}");
        assert!(text.contains("linear 1 to 2: {tiles: 1x1/1}") && !text.contains("Old."), "{text}");
        let shared = |workers: usize, rows: usize| {
            let per_thread_count = BTreeMap::from([(workers, Parallelism::RowBlocks(rows))]);
            Some(StepTuning {
                row_block: Some(RowBlock::Rows(2)),
                parallelism: Some(Parallelism::Panels),
                per_thread_count,
                ..StepTuning::default()
            })
        };
        TWO.put(&found(shared(2, 4), [0.9, 0.99]), &mut file);
        let text = file.to_string();
        assert!(
            text.contains(&format!("{BLOCK}: {{row_block: 2, threads: panels, threads 2: row_blocks 4}}")),
            "{text}"
        );
        assert!(text.contains(note) && text.contains("2 threads)"), "{text}");
        ONE.put(&found(None, [0.9, 0.99]), &mut file);
        assert!(file.to_string().contains(&format!("{BLOCK}: {{threads: panels, threads 2: row_blocks 4}}")), "{file}");
        // Another number of threads is another choice.
        Tuning { threads: 3, ..ONE }.put(&found(None, [0.9, 0.99]), &mut file);
        assert!(
            file.to_string().contains(", 2 threads)") && file.to_string().contains("threads 2: row_blocks 4"),
            "{file}"
        );
        TWO.put(&found(None, [0.9, 0.99]), &mut file);
        assert!(file.to_string().contains(&format!("{BLOCK}: {{threads: panels}}")), "{file}");
        assert!(!file.to_string().contains("2 threads)"), "{file}");
    }

    #[test]
    fn the_verdict_names_choices_without_a_gain() {
        let choice = || Some(StepTuning { row_block: Some(RowBlock::All), ..StepTuning::default() });
        let gain = ONE.verdict(&found(choice(), [0.93, 0.97]));
        assert!(gain.contains("tiny avx2, 1 thread: the whole network takes 0.950 (0.930 to 0.970)"), "{gain}");
        let noise = TWO.verdict(&found(choice(), [0.93, 1.01]));
        assert!(noise.contains("tiny avx2, 2 threads: no gain beyond the noise: the whole network"), "{noise}");
        let none = ONE.verdict(&found(None, [0.0, 0.0]));
        assert!(none.contains("no gain: 7 choices tried, of 1 shapes none"), "{none}");
    }
}
