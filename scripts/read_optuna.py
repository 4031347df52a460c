#!/usr/bin/env python3
"""Reads a journal with Optuna and prints what it found in it as JSON: see mnasc/tests/cli/search.rs."""

import json
import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


def main():
    storage = JournalStorage(JournalFileBackend(sys.argv[1]))
    found = {}
    for name in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=name, storage=storage)
        best = study.best_trials if len(study.directions) > 1 else [t for t in study.trials if t.value == study.best_value]
        found[name] = {
            "directions": [direction.name for direction in study.directions],
            "best": [trial.number for trial in best],
            "trials": [
                {
                    "state": trial.state.name,
                    "values": trial.values,
                    "params": trial.params,
                    "intermediate": trial.intermediate_values,
                    "user_attrs": trial.user_attrs,
                }
                for trial in study.trials
            ],
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
