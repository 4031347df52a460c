//! A one-layer LSTM that chooses one token after another, and the gradient of its choices, in double precision.
//!
//! Common prefixes are computed once: the sequences of a batch are a tree whose nodes are steps. This is the same sum
//! in another order, and as the controller converges most of the tree is one branch.

use super::super::softmax;

/// Sizes, and the offset of each tensor in the single vector of parameters.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Units.
    pub(super) units: usize,
    /// Alternatives of each choice.
    pub(super) sizes: Vec<usize>,
    /// Embedding of the previous token, `[1 + sum of sizes but the last][units]`; the first row is that of no token.
    embedding: usize,
    /// First token of each choice in the embedding.
    tokens: Vec<usize>,
    /// Input weights, `[units][4 * units]`: gates input, forget, candidate, output.
    input: usize,
    /// Recurrent weights, `[units][4 * units]`.
    recurrent: usize,
    /// Biases of gates, `[4 * units]`.
    bias: usize,
    /// For each choice, weights `[size][units]` and biases `[size]` of its logits.
    heads: Vec<usize>,
    /// Number of parameters.
    pub(super) len: usize,
}

impl Layout {
    pub(super) fn new(sizes: &[usize], units: usize) -> Self {
        let mut tokens = Vec::new();
        let mut token = 1;
        for &size in sizes {
            tokens.push(token);
            token += size;
        }
        let embedding = 0;
        let input = token * units;
        let recurrent = input + 4 * units * units;
        let bias = recurrent + 4 * units * units;
        let mut len = bias + 4 * units;
        let mut heads = Vec::new();
        for &size in sizes {
            heads.push(len);
            len += size * (units + 1);
        }
        Self { units, sizes: sizes.to_vec(), embedding, tokens, input, recurrent, bias, heads, len }
    }

    /// Number of possible input tokens.
    fn token_count(&self) -> usize {
        self.input / self.units
    }
}

/// A step of one or more sequences with a common prefix.
struct Node {
    step: usize,
    parent: Option<usize>,
    token: usize,
    /// Gates after their activations, `[4 * units]`.
    gates: Vec<f64>,
    cell: Vec<f64>,
    hidden: Vec<f64>,
    /// Probabilities of the alternatives.
    p: Vec<f64>,
    /// Nodes of the next step, by alternative.
    children: Vec<Option<usize>>,
}

/// The steps of a batch under given parameters.
pub(super) struct Tree<'a> {
    layout: &'a Layout,
    parameters: &'a [f64],
    /// Gates of each token without the recurrent part, computed on first use.
    projections: Vec<Option<Vec<f64>>>,
    nodes: Vec<Node>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(layout: &'a Layout, parameters: &'a [f64]) -> Self {
        Self { layout, parameters, projections: vec![None; layout.token_count()], nodes: Vec::new() }
    }

    /// The first node of a sequence, if there is any choice.
    pub(super) fn root(&mut self) -> Option<usize> {
        if self.nodes.is_empty() && !self.layout.sizes.is_empty() {
            self.add(0, None, 0);
        }
        (!self.nodes.is_empty()).then_some(0)
    }

    /// The node after `node` when `chosen` was chosen there; `None` after the last step.
    pub(super) fn next(&mut self, node: usize, chosen: usize) -> Option<usize> {
        let step = self.nodes[node].step;
        if step + 1 == self.layout.sizes.len() {
            return None;
        }
        if let Some(child) = self.nodes[node].children[chosen] {
            return Some(child);
        }
        let child = self.add(step + 1, Some(node), self.layout.tokens[step] + chosen);
        self.nodes[node].children[chosen] = Some(child);
        Some(child)
    }

    /// The probabilities of a node's alternatives.
    pub(super) fn probabilities(&self, node: usize) -> &[f64] {
        &self.nodes[node].p
    }

    /// The nodes of a sequence, in order.
    pub(super) fn path(&mut self, sequence: &[usize]) -> Vec<usize> {
        let mut path = Vec::with_capacity(sequence.len());
        let mut at = self.root();
        for &chosen in sequence {
            let Some(node) = at else { break };
            path.push(node);
            at = self.next(node, chosen);
        }
        path
    }

    fn add(&mut self, step: usize, parent: Option<usize>, token: usize) -> usize {
        let units = self.layout.units;
        let mut gates = self.projection(token);
        if let Some(parent) = parent {
            let weights = &self.parameters[self.layout.recurrent..];
            for (row, &hidden) in weights.chunks_exact(4 * units).zip(&self.nodes[parent].hidden) {
                add_scaled(&mut gates, hidden, row);
            }
        }
        for (at, gate) in gates.iter_mut().enumerate() {
            *gate = if at / units == 2 { gate.tanh() } else { 1.0 / (1.0 + (-*gate).exp()) };
        }
        let cell: Vec<f64> = (0..units)
            .map(|u| {
                let before = parent.map_or(0.0, |parent| self.nodes[parent].cell[u]);
                gates[units + u] * before + gates[u] * gates[2 * units + u]
            })
            .collect();
        let hidden: Vec<f64> = (0..units).map(|u| gates[3 * units + u] * cell[u].tanh()).collect();
        let size = self.layout.sizes[step];
        let head = &self.parameters[self.layout.heads[step]..][..size * (units + 1)];
        let (weights, biases) = head.split_at(size * units);
        let logits: Vec<f64> =
            weights.chunks_exact(units).zip(biases).map(|(row, bias)| dot(row, &hidden) + bias).collect();
        let children = vec![None; size];
        self.nodes.push(Node { step, parent, token, gates, cell, hidden, p: softmax(&logits), children });
        self.nodes.len() - 1
    }

    /// The contribution of a token to the gates, with the biases.
    fn projection(&mut self, token: usize) -> Vec<f64> {
        if let Some(known) = &self.projections[token] {
            return known.clone();
        }
        let Layout { units, embedding, input, bias, .. } = *self.layout;
        let mut gates = self.parameters[bias..bias + 4 * units].to_vec();
        let weights = self.parameters[input..].chunks_exact(4 * units);
        for (row, &value) in weights.zip(&self.parameters[embedding + token * units..][..units]) {
            add_scaled(&mut gates, value, row);
        }
        self.projections[token] = Some(gates.clone());
        gates
    }

    /// The gradient of a sum over nodes, given the gradient of each node's logits (one entry a node; empty means zero).
    pub(super) fn gradient(&self, logits: &[Vec<f64>]) -> Vec<f64> {
        let layout = self.layout;
        let units = layout.units;
        let mut gradient = vec![0.0; layout.len];
        let mut hidden_gradients = vec![vec![0.0; units]; self.nodes.len()];
        let mut cell_gradients = vec![vec![0.0; units]; self.nodes.len()];
        let mut by_token: Vec<Option<Vec<f64>>> = vec![None; layout.token_count()];
        // A node comes after its parent, so in reverse order the contributions of its children are complete.
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let mut d_hidden = std::mem::take(&mut hidden_gradients[at]);
            let d_logits = &logits[at];
            let size = layout.sizes[node.step];
            let head = layout.heads[node.step];
            for (alternative, &d) in d_logits.iter().enumerate() {
                let row = head + alternative * units;
                add_scaled(&mut d_hidden, d, &self.parameters[row..row + units]);
                add_scaled(&mut gradient[row..row + units], d, &node.hidden);
                gradient[head + size * units + alternative] += d;
            }
            let mut d_gates = vec![0.0; 4 * units];
            let mut d_before = vec![0.0; units];
            for u in 0..units {
                let (i, f, g, o) =
                    (node.gates[u], node.gates[units + u], node.gates[2 * units + u], node.gates[3 * units + u]);
                let squashed = node.cell[u].tanh();
                let d_cell = cell_gradients[at][u] + d_hidden[u] * o * (1.0 - squashed * squashed);
                let before = node.parent.map_or(0.0, |parent| self.nodes[parent].cell[u]);
                d_gates[u] = d_cell * g * i * (1.0 - i);
                d_gates[units + u] = d_cell * before * f * (1.0 - f);
                d_gates[2 * units + u] = d_cell * i * (1.0 - g * g);
                d_gates[3 * units + u] = d_hidden[u] * squashed * o * (1.0 - o);
                d_before[u] = d_cell * f;
            }
            if let Some(parent) = node.parent {
                let start = layout.recurrent;
                let rows = self.parameters[start..].chunks_exact(4 * units);
                let gradients = gradient[start..start + 4 * units * units].chunks_exact_mut(4 * units);
                for (u, (row, gradient)) in rows.zip(gradients).take(units).enumerate() {
                    hidden_gradients[parent][u] += dot(row, &d_gates);
                    add_scaled(gradient, self.nodes[parent].hidden[u], &d_gates);
                    cell_gradients[parent][u] += d_before[u];
                }
            }
            match &mut by_token[node.token] {
                Some(sum) => add_scaled(sum, 1.0, &d_gates),
                none => *none = Some(d_gates),
            }
        }
        for (token, d_gates) in by_token.iter().enumerate() {
            let Some(d_gates) = d_gates else { continue };
            add_scaled(&mut gradient[layout.bias..layout.bias + 4 * units], 1.0, d_gates);
            for u in 0..units {
                let row = layout.input + u * 4 * units;
                let value = self.parameters[layout.embedding + token * units + u];
                gradient[layout.embedding + token * units + u] += dot(&self.parameters[row..row + 4 * units], d_gates);
                add_scaled(&mut gradient[row..row + 4 * units], value, d_gates);
            }
        }
        gradient
    }

    /// Number of steps in the tree.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// `sum += factor * values`.
fn add_scaled(sum: &mut [f64], factor: f64, values: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

/// A dot product in eight partial sums, in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_parts, b_parts) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_parts.zip(b_parts) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// A function of all logits of all nodes of a batch, and its gradient with respect to them.
    fn loss(tree: &mut Tree<'_>, batch: &[Vec<usize>]) -> (f64, Vec<Vec<f64>>) {
        let paths: Vec<Vec<usize>> = batch.iter().map(|sequence| tree.path(sequence)).collect();
        let mut gradient: Vec<Vec<f64>> = tree.nodes.iter().map(|node| vec![0.0; node.p.len()]).collect();
        let mut sum = 0.0;
        for (number, (path, sequence)) in paths.iter().zip(batch).enumerate() {
            let weight = 1.0 - 0.7 * number as f64;
            for (&node, &chosen) in path.iter().zip(sequence) {
                let p = &tree.nodes[node].p;
                sum += weight * p[chosen].ln();
                for (at, (d, p)) in gradient[node].iter_mut().zip(p).enumerate() {
                    *d += weight * (f64::from(u8::from(at == chosen)) - p);
                }
            }
        }
        (sum, gradient)
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let layout = Layout::new(&[3, 2, 4, 1, 2], 9);
        let mut rng = Rng::new(3);
        let mut parameters: Vec<f64> = (0..layout.len).map(|_| rng.range(-0.8, 0.8)).collect();
        let batch = [vec![0, 1, 3, 0, 1], vec![0, 1, 2, 0, 0], vec![2, 0, 3, 0, 1], vec![0, 1, 3, 0, 1]];
        let gradient = {
            let mut tree = Tree::new(&layout, &parameters);
            let (_, logits) = loss(&mut tree, &batch);
            assert_eq!(tree.len(), 11, "common prefixes share their steps");
            tree.gradient(&logits)
        };
        let step = 1e-5;
        let mut largest = 0.0_f64;
        for at in 0..layout.len {
            let mut value = |change: f64| {
                let before = parameters[at];
                parameters[at] = before + change;
                let (value, _) = loss(&mut Tree::new(&layout, &parameters), &batch);
                parameters[at] = before;
                value
            };
            let numeric = (value(step) - value(-step)) / (2.0 * step);
            assert!((numeric - gradient[at]).abs() < 1e-7, "parameter {at}: {} is not {numeric}", gradient[at]);
            largest = largest.max(numeric.abs());
        }
        assert!(largest > 0.1, "the gradient vanishes");
    }
}
