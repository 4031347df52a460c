//! Candidates within the limits of the space.

use super::{Search, SearchError};
use crate::limits;
use crate::searcher::{Outcome, Searcher as _};
use crate::study::StudyError;
use mnas_dsl::{Network, Space, Spec};

/// Candidates in a row that may be over a limit.
const PATIENCE: u64 = 10_000;

/// A candidate that may be judged.
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
                let said = format!("`{path}` is damaged: what searches asks for alternatives that there are not");
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
        Err(SearchError::Input(format!("{PATIENCE} candidates in a row are over the limits; the last one: {why}")))
    }
}

/// A member that is within the space's limits, or the limit that it is over.
pub(super) fn within(space: &Space, choices: &[usize]) -> Result<Result<(Spec, Network), String>, SearchError> {
    // What is no network together is over a limit of the language.
    let (spec, network) = match space.member(choices) {
        Ok(member) => member,
        Err(mistakes) => return Ok(Err(mistakes.to_string())),
    };
    let over = limits::exceeded(&spec, &network, space.limits());
    let over = over.map_err(|error| SearchError::Input(error.to_string()))?;
    Ok(over.map_or(Ok((spec, network)), Err))
}

/// What equal networks have in common, and no others.
pub(super) fn key(network: &Option<(Spec, Network)>, choices: &[usize]) -> String {
    network.as_ref().map_or_else(|| format!("{choices:?}"), |(_, network)| mnas_dsl::space::key(network))
}
