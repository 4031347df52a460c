//! Whether accuracy ranks networks at all, before anything is ranked by it.

use super::candidate::{key, within};
use super::kept::{Seen, seed};
use super::{Search, SearchError};
use crate::findings::{NOISE, RANKING, RankedNetwork, Ranking};
use crate::job::{Job, Purpose};
use crate::noise::Noise;
use crate::rng::Rng;
use mnas_dsl::{Network, Spec};
use std::collections::BTreeMap;

/// Candidates are drawn until there are so many times as many as are wanted.
const CHOICE: usize = 8;

/// At most so many are drawn for each that is wanted.
const PATIENCE: usize = 1_000;

/// Makes seeds of this other than those of trials.
const SALT: u64 = 0x5241_4e4b_494e_4731;

/// A candidate.
type Candidate = (Vec<usize>, Option<(Spec, Network)>);

impl Search<'_> {
    /// Looks whether accuracy ranks networks, where the study was begun so and it is not known yet. `seen` is told how many
    /// results there are, and of how many. What was found before an interruption is not looked for again.
    ///
    /// # Errors
    ///
    /// What stopped it.
    pub fn check_ranking(&mut self, seen: &mut dyn FnMut(usize, usize)) -> Result<(), SearchError> {
        let settings = self.study.settings().clone();
        let Some(count) = settings.ranking else { return Ok(()) };
        if self.ranking()?.is_some() {
            return Ok(());
        }
        let networks = self.spread(count as usize)?;
        let job = |number: usize| {
            let (choices, network) = &networks[number / 2];
            Job {
                id: Purpose::Ranking.id(number as u64),
                trial: number as u64,
                purpose: Purpose::Ranking,
                rung: 0,
                spec: network.as_ref().map_or(String::new(), |(spec, _)| spec.to_yaml()),
                choices: choices.clone(),
                seed: seed(settings.seed, SALT, number),
                evaluator: settings.evaluator.clone(),
                budget: settings.budget,
                needs: self.needs(),
            }
        };
        let name = |number: usize| format!("{RANKING}/{}/{}", number / 2, number % 2);
        let jobs: Vec<Job> = (0..2 * networks.len()).map(job).collect();
        let results = self.judge_once(&jobs, &name, seen)?;
        self.rank(&networks, results)
    }

    /// What was found about the ranking, if anything was.
    ///
    /// # Errors
    ///
    /// A study that cannot be read.
    pub fn ranking(&self) -> Result<Option<Ranking>, SearchError> {
        Ok(self.study.finding(RANKING)?)
    }

    fn rank(&mut self, networks: &[Candidate], results: Vec<Seen>) -> Result<(), SearchError> {
        let (mut ranked, mut failed) = (Vec::new(), None);
        let mut results = results.into_iter();
        for (choices, network) in networks {
            let spec = network.as_ref().map_or(String::new(), |(spec, _)| spec.to_yaml());
            let mut it = RankedNetwork { spec, accuracies: vec![], curves: vec![], choices: choices.clone() };
            for result in results.by_ref().take(2) {
                match result {
                    Seen::Done(evaluation) => {
                        it.accuracies.push(evaluation.accuracy);
                        it.curves.push(evaluation.epochs);
                    }
                    Seen::Failed(message) => failed = Some(message),
                }
            }
            if it.accuracies.len() == 2 {
                ranked.push(it);
            }
        }
        match (Ranking::of(ranked, self.study.settings().budget.epochs), failed) {
            (Some(ranking), _) => {
                self.study.set_finding(RANKING, &ranking)?;
                self.noise = Noise::of(Some(&ranking), self.study.finding(NOISE)?.as_ref());
                Ok(())
            }
            (None, Some(message)) => Err(SearchError::Evaluator(format!(
                "too many of the networks failed by which it was to be seen whether accuracy ranks; the last one: {message}"
            ))),
            // A space of two members: there is nothing to rank.
            (None, None) => Ok(()),
        }
    }

    /// So many different candidates from the smallest to the largest that were drawn.
    fn spread(&self, count: usize) -> Result<Vec<Candidate>, SearchError> {
        let settings = self.study.settings();
        let mut rng = Rng::new(settings.seed ^ SALT);
        let mut drawn: BTreeMap<(u64, String), Candidate> = BTreeMap::new();
        for _ in 0..PATIENCE * count {
            if drawn.len() >= CHOICE * count {
                break;
            }
            let choices = rng.indices(&settings.sizes);
            let network = match self.space {
                None => None,
                Some(space) => {
                    let Ok(member) = within(space, &choices)? else { continue };
                    Some(member)
                }
            };
            let size = network.as_ref().map_or(0, |(_, network)| network.macs());
            drawn.entry((size, key(&network, &choices))).or_insert((choices, network));
        }
        let all: Vec<Candidate> = drawn.into_values().collect();
        if all.len() <= count || count < 2 {
            return Ok(all);
        }
        let wanted: Vec<usize> = (0..count).map(|at| at * (all.len() - 1) / (count - 1)).collect();
        Ok(all.into_iter().enumerate().filter(|(at, _)| wanted.contains(at)).map(|(_, it)| it).collect())
    }
}
