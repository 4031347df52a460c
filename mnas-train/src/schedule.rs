//! The learning rate of each step.

use crate::recipe::{Recipe, Schedule};

/// The learning rate of step `step` of `steps`, `per_epoch` of them an epoch.
pub(crate) fn learning_rate(recipe: &Recipe, step: usize, steps: usize, per_epoch: usize) -> f64 {
    let epoch = step as f64 / per_epoch as f64;
    if epoch < recipe.warm_up {
        // The rate of the first step is not 0.
        let rise = (recipe.warm_up * per_epoch as f64).ceil();
        return recipe.learning_rate * ((step + 1) as f64 / rise).min(1.0);
    }
    recipe.learning_rate
        * match recipe.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let before = recipe.warm_up * per_epoch as f64;
                let part = (step as f64 - before) / (steps as f64 - before).max(1.0);
                0.5 * (1.0 + (std::f64::consts::PI * part.clamp(0.0, 1.0)).cos())
            }
            Schedule::Exponential { factor, every } => factor.powf(((epoch - recipe.warm_up) / every).floor()),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_worked_out_by_hand() {
        let paper = Recipe::paper();
        let rate = |step| learning_rate(&paper, step, 35_000, 100);
        // Five epochs of a hundred steps to 0.256.
        assert!((rate(249) - 0.128).abs() < 1e-12);
        assert!((rate(499) - 0.256).abs() < 1e-12);
        assert!((rate(739) - 0.256).abs() < 1e-12);
        // 2.4 epochs later.
        assert!((rate(740) - 0.256 * 0.97).abs() < 1e-12);
        assert!((rate(500 + 10 * 240) - 0.256 * 0.97_f64.powi(10)).abs() < 1e-12);
        let cosine = Recipe { learning_rate: 0.2, warm_up: 0.0, schedule: Schedule::Cosine, ..Recipe::default() };
        let rate = |step| learning_rate(&cosine, step, 100, 10);
        assert!((rate(0) - 0.2).abs() < 1e-12);
        assert!((rate(50) - 0.1).abs() < 1e-12);
        assert!(rate(99) > 0.0 && rate(99) < 1e-3);
    }
}
