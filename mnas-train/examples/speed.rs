//! Measures training in pictures a second, on random pictures: `speed SPEC [BATCH] [STEPS]`.

use mnas_train::data::Pictures;
use mnas_train::training::{Task, train};
use mnas_train::{Pause, Recipe};
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize, otherwise| arguments.get(at).map_or(otherwise, |text| text.parse().expect("a number"));
    let (batch, steps) = (number(2, 64), number(3, 10));
    let text = std::fs::read_to_string(&arguments[1]).expect("a spec");
    let (spec, network) = mnas_dsl::load_yaml(&text, &arguments[1]).expect("a good spec");
    let classes = network.head.as_ref().expect("a head").classes;
    let count = batch * steps;
    let pictures = Pictures {
        pixels: (0..count * network.input.len()).map(|at| (at * 7 + at / 13 * 31) as u8).collect(),
        labels: (0..count).map(|at| (at * 5 % classes) as u16).collect(),
    };
    let recipe = Recipe { epochs: 2, batch, ..Recipe::default() };
    let task = Task {
        spec: &spec,
        network: &network,
        train: &pictures,
        held_out: &Pictures::default(),
        recipe: &recipe,
        seed: 0,
        device: &mnas_train::device::processor(),
        pause: &Pause::default(),
    };
    let mut start = Instant::now();
    let result = train(&task, &mut |progress| {
        // The first epoch warms up.
        if progress.step == steps {
            start = Instant::now();
        }
        true
    });
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{:.0} pictures a second, {result:?}",
        count as f64 / seconds,
        result = result.map(|trained| trained.epochs)
    );
}
