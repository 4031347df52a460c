//! Optimizer steps, tensor by tensor.

use crate::recipe::Optimizer;

/// The optimizer's state for a tensor.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    optimizer: Optimizer,
    velocity: Vec<f32>,
    /// Moving averages of the squared gradients.
    squares: Vec<f32>,
}

impl Steps {
    /// The initial state for a tensor of `len` values.
    pub(crate) fn new(optimizer: Optimizer, len: usize) -> Self {
        let squares = match optimizer {
            Optimizer::Sgd { .. } => Vec::new(),
            Optimizer::RmsProp { .. } => vec![1.0; len],
        };
        Self { optimizer, velocity: vec![0.0; len], squares }
    }

    /// Takes a step with this tensor's `weight_decay`.
    pub(crate) fn step(&mut self, values: &mut [f32], gradient: &[f32], rate: f64, weight_decay: f64) {
        let (rate, weight_decay) = (rate as f32, weight_decay as f32);
        let values = values.iter_mut().zip(gradient).zip(&mut self.velocity);
        match self.optimizer {
            Optimizer::Sgd { momentum } => {
                let momentum = momentum as f32;
                for ((value, gradient), velocity) in values {
                    *velocity = momentum * *velocity + gradient + weight_decay * *value;
                    *value -= rate * *velocity;
                }
            }
            Optimizer::RmsProp { decay, momentum, epsilon } => {
                let (decay, momentum, epsilon) = (decay as f32, momentum as f32, epsilon as f32);
                for (((value, gradient), velocity), square) in values.zip(&mut self.squares) {
                    let gradient = gradient + weight_decay * *value;
                    *square = decay * *square + (1.0 - decay) * gradient * gradient;
                    *velocity = momentum * *velocity + rate * gradient / (*square + epsilon).sqrt();
                    *value -= *velocity;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps from 1 with the gradients 2 and 1 and a rate of 0.1, worked out by hand.
    fn two_steps(optimizer: Optimizer, weight_decay: f64) -> f32 {
        let (mut steps, mut value) = (Steps::new(optimizer, 1), [1.0]);
        steps.step(&mut value, &[2.0], 0.1, weight_decay);
        steps.step(&mut value, &[1.0], 0.1, weight_decay);
        value[0]
    }

    #[test]
    fn steps_are_those_worked_out_by_hand() {
        // 1 - 0.2 = 0.8; velocity 0.9 * 2 + 1 = 2.8.
        assert!((two_steps(Optimizer::SGD, 0.0) - 0.52).abs() < 1e-6);
        // Velocity 2.5, 0.75; velocity 0.9 * 2.5 + 1 + 0.375.
        assert!((two_steps(Optimizer::SGD, 0.5) - (0.75 - 0.3625)).abs() < 1e-6);
        // Mean squares 0.9 + 0.4 = 1.3 and 1.17 + 0.1 = 1.27.
        let first = 0.2 / 1.301_f32.sqrt();
        let second = 0.9 * first + 0.1 / 1.271_f32.sqrt();
        assert!((two_steps(Optimizer::RMS_PROP, 0.0) - (1.0 - first - second)).abs() < 1e-6);
    }
}
