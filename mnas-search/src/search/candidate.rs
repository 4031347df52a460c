//! Candidates within the limits of the space.

use super::{Search, SearchError};
use crate::limits;
use crate::searcher::{Outcome, Searcher as _};
use crate::study::StudyError;
use mnas_dsl::{Network, Space, Spec};

/// Candidates in a row that may exceed a limit before the search gives up.
const PATIENCE: u64 = 10_000;

/// A candidate within the limits.
pub(super) struct Candidate {
    pub(super) choices: Vec<usize>,
    pub(super) rejected: u64,
    pub(super) network: Option<(Spec, Network)>,
    pub(super) key: String,
}

impl Search<'_> {
    pub(super) fn member(&self, choices: &[usize]) -> Result<Option<(Spec, Network)>, SearchError> {
        match self.space {
            None => Ok(None),
            Some(space) => space.member(choices).map(Some).map_err(|error| SearchError::Input(error.to_string())),
        }
    }

    /// The next candidate that is a network within the limits.
    pub(super) fn ask(&mut self) -> Result<Candidate, SearchError> {
        let mut why = String::new();
        for rejected in 0..PATIENCE {
            let choices = self.searcher.ask();
            let sizes = &self.study.settings().sizes;
            if choices.len() != sizes.len() || choices.iter().zip(sizes).any(|(at, size)| at >= size) {
                let path = self.study.path().display();
                let said = format!("`{path}` is damaged: the searcher proposed a choice that does not exist");
                return Err(StudyError::Damaged(said).into());
            }
            let Some(space) = self.space else {
                let key = key(&None, &choices);
                return Ok(Candidate { choices, rejected, network: None, key });
            };
            match within(space, &choices)? {
                Ok(network) => {
                    let network = Some(network);
                    let key = key(&network, &choices);
                    return Ok(Candidate { choices, rejected, network, key });
                }
                Err(over) => why = over,
            }
            let worthless = Outcome { reward: f64::NEG_INFINITY, accuracy: 0.0, latency_ms: None };
            self.searcher.tell(&choices, &worthless);
        }
        Err(SearchError::Input(format!("{PATIENCE} candidates in a row exceed the limits; the last one: {why}")))
    }
}

/// The network of a candidate that is within the space's limits, or the limit that it exceeds.
pub(super) fn within(space: &Space, choices: &[usize]) -> Result<Result<(Spec, Network), String>, SearchError> {
    // Alternatives that do not form a network exceed a limit of the language.
    let (spec, network) = match space.member(choices) {
        Ok(member) => member,
        Err(mistakes) => return Ok(Err(mistakes.to_string())),
    };
    let over = limits::exceeded(&spec, &network, space.limits());
    let over = over.map_err(|error| SearchError::Input(error.to_string()))?;
    Ok(over.map_or(Ok((spec, network)), Err))
}

/// Equal for equal networks, different for others.
pub(super) fn key(network: &Option<(Spec, Network)>, choices: &[usize]) -> String {
    network.as_ref().map_or_else(|| format!("{choices:?}"), |(_, network)| mnas_dsl::space::key(network))
}
