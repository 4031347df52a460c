//! Searchers: ask for a candidate, tell what it was worth. They know how many alternatives each choice has and nothing
//! else.
//!
//! More than one candidate may be asked for before anything is told. Everything that a searcher will ever do follows from
//! its state and from what it is told: a saved one that is restored goes on as if it had never stopped, bit for bit.

mod controller;
mod evolution;
mod nsga2;
mod random;
mod reinforce;

pub use controller::{Controller, ControllerSettings};
pub use evolution::{Evolution, EvolutionSettings};
pub use nsga2::{Nsga2, Nsga2Settings};
pub use random::Random;
pub use reinforce::{Reinforce, ReinforceSettings};

use mnas_dsl::printable;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a candidate was worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The reward; what searchers of one objective maximise.
    pub reward: f64,
    /// The accuracy, a part of 1.
    pub accuracy: f64,
    /// Milliseconds of an inference, where they are known.
    pub latency_ms: Option<f64>,
}

impl Outcome {
    /// Whether there is anything to learn: a failed trial has no finite reward.
    pub fn is_usable(&self) -> bool {
        self.reward.is_finite() && self.accuracy.is_finite() && self.latency_ms.is_none_or(f64::is_finite)
    }
}

/// A way to search.
pub trait Searcher {
    /// The next candidate: an index for each choice.
    fn ask(&mut self) -> Vec<usize>;

    /// What a candidate was worth. One that could not be judged is told too, with a reward that is not finite.
    fn tell(&mut self, candidate: &[usize], outcome: &Outcome);
}

/// A searcher whose state a study keeps.
trait State: Searcher + fmt::Debug + Send + Sync {
    /// The state as text, without the large part.
    fn save(&self) -> serde_json::Result<String>;

    /// Whether a searcher over choices of these sizes can have this state, so that nothing that it does will panic.
    fn check(&self, sizes: &[usize]) -> Result<(), &'static str>;

    /// What of the state is large and changes rarely, with its revision, a number that differs whenever it has changed.
    /// `None` for a searcher without such a part, and where the revision is `known`.
    fn large(&self, known: Option<u64>) -> Option<(u64, Vec<u8>)> {
        let _ = known;
        None
    }

    /// Restores what [`State::large`] gave.
    fn set_large(&mut self, bytes: Option<&[u8]>) -> Result<(), String> {
        let _ = bytes;
        Ok(())
    }
}

/// A kind of searcher: a row of [`METHODS`]. Each is beside the searcher in its own file.
#[derive(Clone, Copy)]
pub struct Method {
    /// Its name, in arguments and in studies.
    pub name: &'static str,
    /// What it is, for help.
    pub about: &'static str,
    /// Whether it uses latency beside the reward.
    pub needs_latency: bool,
    new: fn(Vec<usize>, u64) -> Box<dyn State>,
    restore: fn(&str) -> serde_json::Result<Option<Box<dyn State>>>,
}

/// All kinds of searchers.
pub const METHODS: &[Method] =
    &[evolution::METHOD, nsga2::METHOD, controller::METHOD, reinforce::METHOD, random::METHOD];

/// The method of this name.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// [`Method::restore`] of a searcher: the text is what [`AnySearcher::save`] gives. `None` where it has no state.
fn restore<S: State + DeserializeOwned + 'static>(saved: &str) -> serde_json::Result<Option<Box<dyn State>>> {
    let states: BTreeMap<String, S> = serde_json::from_str(saved)?;
    Ok(states.into_values().next().map(|state| Box::new(state) as Box<dyn State>))
}

/// Populations and batches of more are no searcher's.
const MOST: usize = 1 << 20;

/// What is wrong with what every state has.
fn check_common(of: &[usize], sizes: &[usize], rng: &crate::rng::Rng) -> Result<(), &'static str> {
    if of != sizes {
        return Err("it has other choices");
    }
    if rng.is_stuck() { Err("its random numbers are all the same") } else { Ok(()) }
}

/// Whether a candidate has an alternative that there is for each choice.
fn is_candidate(candidate: &[usize], sizes: &[usize]) -> bool {
    candidate.len() == sizes.len() && candidate.iter().zip(sizes).all(|(at, size)| at < size)
}

/// Whether all candidates are, and all that they were worth are numbers.
fn check_candidates<'a>(
    candidates: impl IntoIterator<Item = (&'a Vec<usize>, f64)>,
    sizes: &[usize],
) -> Result<(), &'static str> {
    let is_wrong = |(candidate, value): (&Vec<usize>, f64)| !is_candidate(candidate, sizes) || !value.is_finite();
    if candidates.into_iter().any(is_wrong) { Err("it knows networks that there are not") } else { Ok(()) }
}

/// A searcher of any method: one value is the whole state of a search.
#[derive(Debug)]
pub struct AnySearcher {
    method: &'static str,
    state: Box<dyn State>,
}

impl AnySearcher {
    /// A searcher by the name of its method, with its usual settings; `None` for another name. `sizes` are the numbers of
    /// alternatives.
    ///
    /// # Panics
    ///
    /// Where a choice has no alternative.
    pub fn by_name(name: &str, sizes: &[usize], seed: u64) -> Option<Self> {
        assert!(sizes.iter().all(|&size| size > 0), "each choice has alternatives");
        method(name).map(|it| Self { method: it.name, state: (it.new)(sizes.to_vec(), seed) })
    }

    /// The state without its large part: `{"METHOD": STATE}`.
    ///
    /// # Errors
    ///
    /// A state that has no text, which would be a mistake of a searcher.
    pub fn save(&self) -> serde_json::Result<String> {
        Ok(format!("{{\"{}\":{}}}", self.method, self.state.save()?))
    }

    /// The part of the state that is large and changes rarely, and its revision, a number that differs whenever it has
    /// changed: the controller's weights. `None` where the revision is `known`.
    pub fn large(&self, known: Option<u64>) -> Option<(u64, Vec<u8>)> {
        self.state.large(known)
    }

    /// A searcher of this method over choices of these sizes as it was saved; `large` is its large part.
    ///
    /// # Errors
    ///
    /// A text that is not as it was saved, or is not a state of such a searcher: a study may come from anyone.
    pub fn restore(saved: &str, large: Option<&[u8]>, name: &str, sizes: &[usize]) -> Result<Self, String> {
        let tagged: BTreeMap<String, IgnoredAny> = serde_json::from_str(saved).map_err(|error| error.to_string())?;
        if let Some(other) = tagged.keys().find(|tag| *tag != name) {
            return Err(format!("it was begun with `{name}`, and goes on with `{}`", printable(other)));
        }
        let method = method(name).ok_or_else(|| format!("there is no method `{}`", printable(name)))?;
        let state = (method.restore)(saved).map_err(|error| error.to_string())?;
        let mut state = state.ok_or("the state of the searcher is missing")?;
        state.check(sizes).map_err(|what| format!("no searcher is where it says: {what}"))?;
        state.set_large(large)?;
        Ok(Self { method: method.name, state })
    }

    /// The name of its method.
    pub fn method(&self) -> &'static str {
        self.method
    }
}

impl Searcher for AnySearcher {
    fn ask(&mut self) -> Vec<usize> {
        self.state.ask()
    }

    fn tell(&mut self, candidate: &[usize], outcome: &Outcome) {
        self.state.tell(candidate, outcome);
    }
}

/// Changes one choice to another of its alternatives, where any choice has two.
fn mutate(candidate: &mut [usize], sizes: &[usize], rng: &mut crate::rng::Rng) {
    let open: Vec<usize> = (0..sizes.len()).filter(|&at| sizes[at] > 1).collect();
    if open.is_empty() {
        return;
    }
    let at = open[rng.below(open.len())];
    let other = rng.below(sizes[at] - 1);
    candidate[at] = if other >= candidate[at] { other + 1 } else { other };
}

/// Probabilities of logits.
fn softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|exp| exp / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Studies that were begun by the first version go on: the text is as that version wrote it.
    #[test]
    fn states_are_saved_as_ever() {
        let random = r#"{"random":{"sizes":[2,3,2,3,3,2],"rng":[667496375692864783,215258669704693284,3875035776258028726,7086726054344701975]}}"#;
        let evolution = r#"{"evolution":{"sizes":[2,3],"rng":[17406849154590036719,17795990176746251921,7650640834277699898,265679499243159657],"settings":{"population":20,"sample":10},"population":[[[0,0],0.8057284024701815],[[1,2],0.8157237882500179]],"asked":25}}"#;
        for (method, saved, sizes) in [("random", random, &[2, 3, 2, 3, 3, 2][..]), ("evolution", evolution, &[2, 3])] {
            let restored = AnySearcher::restore(saved, None, method, sizes).unwrap();
            assert_eq!((restored.method(), restored.save().unwrap().as_str()), (method, saved));
        }
        assert!(AnySearcher::restore(random, None, "evolution", &[2, 3]).is_err());
        assert!(AnySearcher::restore(random, None, "random", &[2, 3]).is_err());
        assert!(AnySearcher::restore("{}", None, "random", &[2, 3]).is_err());
        assert!(AnySearcher::restore(r#"{"other":{}}"#, None, "other", &[2, 3]).is_err());
    }

    #[test]
    fn names_are_unique_and_each_searcher_has_its_own() {
        for method in METHODS {
            assert_eq!(METHODS.iter().filter(|other| other.name == method.name).count(), 1);
            let searcher = AnySearcher::by_name(method.name, &[2, 3], 1).unwrap();
            let saved = searcher.save().unwrap();
            let large = searcher.large(None).map(|(_, bytes)| bytes);
            let restored = AnySearcher::restore(&saved, large.as_deref(), method.name, &[2, 3]).unwrap();
            assert_eq!((restored.method(), restored.save().unwrap()), (method.name, saved));
        }
        assert!(AnySearcher::by_name("no such method", &[2, 3], 1).is_none());
    }
}
