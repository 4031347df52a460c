//! Searchers with an ask-and-tell interface: `ask` proposes a candidate, `tell` reports its outcome. A searcher knows
//! only the number of alternatives of each choice.
//!
//! Several candidates may be proposed before the first outcome. The behaviour of a searcher follows from its state and
//! the outcomes alone: a saved searcher that is restored continues bit for bit.

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

/// The outcome of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The reward, which searchers with one objective maximise.
    pub reward: f64,
    /// The accuracy, from 0 to 1.
    pub accuracy: f64,
    /// Milliseconds of an inference, where known.
    pub latency_ms: Option<f64>,
}

impl Outcome {
    /// Whether it can be learnt from: the reward of a failed trial is not finite.
    pub fn is_usable(&self) -> bool {
        self.reward.is_finite() && self.accuracy.is_finite() && self.latency_ms.is_none_or(f64::is_finite)
    }
}

/// A search method.
pub trait Searcher {
    /// Proposes the next candidate: an index for each choice.
    fn ask(&mut self) -> Vec<usize>;

    /// Reports the outcome of a candidate. The reward of a candidate that failed is not finite.
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
    restore: fn(&str) -> Restored,
}

/// A state that was saved; `None` where the text has none.
type Restored = serde_json::Result<Option<Box<dyn State>>>;

/// All kinds of searchers.
pub const METHODS: &[Method] =
    &[evolution::METHOD, nsga2::METHOD, controller::METHOD, reinforce::METHOD, random::METHOD];

/// The method of this name.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// [`Method::restore`] of a searcher: the text is what [`AnySearcher::save`] gives. `None` where it has no state.
fn restore<S: State + DeserializeOwned + 'static>(saved: &str) -> Restored {
    let states: BTreeMap<String, S> = serde_json::from_str(saved)?;
    Ok(states.into_values().next().map(|state| Box::new(state) as Box<dyn State>))
}

/// The largest size of a population or batch.
const MOST: usize = 1 << 20;

/// Checks the part that all states have.
fn check_common(of: &[usize], sizes: &[usize], rng: &crate::rng::Rng) -> Result<(), &'static str> {
    if of != sizes {
        return Err("it has other choices than the study");
    }
    if rng.is_stuck() { Err("its random generator is stuck") } else { Ok(()) }
}

/// Whether a candidate has a valid alternative for each choice.
fn is_candidate(candidate: &[usize], sizes: &[usize]) -> bool {
    candidate.len() == sizes.len() && candidate.iter().zip(sizes).all(|(at, size)| at < size)
}

/// Checks that all candidates lie in the space, and that all their rewards are finite.
fn check_candidates<'a>(
    candidates: impl IntoIterator<Item = (&'a Vec<usize>, f64)>,
    sizes: &[usize],
) -> Result<(), &'static str> {
    let is_wrong = |(candidate, value): (&Vec<usize>, f64)| !is_candidate(candidate, sizes) || !value.is_finite();
    if candidates.into_iter().any(is_wrong) { Err("a candidate lies outside the search space") } else { Ok(()) }
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
    /// If a choice has no alternative.
    pub fn by_name(name: &str, sizes: &[usize], seed: u64) -> Option<Self> {
        assert!(sizes.iter().all(|&size| size > 0), "each choice needs an alternative");
        method(name).map(|it| Self { method: it.name, state: (it.new)(sizes.to_vec(), seed) })
    }

    /// The state without its large part: `{"METHOD": STATE}`.
    ///
    /// # Errors
    ///
    /// The state cannot be written as text, which is an error in a searcher.
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
    /// The text is not a state of such a searcher: a study may come from anyone.
    pub fn restore(saved: &str, large: Option<&[u8]>, name: &str, sizes: &[usize]) -> Result<Self, String> {
        let tagged: BTreeMap<String, IgnoredAny> = serde_json::from_str(saved).map_err(|error| error.to_string())?;
        if let Some(other) = tagged.keys().find(|tag| *tag != name) {
            return Err(format!(
                "the study uses the method `{name}`, and the saved state is of `{}`",
                printable(other)
            ));
        }
        let method = method(name).ok_or_else(|| format!("unknown search method `{}`", printable(name)))?;
        let state = (method.restore)(saved).map_err(|error| error.to_string())?;
        let mut state = state.ok_or("the state of the searcher is missing")?;
        state.check(sizes).map_err(|what| format!("invalid searcher state: {what}"))?;
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

/// Changes one choice to another of its alternatives, if any choice has two.
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
