//! `mnasc train SPEC`

mod device;
pub(crate) mod judge;
mod recipe;

use crate::cli::TrainArgs;
use crate::data_set;
use crate::error::{Error, Result};
use crate::input;
use crate::lock;
use crate::output::{self, Artifact};
use mnas_codegen::weights::safetensors;
use mnas_train::Pause;
use mnas_train::data::{fewer, hold_out};
use mnas_train::training::{Progress, Task, TrainingError, judge, train};
use serde_json::json;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often a line that is looked at changes.
const EVERY: Duration = Duration::from_millis(200);

/// Trains, and says how good the result is.
pub(crate) fn run(args: &TrainArgs) -> Result<()> {
    let (spec, network) = input::spec(&args.spec)?;
    let recipe = recipe::of(args)?;
    let share = recipe::held_out(&args.how)?;
    let device_name = device::name(&args.how)?.unwrap_or_default();
    let device = device_name.open().map_err(device::absent)?;
    if let Some(out) = &args.out {
        output::refuse_overwriting(out, &[&args.spec])?;
        // Not behind the training, when all would be lost.
        output::refuse_unwritable(out)?;
    }
    let data = data_set::read(&args.data, &network)?;
    let (mut train_pictures, held_out) = hold_out(&data.train, share, args.seed);
    if let Some(count) = args.how.pictures {
        train_pictures = fewer(&train_pictures, count as usize, args.seed);
    }
    if !args.json {
        output::progress(&format!(
            "{}: {} pictures to learn from, {} held out, {} for tests; {} parameters, {} multiply-accumulates",
            data.name,
            train_pictures.len(),
            held_out.len(),
            data.test.len(),
            network.parameters(),
            network.macs()
        ));
        device::say(device_name, &device);
    }
    let task = Task {
        spec: &spec,
        network: &network,
        train: &train_pictures,
        held_out: &held_out,
        recipe: &recipe,
        seed: args.seed,
        device: &device,
        pause: &Pause::new(lock::pass),
    };
    let judges = !held_out.is_empty();
    let mut watch = Watch { start: Instant::now(), said: None, json: args.json, judges, result: Ok(()) };
    let trained = train(&task, &mut |progress| watch.hear(progress));
    watch.result?;
    let trained = trained.map_err(|error| {
        let words = format!("`{}` cannot be trained: {error}", args.spec.display());
        match error {
            TrainingError::Device(_) => device::failed(words),
            TrainingError::Diverged(_) => Error::input(words).hint("try a smaller `--lr`"),
            TrainingError::Unfit(_) | TrainingError::Stopped => Error::input(words),
        }
    })?;
    let on_test = judge(&task, &trained.weights, &data.test).map_err(|error| device::failed(error.to_string()))?;
    let on_held_out = trained.epochs.last().copied().unwrap_or(0.0);
    if let Some(path) = &args.out {
        let bytes = safetensors::write(&trained.weights).map_err(|error| Error::system(error.to_string()))?;
        output::write_all(&[Artifact { path: path.clone(), bytes }])?;
    }
    let seconds = watch.start.elapsed().as_secs_f64();
    if args.json {
        return output::print_json(&json!({
            "train": {"pictures": train_pictures.len()},
            "held_out": {"pictures": held_out.len(), "accuracy": (!held_out.is_empty()).then_some(on_held_out)},
            "test": {"pictures": data.test.len(), "accuracy": on_test},
            "seconds": seconds,
            "recipe": serde_json::to_value(&recipe).map_err(|error| Error::system(error.to_string()))?,
            "weights": args.out,
        }));
    }
    let mut text = String::new();
    if !held_out.is_empty() {
        text.push_str(&format!("held out: {:.2} % of {} pictures\n", 100.0 * on_held_out, held_out.len()));
    }
    text.push_str(&format!("test: {:.2} % of {} pictures, after {seconds:.1} s\n", 100.0 * on_test, data.test.len()));
    output::print(&text)
}

/// Tells how far a training is.
struct Watch {
    start: Instant,
    /// When the line that is looked at was last written.
    said: Option<Instant>,
    json: bool,
    /// Whether pictures are held out.
    judges: bool,
    result: Result<()>,
}

impl Watch {
    /// Says it, as often as is useful; `false` where nobody listens any more.
    fn hear(&mut self, progress: &Progress) -> bool {
        let is_looked_at = std::io::stderr().is_terminal() && !self.json;
        match progress.accuracy {
            Some(accuracy) if self.json => {
                self.result = output::print_json(&json!({
                    "epoch": progress.epoch + 1,
                    "epochs": progress.epochs,
                    "loss": progress.loss,
                    "train_accuracy": progress.train_accuracy,
                    "accuracy": self.judges.then_some(accuracy),
                }));
            }
            Some(_) => {
                output::status("");
                output::progress(&self.line(progress));
            }
            None if is_looked_at && self.said.is_none_or(|said| said.elapsed() >= EVERY) => {
                self.said = Some(Instant::now());
                output::status(&self.line(progress));
            }
            None => {}
        }
        self.result.is_ok()
    }

    fn line(&self, progress: &Progress) -> String {
        let Progress { epoch, epochs, step, steps, loss, train_accuracy, accuracy } = progress;
        let left = self.start.elapsed().as_secs_f64() / *step as f64 * (steps - step) as f64;
        let accuracy = accuracy.filter(|_| self.judges);
        let held_out = accuracy.map_or(String::new(), |accuracy| format!(", {:.2} % held out", 100.0 * accuracy));
        format!(
            "epoch {} of {epochs}: loss {loss:.4}, {:.2} % right{held_out}, {:.0} s left",
            epoch + 1,
            100.0 * train_accuracy,
            left.ceil()
        )
    }
}
