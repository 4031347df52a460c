//! A study as a journal of Optuna, which its dashboard opens: one line of JSON for each operation.
//!
//! The journal has two studies. The first has the reward, which is maximised, with the accuracies of the epochs as
//! intermediate values. Where latencies are known, the second has accuracy and latency; its best trials are the Pareto
//! front.

use crate::study::{Settings, State, Trial};
use mnas_dsl::Space;
use serde_json::{Map, Value, json};

/// Operations of the journal.
const CREATE_STUDY: u8 = 0;
const SET_STUDY_USER_ATTR: u8 = 2;
const CREATE_TRIAL: u8 = 4;

/// Directions of an objective.
const MINIMISE: u8 = 1;
const MAXIMISE: u8 = 2;

/// States of a trial.
const COMPLETE: u8 = 1;
const FAIL: u8 = 3;

/// Studies keep no times, so that equal searches are equal files; Optuna requires some.
const MOMENT: &str = "2000-01-01T00:00:00.000000+00:00";

/// The journal of a study named `name`. Choices have the names of `space`, or numbers without a space.
pub fn journal(name: &str, settings: &Settings, trials: &[Trial], space: Option<&Space>) -> String {
    let mut lines = vec![study(name, &[MAXIMISE]), attribute(0, "method", json!(settings.method))];
    lines.push(attribute(0, "reward", json!(settings.reward_in_words(trials))));
    lines.push(attribute(0, "seed", json!(settings.seed)));
    for trial in trials {
        let value = trial.reward.map(|reward| vec![reward]);
        let intermediate = trial.epochs.iter().enumerate().map(|(at, value)| (at.to_string(), json!(value)));
        lines.push(record(0, trial, value, intermediate.collect(), settings, space));
    }
    if trials.iter().any(|trial| trial.latency.is_some()) {
        lines.push(study(&format!("{name}: accuracy and latency"), &[MAXIMISE, MINIMISE]));
        for trial in trials {
            let values = trial.point().map(|(accuracy, latency)| vec![accuracy, latency]);
            lines.push(record(1, trial, values, Map::new(), settings, space));
        }
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

fn study(name: &str, directions: &[u8]) -> Value {
    json!({"op_code": CREATE_STUDY, "worker_id": "mnas", "study_name": name, "directions": directions})
}

fn attribute(study: u8, key: &str, value: Value) -> Value {
    json!({"op_code": SET_STUDY_USER_ATTR, "worker_id": "mnas", "study_id": study, "user_attr": {key: value}})
}

fn record(
    study: u8,
    trial: &Trial,
    values: Option<Vec<f64>>,
    intermediate: Map<String, Value>,
    settings: &Settings,
    space: Option<&Space>,
) -> Value {
    let mut params = Map::new();
    let mut distributions = Map::new();
    for (at, &chosen) in trial.choices.iter().enumerate() {
        let choice = space.and_then(|space| space.choices().get(at));
        let name = choice.map_or_else(|| format!("choice {at}"), |choice| choice.path.clone());
        let alternatives = match choice {
            Some(choice) => json!(choice.alternatives),
            None => json!((0..settings.sizes.get(at).copied().unwrap_or(0)).collect::<Vec<_>>()),
        };
        let distribution = json!({"name": "CategoricalDistribution", "attributes": {"choices": alternatives}});
        params.insert(name.clone(), json!(chosen));
        distributions.insert(name, json!(distribution.to_string()));
    }
    let is_complete = trial.state == State::Done && values.is_some();
    let (value, values) = match values.filter(|_| is_complete) {
        Some(values) if values.len() == 1 => (json!(values[0]), Value::Null),
        Some(values) => (Value::Null, json!(values)),
        None => (Value::Null, Value::Null),
    };
    json!({
        "op_code": CREATE_TRIAL,
        "worker_id": "mnas",
        "study_id": study,
        "datetime_start": MOMENT,
        "datetime_complete": MOMENT,
        "state": if is_complete { COMPLETE } else { FAIL },
        "value": value,
        "values": values,
        "params": params,
        "distributions": distributions,
        "user_attrs": attributes(trial),
        "system_attrs": {},
        "intermediate_values": intermediate,
    })
}

fn attributes(trial: &Trial) -> Value {
    json!({
        "accuracy": trial.accuracy,
        "latency_ms": trial.latency.map(|it| it.ms),
        "latency_interval": trial.latency.map(|it| [it.low, it.high]),
        "latency_is_stable": trial.latency.map(|it| it.is_stable),
        "parameters": trial.parameters,
        "macs": trial.macs,
        "spec": trial.spec,
        "same_as": trial.same_as,
        "rung": trial.rung,
        "of": trial.of,
        "epochs": trial.budget.epochs,
        "message": trial.message,
    })
}
