//! Recipes: everything besides the spec, the data and the seed that the trained weights depend on.

use serde::{Deserialize, Serialize};

/// The settings of a training. Fields that a recipe file omits have the values of [`Recipe::default`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Number of passes over the training pictures.
    pub epochs: u32,
    /// Number of pictures in a step.
    pub batch: usize,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Learning rate after the warm-up; it is not scaled by the batch size.
    pub learning_rate: f64,
    /// The schedule of the learning rate.
    pub schedule: Schedule,
    /// Epochs of the warm-up, over which the rate rises from 0; may be a fraction.
    pub warm_up: f64,
    /// L2 penalty of the weights of convolutions and classifiers; batch norms and biases have none.
    pub weight_decay: f64,
    /// Share of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Share of the running statistics of batch norms that a step keeps; early statistics are plain means.
    pub batch_norm_momentum: f64,
    /// Decay of the moving average of weights, which is the result; with 0 the result is the last weights.
    pub weight_average: f64,
    /// Dropout before the classifier; `None` for the spec's `dropout`.
    pub dropout: Option<f64>,
    /// Largest random shift of a picture in pixels, in each direction; edges are repeated.
    pub shift: usize,
    /// Whether half of the pictures are mirrored, which suits no digits.
    pub flip: bool,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "name", rename_all = "lowercase")]
pub enum Optimizer {
    /// `v = momentum v + g; w -= lr v`.
    Sgd {
        /// Share of the velocity that a step keeps.
        #[serde(default = "nine_tenths")]
        momentum: f64,
    },
    /// As TensorFlow has it: `s = decay s + (1 - decay) g^2; v = momentum v + lr g / sqrt(s + epsilon); w -= v`, s from 1.
    RmsProp {
        /// Share of the mean square that a step keeps.
        #[serde(default = "nine_tenths")]
        decay: f64,
        /// Share of the velocity that a step keeps.
        #[serde(default = "nine_tenths")]
        momentum: f64,
        /// Added to the mean square.
        #[serde(default = "thousandth")]
        epsilon: f64,
    },
}

fn nine_tenths() -> f64 {
    0.9
}

fn thousandth() -> f64 {
    1e-3
}

/// The learning rate after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "name", rename_all = "lowercase")]
pub enum Schedule {
    /// A constant rate.
    Constant,
    /// Half a cosine, which reaches 0 with the last step.
    Cosine,
    /// A rate that is multiplied by `factor` after every `every` epochs.
    Exponential {
        /// The factor, above 0 and at most 1.
        factor: f64,
        /// The number of epochs between two changes.
        every: f64,
    },
}

impl Default for Recipe {
    /// For small networks and small pictures, trained for a few epochs.
    fn default() -> Self {
        Self {
            epochs: 20,
            batch: 32,
            optimizer: Optimizer::RMS_PROP,
            learning_rate: Optimizer::RMS_PROP.usual_rate(),
            schedule: Schedule::Cosine,
            warm_up: 0.5,
            weight_decay: 1e-4,
            label_smoothing: 0.1,
            batch_norm_momentum: 0.9,
            weight_average: 0.0,
            dropout: None,
            shift: 0,
            flip: false,
        }
    }
}

impl Optimizer {
    /// Stochastic gradient descent with momentum.
    pub const SGD: Self = Self::Sgd { momentum: 0.9 };
    /// MnasNet's.
    pub const RMS_PROP: Self = Self::RmsProp { decay: 0.9, momentum: 0.9, epsilon: 1e-3 };

    /// A default learning rate for an unknown network.
    pub const fn usual_rate(self) -> f64 {
        match self {
            Self::Sgd { .. } => 0.1,
            Self::RmsProp { .. } => 0.01,
        }
    }
}

/// Most characters of an error that are shown: it quotes the file, which is untrusted.
const SHOWN: usize = 300;

/// A shortened error that keeps its end, which names the place.
fn shown(error: &serde_json::Error) -> String {
    // The quotes come from serde.
    let visible = |c: char| if "\"'\\".contains(c) { c.to_string() } else { c.escape_debug().to_string() };
    let text = error.to_string();
    let start: String = text.chars().take(SHOWN).map(visible).collect();
    if text.chars().count() <= SHOWN {
        return start;
    }
    format!("{start}... at line {} column {}", error.line(), error.column())
}

impl Recipe {
    /// MnasNet's recipe for ImageNet: RMSProp, a warm-up of five epochs to 0.256 for batches of 4,096, then a factor of 0.97
    /// every 2.4 epochs.
    pub fn paper() -> Self {
        Self {
            epochs: 350,
            batch: 4096,
            optimizer: Optimizer::RMS_PROP,
            learning_rate: 0.256,
            schedule: Schedule::Exponential { factor: 0.97, every: 2.4 },
            warm_up: 5.0,
            weight_decay: 1e-5,
            label_smoothing: 0.1,
            batch_norm_momentum: 0.99,
            weight_average: 0.9999,
            dropout: None,
            shift: 0,
            flip: true,
        }
    }

    /// Reads a recipe file: one JSON object, whose fields are all optional.
    ///
    /// # Errors
    ///
    /// The text is not such an object (with line and column), or values are out of range (all of them).
    pub fn parse(text: &str) -> Result<Self, String> {
        let recipe: Self = serde_json::from_str(text).map_err(|error| shown(&error))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    ///
    /// Lists every value that is out of range.
    pub fn check(&self) -> Result<(), String> {
        let share = |value: f64| (0.0..1.0).contains(&value);
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let mut wrong = Vec::new();
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                wrong.push(what.to_owned());
            }
        };
        expect((1..=100_000).contains(&self.epochs), "`epochs` is from 1 to 100000");
        expect(
            (2..=65536).contains(&self.batch),
            "`batch` is from 2 to 65536: a batch norm needs more than one picture",
        );
        expect(positive(self.learning_rate), "`learning_rate` is above 0");
        expect(self.warm_up >= 0.0 && self.warm_up.is_finite(), "`warm_up` is at least 0");
        expect(self.weight_decay >= 0.0 && self.weight_decay.is_finite(), "`weight_decay` is at least 0");
        expect(share(self.label_smoothing), "`label_smoothing` is from 0 to below 1");
        expect(share(self.batch_norm_momentum), "`batch_norm_momentum` is from 0 to below 1");
        expect(share(self.weight_average), "`weight_average` is from 0 to below 1");
        expect(self.dropout.is_none_or(share), "`dropout` is from 0 to below 1");
        expect(self.shift <= 64, "`shift` is at most 64");
        match self.optimizer {
            Optimizer::Sgd { momentum } => expect(share(momentum), "`momentum` is from 0 to below 1"),
            Optimizer::RmsProp { decay, momentum, epsilon } => {
                expect(share(momentum), "`momentum` is from 0 to below 1");
                expect(share(decay), "`decay` is from 0 to below 1");
                expect(positive(epsilon), "`epsilon` is above 0");
            }
        }
        if let Schedule::Exponential { factor, every } = self.schedule {
            expect(factor > 0.0 && factor <= 1.0, "`factor` is above 0 and at most 1");
            expect(positive(every), "`every` is above 0");
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}
