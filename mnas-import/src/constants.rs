//! Arithmetic on constants that exporters leave in a file: shapes, and pads that are computed from them.

use crate::attributes::Attributes;
use crate::tensor::{MAX_SMALL, Small};

/// The result of an operator whose operands are all known; `None` for other operators and where it cannot be computed.
pub(crate) fn evaluate(op_type: &str, attributes: &Attributes, inputs: &[Option<&Small>]) -> Option<Small> {
    let input = |index: usize| inputs.get(index).copied().flatten();
    let first = input(0)?;
    match op_type {
        "Identity" => Some(first.clone()),
        "Cast" => {
            let is_int = !matches!(attributes.int("to", 1).ok()?, 1 | 10 | 11 | 16);
            Some(map(first, is_int, |it| if is_int { it.trunc() } else { it }))
        }
        "Ceil" => Some(map(first, first.is_int, f64::ceil)),
        "Floor" => Some(map(first, first.is_int, f64::floor)),
        "Neg" => Some(map(first, first.is_int, |it| -it)),
        "Clip" => {
            let bound = |index: usize, name: &str, default: f32| match input(index) {
                Some(bound) => bound.scalar(),
                None => Some(f64::from(attributes.float(name, default).ok()?)),
            };
            let (low, high) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
            Some(map(first, first.is_int, |it| it.max(low).min(high)))
        }
        "Add" => zip(first, input(1)?, |a, b| a + b),
        "Sub" => zip(first, input(1)?, |a, b| a - b),
        "Mul" => zip(first, input(1)?, |a, b| a * b),
        "Max" => zip(first, input(1)?, f64::max),
        "Min" => zip(first, input(1)?, f64::min),
        "Div" if first.is_int => {
            let by = input(1)?;
            if by.values.contains(&0.0) { None } else { zip(first, by, |a, b| (a / b).trunc()) }
        }
        "Div" => zip(first, input(1)?, |a, b| a / b),
        "Mod" if first.is_int && input(1)?.values.iter().all(|&by| by > 0.0) => zip(first, input(1)?, f64::rem_euclid),
        "Shape" => {
            let rank = first.dims.len() as i64;
            let bound = |name: &str, default: i64| -> Option<usize> {
                let at = attributes.int(name, default).ok()?;
                Some((if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize)
            };
            let (start, end) = (bound("start", 0)?, bound("end", rank)?);
            Some(Small::ints(first.dims.get(start..end).unwrap_or_default().iter().copied()))
        }
        // Where the new axes are does not matter to what follows: only whether there is one.
        "Unsqueeze" => Some(Small { dims: vec![first.values.len()], ..first.clone() }),
        "Squeeze" => Some(Small { dims: vec![], ..first.clone() }).filter(|it| it.values.len() == 1),
        "Concat" => {
            let parts: Vec<&Small> = inputs.iter().copied().collect::<Option<_>>()?;
            if parts.iter().any(|part| part.dims.len() > 1) {
                return None;
            }
            let values: Vec<f64> = parts.iter().flat_map(|part| part.values.iter().copied()).collect();
            bounded(Small { dims: vec![values.len()], values, is_int: first.is_int })
        }
        "ConstantOfShape" => {
            let count = first.values.iter().product::<f64>();
            if !(0.0..=MAX_SMALL as f64).contains(&count) || first.values.iter().any(|it| *it < 0.0) {
                return None;
            }
            // The default is a float zero; exporters pad shapes with zeros of int64.
            let value = attributes.tensor("value").ok()?.map_or(Some(0.0), |it| {
                let bytes: [u8; 8] = it.raw?.try_into().ok()?;
                (it.data_type == 7).then(|| i64::from_le_bytes(bytes) as f64)
            })?;
            let dims = first.values.iter().map(|&it| it as usize).collect();
            Some(Small { dims, values: vec![value; count as usize], is_int: true })
        }
        "Gather" => {
            let indices = input(1)?;
            if first.dims.len() != 1 || indices.dims.len() > 1 || attributes.int("axis", 0).ok()? != 0 {
                return None;
            }
            let values: Option<Vec<f64>> = indices.values.iter().map(|&it| at(&first.values, it as i64)).collect();
            Some(Small { dims: indices.dims.clone(), values: values?, is_int: first.is_int })
        }
        "Reshape" => reshape(first, input(1)?),
        "Slice" => slice(first, input(1)?, input(2)?, input(3), input(4)),
        "Transpose" => {
            let [rows, columns] = first.dims[..] else { return None };
            if attributes.ints("perm").ok()?.is_some_and(|perm| perm != [1, 0]) {
                return None;
            }
            let values = (0..columns).flat_map(|c| (0..rows).map(move |r| first.values[r * columns + c])).collect();
            Some(Small { dims: vec![columns, rows], values, is_int: first.is_int })
        }
        _ => None,
    }
}

fn map(of: &Small, is_int: bool, f: impl Fn(f64) -> f64) -> Small {
    Small { dims: of.dims.clone(), values: of.values.iter().map(|&it| f(it)).collect(), is_int }
}

/// Element by element; one of the two may be a single value.
fn zip(a: &Small, b: &Small, f: impl Fn(f64, f64) -> f64) -> Option<Small> {
    let (values, dims): (Vec<f64>, &Vec<usize>) = match (a.scalar(), b.scalar()) {
        _ if a.dims == b.dims => (a.values.iter().zip(&b.values).map(|(&a, &b)| f(a, b)).collect(), &a.dims),
        (_, Some(b)) => (a.values.iter().map(|&a| f(a, b)).collect(), &a.dims),
        (Some(a), _) => (b.values.iter().map(|&b| f(a, b)).collect(), &b.dims),
        _ => return None,
    };
    Some(Small { dims: dims.clone(), values, is_int: a.is_int })
}

/// An element, counted from the end where negative.
fn at(values: &[f64], index: i64) -> Option<f64> {
    let index = if index < 0 { index.checked_add(values.len() as i64)? } else { index };
    values.get(usize::try_from(index).ok()?).copied()
}

fn reshape(of: &Small, to: &Small) -> Option<Small> {
    let to = to.to_ints();
    let count = of.values.len();
    let known = to
        .iter()
        .filter(|&&dim| dim != -1)
        .try_fold(1_usize, |product, &dim| product.checked_mul(usize::try_from(dim).ok().filter(|&dim| dim > 0)?))?;
    let dims: Vec<usize> = to.iter().map(|&dim| if dim == -1 { count / known } else { dim as usize }).collect();
    let is_whole = dims.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim)) == Some(count);
    is_whole.then(|| Small { dims, ..of.clone() })
}

/// Along the first axis only.
fn slice(of: &Small, starts: &Small, ends: &Small, axes: Option<&Small>, steps: Option<&Small>) -> Option<Small> {
    if axes.is_some_and(|axes| axes.scalar() != Some(0.0)) {
        return None;
    }
    let length = *of.dims.first()? as i64;
    let step = steps.map_or(Some(1.0), Small::scalar)? as i64;
    let (start, end) = (starts.scalar()? as i64, ends.scalar()? as i64);
    let place = |at: i64| if at < 0 { at.saturating_add(length) } else { at };
    let rows: Vec<i64> = match step {
        1 => (place(start).clamp(0, length)..place(end).clamp(0, length)).collect(),
        -1 => ((place(end).clamp(-1, length - 1) + 1)..=place(start).clamp(-1, length - 1)).rev().collect(),
        _ => return None,
    };
    let width = of.values.len().checked_div(of.dims[0])?;
    let values: Vec<f64> =
        rows.iter().flat_map(|&row| of.values.iter().skip(row as usize * width).take(width).copied()).collect();
    let mut dims = of.dims.clone();
    dims[0] = rows.len();
    Some(Small { dims, values, is_int: of.is_int })
}

fn bounded(small: Small) -> Option<Small> {
    (small.values.len() <= MAX_SMALL).then_some(small)
}
