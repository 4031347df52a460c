//! `mnasc quantize SPEC --weights FILE --data DATA -o OUT.safetensors`

mod result;

use crate::cli::QuantizeArgs;
use crate::data_set::{self, Images, Parts};
use crate::error::{Error, Result};
use crate::output::{self, Artifact};
use crate::{input, weight_file};
use mnas_codegen::graph::Graph;
use mnas_codegen::quantized;
use mnas_codegen::reference::ReferenceError;
use mnas_codegen::weights::Weights;
use mnas_dsl::Network;
use mnas_quantize::{Comparer, Observations, Options, images_in, quantize};
use result::Outcome;
use std::path::Path;
use std::time::{Duration, Instant};

/// Memory for the pictures that weights are rounded and biases corrected with: all maps of a layer are held at once.
const MEMORY: u64 = 768 << 20;

/// Pictures whose layers are compared one by one.
const LAYER_IMAGES: usize = 16;

/// Calibrates, quantises, and says what is lost.
pub(crate) fn run(args: &QuantizeArgs) -> Result<()> {
    let (_, network) = input::spec(&args.spec)?;
    check_outputs(args)?;
    let weights = weight_file::load(&args.weights, &network)?.weights;
    let Parts { learn, test, .. } = data_set::open(&args.data, &network)?;
    let learn = learn.at_least(1, &args.data, "to calibrate with")?;
    let (test, test_data) = match &args.evaluate {
        None => (test, &args.data),
        Some(from) => {
            let Parts { learn, test, is_split } = data_set::open(from, &network)?;
            (if is_split { test } else { learn.and(test) }, from)
        }
    };
    let test = test.at_least(1, test_data, "for tests")?;
    let labels = Labels::of(&test, &network, args.json);

    let graph = quantized::graph(&network);
    let calibration = learn.some(args.images as usize);
    let observations = observe(&graph, &weights, &learn, &calibration)?;
    let correction = fewer(&calibration, images_in(&graph, MEMORY));
    let images: Vec<Vec<f32>> = correction.iter().map(|&at| learn.image(at)).collect::<Result<_>>()?;
    output::progress(&format!("rounding weights and correcting biases with {} pictures", images.len()));
    let options = Options { method: args.calibrate, ..Options::default() };
    let int8 = quantize(&graph, &weights, &observations, &images, &options).map_err(unfit)?;

    let mut comparer = Comparer::new(&int8, &weights);
    let tested = test.some(args.evaluate_images as usize);
    let of_layers = fewer(&tested, LAYER_IMAGES);
    let mut watch = Watch::new("compared", tested.len());
    for &at in &tested {
        let (image, label) = (test.image(at)?, labels.of_image(&test, at));
        let added = match of_layers.binary_search(&at) {
            Ok(_) => comparer.add_with_layers(&image, label),
            Err(_) => comparer.add(&image, label),
        };
        added.map_err(unfit)?;
        watch.count();
    }
    watch.end();

    let bytes = quantized::write(&int8);
    let outcome = Outcome {
        args,
        network: &network,
        counts: comparer.counts(),
        layers: comparer.layers(),
        calibrated: calibration.len(),
        corrected: images.len(),
        float_bytes: 4 * network.parameters(),
        int8_bytes: bytes.len() as u64,
    };
    let page = args.report.as_ref().map(|path| Artifact { path: path.clone(), bytes: outcome.page().into_bytes() });
    let file = Artifact { path: args.output.clone(), bytes };
    output::write_all(&[file].into_iter().chain(page).collect::<Vec<_>>())?;
    if args.json { output::print_json(&outcome.json()) } else { output::print(&outcome.text()) }
}

/// Files that cannot be written are named before the work, not after it.
fn check_outputs(args: &QuantizeArgs) -> Result<()> {
    let read: Vec<_> = weight_file::files(&args.weights);
    let inputs: Vec<&Path> = read.iter().chain([&args.spec]).map(|path| path.as_path()).collect();
    let outputs: Vec<_> = [&args.output].into_iter().chain(&args.report).collect();
    for path in &outputs {
        output::refuse_overwriting(path, &inputs)?;
        output::refuse_unwritable(path)?;
    }
    let artifacts: Vec<_> = outputs.iter().map(|path| Artifact { path: path.to_path_buf(), bytes: vec![] }).collect();
    output::refuse_same_file(&artifacts)
}

fn observe(graph: &Graph, weights: &Weights, images: &Images, chosen: &[usize]) -> Result<Observations> {
    let mut observations = Observations::new(graph);
    let mut watch = Watch::new("observed", chosen.len());
    for &at in chosen {
        observations.add(graph, weights, &images.image(at)?).map_err(unfit)?;
        watch.count();
    }
    watch.end();
    Ok(observations)
}

fn unfit(error: ReferenceError) -> Error {
    Error::input(error.to_string())
}

/// Some of the indices, at equal distances.
fn fewer(all: &[usize], count: usize) -> Vec<usize> {
    let count = count.min(all.len());
    (0..count).map(|at| all[at * all.len() / count]).collect()
}

/// Whether labels of a data set are classes of the network.
struct Labels {
    are_classes: bool,
}

impl Labels {
    fn of(images: &Images, network: &Network, is_quiet: bool) -> Self {
        let (Some(found), Some(head)) = (images.classes(), &network.head) else { return Labels { are_classes: false } };
        let are_classes = found == head.classes;
        if !are_classes && !is_quiet {
            let (has, head) = (found, head.classes);
            output::progress(&format!("the data have {has} classes, the network {head}: accuracy is not measured"));
        }
        Labels { are_classes }
    }

    fn of_image(&self, images: &Images, at: usize) -> Option<usize> {
        images.label(at).filter(|_| self.are_classes)
    }
}

/// Says how many pictures are done.
struct Watch {
    verb: &'static str,
    done: usize,
    all: usize,
    said: Instant,
}

impl Watch {
    /// How often the line changes.
    const EVERY: Duration = Duration::from_millis(200);

    fn new(verb: &'static str, all: usize) -> Self {
        Watch { verb, done: 0, all, said: Instant::now() }
    }

    fn count(&mut self) {
        self.done += 1;
        if self.said.elapsed() >= Self::EVERY {
            self.said = Instant::now();
            output::status(&format!("{} {} of {} pictures", self.verb, self.done, self.all));
        }
    }

    fn end(&self) {
        output::status("");
        output::progress(&format!("{} {} pictures", self.verb, self.all));
    }
}
