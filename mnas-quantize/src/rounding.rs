//! Weights that reproduce the float layer's outputs on the inputs that the int8 network really has.
//!
//! Rounding each weight to the nearest integer minimises the error of the weights, not of the outputs. Here weights are
//! rounded one after the other, and what each rounding does to the outputs is taken back by the weights that are not
//! rounded yet, by the covariance of the inputs: Frantar et al., "GPTQ", 2022, after "Optimal Brain Surgeon", 1993.
//! Before that the weights become the least-squares fit of the float outputs on the rounded inputs, which takes back errors
//! of the layers before. Both follow the samples only as far as there are enough of them: the fewer independent samples a
//! weight has, the more the covariance is drawn to its diagonal and the fit to the float weights.

use crate::linear_algebra::{Matrix, cholesky, inverse, upper_of_inverse};

/// Inputs and outputs of a layer at some pixels: moments only, so memory does not grow with the number of samples.
pub(crate) struct Moments {
    inputs: usize,
    outputs: usize,
    count: f64,
    mean_x: Vec<f64>,
    mean_y: Vec<f64>,
    /// Sum of `x x^T`.
    xx: Matrix,
    /// Sum of `x y^T`.
    xy: Matrix,
}

/// Longest reduction that is solved: the work grows with its cube.
pub(crate) const MOST_INPUTS: usize = 1600;
/// Share of the mean variance that is added to every variance.
const RIDGE: f64 = 0.01;

impl Moments {
    pub(crate) fn new(inputs: usize, outputs: usize) -> Self {
        let (xx, xy) = (Matrix::zeros(inputs, inputs), Matrix::zeros(inputs, outputs));
        Moments { inputs, outputs, count: 0.0, mean_x: vec![0.0; inputs], mean_y: vec![0.0; outputs], xx, xy }
    }

    /// Adds a sample: the inputs in units of the input's byte, and the float outputs without the bias or with it.
    pub(crate) fn add(&mut self, x: &[f64], y: impl Fn(usize) -> f64) {
        self.count += 1.0;
        for (i, &a) in x.iter().enumerate() {
            if a == 0.0 {
                continue;
            }
            self.mean_x[i] += a;
            for (sum, b) in self.xx.row_mut(i).iter_mut().zip(x) {
                *sum += a * b;
            }
            for (o, sum) in self.xy.row_mut(i).iter_mut().enumerate() {
                *sum += a * y(o);
            }
        }
        (0..self.outputs).for_each(|o| self.mean_y[o] += y(o));
    }

    /// The covariance of the inputs with a ridge, and the ridge of each; `None` where the inputs do not vary.
    fn covariance(&self, independent: f64) -> Option<(Matrix, Vec<f64>)> {
        let mut covariance = self.xx.clone();
        for i in 0..self.inputs {
            for j in 0..self.inputs {
                let sum = covariance.row(i)[j];
                covariance.row_mut(i)[j] = (sum - self.mean_x[i] * self.mean_x[j] / self.count) / self.count;
            }
        }
        let variance: f64 = (0..self.inputs).map(|i| covariance.row(i)[i]).sum::<f64>() / self.inputs as f64;
        let share = self.inputs as f64 / independent;
        let ridge: Vec<f64> = (0..self.inputs).map(|i| RIDGE * variance + share * covariance.row(i)[i]).collect();
        ridge.iter().enumerate().for_each(|(i, ridge)| covariance.row_mut(i)[i] += ridge);
        (variance > 0.0).then_some((covariance, ridge))
    }

    /// Rounds filters (one row of `weights` an output, real values for an input of 1); returns integers and scales.
    /// `independent` is the number of samples that do not depend on each other.
    ///
    /// `None` where the samples say nothing.
    pub(crate) fn round(
        &self,
        weights: &[Vec<f64>],
        most: f64,
        least_scale: &[f64],
        independent: f64,
    ) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
        let (covariance, ridge) = self.covariance(independent)?;
        let lower = cholesky(&covariance)?;
        let fitted: Vec<Vec<f64>> = (0..self.outputs).map(|o| self.fit(&lower, &weights[o], o, &ridge)).collect();
        let upper = upper_of_inverse(&inverse(&lower))?;
        let diagonal: Vec<f64> = (0..self.inputs).map(|i| covariance.row(i)[i]).collect();
        let mut integers = Vec::with_capacity(self.outputs);
        let mut scales = Vec::with_capacity(self.outputs);
        for (filter, &least) in fitted.iter().zip(least_scale) {
            let scale = f64::from(scale_of(filter, &diagonal, most).max(least) as f32);
            let mut filter = filter.clone();
            let mut rounded = vec![0.0; self.inputs];
            for i in 0..self.inputs {
                rounded[i] = (filter[i] / scale).round_ties_even().clamp(-most, most);
                let error = (filter[i] - rounded[i] * scale) / upper.row(i)[i];
                for (weight, share) in filter[i + 1..].iter_mut().zip(&upper.row(i)[i + 1..]) {
                    *weight -= error * share;
                }
            }
            integers.push(rounded);
            scales.push(scale);
        }
        Some((integers, scales))
    }

    /// The weights whose outputs are nearest to the float ones, drawn to the float weights by the ridge.
    fn fit(&self, lower: &Matrix, weight: &[f64], o: usize, ridge: &[f64]) -> Vec<f64> {
        let right: Vec<f64> = (0..self.inputs)
            .map(|i| {
                let covariance = (self.xy.row(i)[o] - self.mean_x[i] * self.mean_y[o] / self.count) / self.count;
                covariance + ridge[i] * weight[i]
            })
            .collect();
        crate::linear_algebra::solve(lower, right)
    }
}

/// The scale with the least squared error of rounding and clipping, each weight weighted by its input's variance.
fn scale_of(filter: &[f64], diagonal: &[f64], most: f64) -> f64 {
    let largest = filter.iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
    let whole = (largest / most).max(f64::from(f32::MIN_POSITIVE));
    let error = |scale: f64| -> f64 {
        let each = filter.iter().zip(diagonal);
        each.map(|(w, d)| d * (w - (w / scale).round_ties_even().clamp(-most, most) * scale).powi(2)).sum()
    };
    let tried = (0..=12).map(|step| whole * (1.0 - 0.025 * f64::from(step)));
    tried.map(|scale| (error(scale), scale)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(whole, |best| best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs that depend on each other, so that errors can be taken back.
    fn samples() -> Vec<Vec<f64>> {
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        (0..500)
            .map(|_| {
                let common = random() * 200.0;
                (0..6).map(|_| common + random() * 20.0).collect()
            })
            .collect()
    }

    #[test]
    fn outputs_are_nearer_than_with_the_nearest_weights() {
        // Few levels, so that rounding matters.
        let most = 7.0;
        let weights = vec![vec![0.31, -0.22, 0.47, 0.05, -0.39, 0.13], vec![1.0, 0.0, 0.0, -1.0, 0.11, 0.52]];
        let samples = samples();
        let output = |w: &[f64], x: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let mut moments = Moments::new(6, 2);
        for x in &samples {
            moments.add(x, |o| output(&weights[o], x));
        }
        let (integers, scales) = moments.round(&weights, most, &[0.0; 2], 500.0).unwrap();
        for o in 0..2 {
            let near_scale = weights[o].iter().fold(0.0, |m: f64, w| m.max(w.abs())) / most;
            let near: Vec<f64> = weights[o].iter().map(|w| (w / near_scale).round() * near_scale).collect();
            let solved: Vec<f64> = integers[o].iter().map(|q| q * scales[o]).collect();
            assert!(integers[o].iter().all(|q| q.abs() <= most && q.fract() == 0.0));
            // A bias takes the mean of an error back.
            let error = |w: &[f64]| {
                let errors: Vec<f64> = samples.iter().map(|x| output(w, x) - output(&weights[o], x)).collect();
                let mean = errors.iter().sum::<f64>() / errors.len() as f64;
                errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>()
            };
            assert!(error(&solved) < 0.75 * error(&near), "{o}: {} {}", error(&solved), error(&near));
        }
    }

    #[test]
    fn constant_inputs_say_nothing() {
        let mut moments = Moments::new(2, 1);
        (0..10).for_each(|_| moments.add(&[3.0, 4.0], |_| 1.0));
        assert!(moments.round(&[vec![1.0, 2.0]], 127.0, &[0.0], 10.0).is_none());
    }
}
