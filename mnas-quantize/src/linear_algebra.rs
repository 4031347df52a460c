//! Square symmetric systems of a few hundred unknowns, in `f64`.

/// Rows side by side.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Matrix { columns, values: vec![0.0; rows * columns] }
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.columns..][..self.columns]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.columns..][..self.columns]
    }
}

/// `L` with `L L^T = a`; `None` where `a` is not positive definite.
pub(crate) fn cholesky(a: &Matrix) -> Option<Matrix> {
    let n = a.columns;
    let mut l = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = l.row(i)[..j].iter().zip(&l.row(j)[..j]).map(|(x, y)| x * y).sum();
            let rest = a.row(i)[j] - dot;
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                l.row_mut(i)[i] = rest.sqrt();
            } else {
                l.row_mut(i)[j] = rest / l.row(j)[j];
            }
        }
    }
    Some(l)
}

/// `x` with `L L^T x = b`.
pub(crate) fn solve(l: &Matrix, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let dot: f64 = l.row(i)[..i].iter().zip(&b[..i]).map(|(x, y)| x * y).sum();
        b[i] = (b[i] - dot) / l.row(i)[i];
    }
    for i in (0..n).rev() {
        b[i] /= l.row(i)[i];
        let value = b[i];
        for (b, l) in b[..i].iter_mut().zip(&l.row(i)[..i]) {
            *b -= value * l;
        }
    }
    b
}

/// The inverse of `L L^T`.
pub(crate) fn inverse(l: &Matrix) -> Matrix {
    let n = l.columns;
    let mut inverse = Matrix::zeros(n, n);
    for column in 0..n {
        let mut unit = vec![0.0; n];
        unit[column] = 1.0;
        // The inverse is symmetric, so its column is its row.
        inverse.row_mut(column).copy_from_slice(&solve(l, unit));
    }
    inverse
}

/// `U`, upper triangular, with `U^T U = a`; `None` where `a` is not positive definite.
pub(crate) fn upper_of_inverse(a: &Matrix) -> Option<Matrix> {
    let l = cholesky(a)?;
    let n = a.columns;
    let mut upper = Matrix::zeros(n, n);
    for i in 0..n {
        for j in i..n {
            upper.row_mut(i)[j] = l.row(j)[i];
        }
    }
    Some(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positive(n: usize) -> Matrix {
        let mut a = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                let dot: f64 =
                    (0..n).map(|k| (((i + 1) * (k + 2)) as f64).sin() * (((j + 1) * (k + 2)) as f64).sin()).sum();
                a.row_mut(i)[j] = dot + if i == j { 0.5 } else { 0.0 };
            }
        }
        a
    }

    #[test]
    fn solutions_solve_and_inverses_invert() {
        let a = positive(7);
        let l = cholesky(&a).unwrap();
        let x = solve(&l, (0..7).map(|i| f64::from(i) - 2.5).collect());
        for i in 0..7 {
            let b: f64 = a.row(i).iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((b - (i as f64 - 2.5)).abs() < 1e-9);
        }
        let inverse = inverse(&l);
        let upper = upper_of_inverse(&inverse).unwrap();
        for i in 0..7 {
            for j in 0..7 {
                let unit: f64 = (0..7).map(|k| a.row(i)[k] * inverse.row(k)[j]).sum();
                assert!((unit - f64::from(u8::from(i == j))).abs() < 1e-9);
                let product: f64 = (0..7).map(|k| upper.row(k)[i] * upper.row(k)[j]).sum();
                assert!((product - inverse.row(i)[j]).abs() < 1e-9);
                assert!(j >= i || upper.row(i)[j] == 0.0);
            }
        }
    }

    #[test]
    fn indefinite_matrices_have_no_factor() {
        let mut a = positive(3);
        a.row_mut(2)[2] = -1.0;
        assert!(cholesky(&a).is_none());
    }
}
