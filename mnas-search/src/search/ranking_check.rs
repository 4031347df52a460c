//! Checks whether accuracy ranks networks at all, before anything is ranked by it.

use super::candidate::{key, within};
use super::result_cache::{JobResult, seed};
use super::{Search, SearchError};
use crate::findings::{NOISE, RANKING, RankedNetwork, Ranking};
use crate::job::{Job, Purpose};
use crate::noise::Noise;
use crate::rng::Rng;
use mnas_dsl::{Network, Spec};
use std::collections::BTreeMap;

/// The number of candidates that are drawn for each network of the check.
const CHOICE: usize = 8;

/// The largest number of draws for each network of the check.
const PATIENCE: usize = 1_000;

/// Separates these seeds from those of trials.
const SALT: u64 = 0x5241_4e4b_494e_4731;

/// A candidate.
type Candidate = (Vec<usize>, Option<(Spec, Network)>);

impl Search<'_> {
    /// Checks whether accuracy ranks networks, where the settings say so and it is unknown. `progress` is called with
    /// the number of results and of jobs. Results from before an interruption are reused.
    ///
    /// # Errors
    ///
    /// The reason why the search stopped.
    pub fn check_ranking(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<(), SearchError> {
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
        let results = self.evaluate_cached(&jobs, &name, progress)?;
        self.rank(&networks, results)
    }

    /// The result of the check, where there is one.
    ///
    /// # Errors
    ///
    /// The study cannot be read.
    pub fn ranking(&self) -> Result<Option<Ranking>, SearchError> {
        Ok(self.study.finding(RANKING)?)
    }

    fn rank(&mut self, networks: &[Candidate], results: Vec<JobResult>) -> Result<(), SearchError> {
        let (mut ranked, mut failed) = (Vec::new(), None);
        let mut results = results.into_iter();
        for (choices, network) in networks {
            let spec = network.as_ref().map_or(String::new(), |(spec, _)| spec.to_yaml());
            let mut it = RankedNetwork { spec, accuracies: vec![], curves: vec![], choices: choices.clone() };
            for result in results.by_ref().take(2) {
                match result {
                    JobResult::Done(evaluation) => {
                        it.accuracies.push(evaluation.accuracy);
                        it.curves.push(evaluation.epochs);
                    }
                    JobResult::Failed(message) => failed = Some(message),
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
                "too many networks of the check whether accuracy ranks failed; the last one: {message}"
            ))),
            // A space of two members has no ranking.
            (None, None) => Ok(()),
        }
    }

    /// `count` different candidates, evenly from the smallest to the largest of those that were drawn.
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
