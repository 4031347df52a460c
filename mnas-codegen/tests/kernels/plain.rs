// The plain loops, in double precision, and the comparison. Included into the program that is compiled.

struct Conv {
    name: &'static str,
    cin: usize,
    cout: usize,
    k: usize,
    stride: usize,
    pad: usize,
    width: usize,
    pixels: usize,
    pixel: usize,
    block: usize,
    row: usize,
    lanes: usize,
    row_from: usize,
    row_count: usize,
    out_pixel: usize,
    out_block: usize,
    pool: bool,
    panels: &'static [(usize, usize)],
    activation: fn(f64) -> f64,
    residual: &'static str,
    gated: bool,
}

struct Depthwise {
    name: &'static str,
    channels: usize,
    k: usize,
    stride: usize,
    pad: usize,
    width: usize,
    columns: usize,
    pixel: usize,
    block: usize,
    row: usize,
    lanes: usize,
    panel: usize,
    out_pixel: usize,
    out_block: usize,
    activation: fn(f64) -> f64,
    residual: &'static str,
    pool: bool,
}

fn linear(x: f64) -> f64 { x }
fn relu(x: f64) -> f64 { x.max(0.0) }
fn relu6(x: f64) -> f64 { x.max(0.0).min(6.0) }
fn sigmoid(x: f64) -> f64 { 1.0 / (1.0 + (-x).exp()) }
fn swish(x: f64) -> f64 { x * sigmoid(x) }
fn hard_sigmoid(x: f64) -> f64 { (x + 3.0).max(0.0).min(6.0) / 6.0 }
fn hard_swish(x: f64) -> f64 { x * hard_sigmoid(x) }

struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 40) as f32) / (1 << 23) as f32 - 1.0
    }
    fn fill(&mut self, n: usize) -> Vec<f32> { (0..n).map(|_| self.next()).collect() }
}

/// An output that workers share.
struct Shared(*mut f32, usize);

// SAFETY: workers write different values.
unsafe impl Sync for Shared {}

impl Shared {
    fn cells(&self) -> &[std::cell::Cell<f32>] {
        // SAFETY: made from a slice of that length, which lives longer.
        unsafe { std::slice::from_raw_parts(self.0.cast(), self.1) }
    }
}

/// Fills what no kernel should read with values that would be seen.
const POISON: f32 = 1e30;

fn same(name: &str, what: &str, got: f32, want: f64, scale: f64) -> bool {
    let error = (f64::from(got) - want).abs();
    if error <= 2e-6 * scale.max(1.0) { return true; }
    println!("{name} {what}: {got} instead of {want}");
    false
}

fn activated(residual: &str, activation: fn(f64) -> f64, sum: f64, added: f32) -> f64 {
    match residual {
        "Last" => activation(sum) + f64::from(added),
        "BeforeActivation" => activation(sum + f64::from(added)),
        _ => activation(sum),
    }
}

#[inline(never)]
fn check_conv(c: &Conv, run: &dyn Fn(&[f32], &[f32], &[f32], &[f32], &mut [f32], &mut [f32]), spoil: bool) {
    let mut random = Random(c.cin as u64 * 7919 + c.pixels as u64);
    let (cin, cout, k) = (c.cin, c.cout, c.k);
    // The input by row, pixel and channel, put where the layout says; the rest is poison.
    let input: Vec<f32> = random.fill(c.row_count * c.row.max(1) * 2 + cin);
    let value = |y: usize, x: usize, i: usize| input[(y * c.width.max(c.pixels) + x) * cin + i];
    let mut a = vec![POISON; c.row * c.row_count];
    for y in 0..c.row_count {
        for x in 0..c.width.max(c.pixels) {
            for i in 0..cin {
                let at = y * c.row + i / c.lanes * c.block + x * c.pixel + i % c.lanes;
                let at = if c.block == c.lanes { y * c.row + x * c.pixel + i } else { at };
                if at < a.len() { a[at] = value(y, x, i); }
            }
        }
    }
    let weight: Vec<f32> = random.fill(cout * cin * k * k);
    let bias: Vec<f32> = random.fill(cout);
    let rows = k * k * cin;
    let mut w = Vec::new();
    let mut first = 0;
    for &(width, count) in c.panels {
        for _ in 0..count {
            for lane in 0..width { w.push(if first + lane < cout { bias[first + lane] } else { 0.0 }); }
            for r in 0..rows {
                for lane in 0..width {
                    let (o, tap, i) = (first + lane, r / cin, r % cin);
                    w.push(if o < cout { weight[(o * cin + i) * k * k + tap] } else { 0.0 });
                }
            }
            first += width;
        }
    }
    let padded = first;
    let out_at = |p: usize, o: usize| if c.pool { o } else { o / c.lanes * c.out_block + p * c.out_pixel + o % c.lanes };
    let out_len = (0..if c.pool { 1 } else { c.pixels }).map(|p| (0..padded).map(|o| out_at(p, o) + 1).max().unwrap()).max().unwrap();
    let residual = random.fill(out_len);
    let gate: Vec<f32> = random.fill(cin);
    let mut panel = vec![POISON; (cin + 1) * c.panels.iter().map(|p| p.0).max().unwrap()];
    let mut out = vec![POISON; out_len];
    run(&a, &w, &residual, &gate, &mut panel, &mut out);
    if spoil {
        let at = out_at(c.pixels - 1, cout - 1);
        out[at] += 0.01;
    }
    let mut right = true;
    let mut means = vec![0.0; cout];
    for p in 0..c.pixels {
        for o in 0..cout {
            let mut sum = f64::from(bias[o]);
            let mut scale = sum.abs();
            for ky in 0..k {
                if ky < c.row_from { continue; }
                for kx in 0..k {
                    let Some(x) = (p * c.stride + kx).checked_sub(c.pad) else { continue };
                    if k > 1 && x >= c.width { continue; }
                    for i in 0..cin {
                        let mut v = f64::from(weight[(o * cin + i) * k * k + ky * k + kx]) * f64::from(value(ky - c.row_from, x, i));
                        if c.gated { v *= f64::from(gate[i]); }
                        scale += v.abs();
                        sum += v;
                    }
                }
            }
            let want = activated(c.residual, c.activation, sum, residual[out_at(p, o)]);
            if c.pool { means[o] += want / c.pixels as f64; continue; }
            right &= same(c.name, &format!("pixel {p} channel {o}"), out[out_at(p, o)], want, scale);
        }
    }
    if c.pool {
        for o in 0..cout { right &= same(c.name, &format!("mean {o}"), out[o], means[o], cin as f64); }
    }
    match (spoil, right) {
        (false, true) => println!("ok {}", c.name),
        (true, false) => println!("control found"),
        (false, false) => println!("wrong {}", c.name),
        (true, true) => println!("control not found"),
    }
}

#[inline(never)]
fn check_depthwise<const K: usize>(
    c: &Depthwise,
    run: &dyn Fn(&[f32], &[([usize; K], usize, usize)], &[f32], &mut [f32], &[f32], &mut [f32]),
) {
    let mut random = Random(c.channels as u64 * 31 + c.width as u64);
    let k = c.k;
    let padded = c.channels.next_multiple_of(c.lanes.max(8));
    let input = random.fill(k * c.width * padded);
    let value = |y: usize, x: usize, i: usize| input[(y * c.width + x) * padded + i];
    let len = if c.block == c.lanes { k * c.row } else { padded / c.lanes * c.block };
    let mut a = vec![POISON; len];
    for y in 0..k {
        for x in 0..c.width {
            for i in 0..padded {
                a[y * c.row + i / c.lanes * c.block + x * c.pixel + i % c.lanes] = value(y, x, i);
            }
        }
    }
    // Rows of the input lie in a line buffer that turns by one with each row of the output. Of the first output row the top
    // kernel row is above the image, of the last one the bottom row is below; their offsets lead nowhere.
    let slot = |r: usize, ky: usize| (ky + r + 1) % k;
    let ranges = [(1, k), (0, k), (0, k - 1)];
    let rows: Vec<([usize; K], usize, usize)> = ranges
        .iter()
        .enumerate()
        .map(|(r, &(from, to))| {
            let offset = |ky: usize| if (from..to).contains(&ky) { slot(r, ky) * c.row } else { usize::MAX / 8 };
            (std::array::from_fn(offset), from, to)
        })
        .collect();
    let weight = random.fill(c.channels * k * k);
    let bias = random.fill(c.channels);
    let mut w = Vec::new();
    for first in (0..padded).step_by(c.panel) {
        for lane in 0..c.panel { w.push(*bias.get(first + lane).unwrap_or(&0.0)); }
        for tap in 0..k * k {
            for lane in 0..c.panel { w.push(if first + lane < c.channels { weight[(first + lane) * k * k + tap] } else { 0.0 }); }
        }
    }
    let out_at = |pixel: usize, o: usize| o / c.lanes * c.out_block + pixel * c.out_pixel + o % c.lanes;
    let mut out = vec![POISON; out_at(ranges.len() * c.columns - 1, padded - 1) + 1];
    let residual = random.fill(out.len());
    // Sums of each row.
    let mut pooled = vec![0.25; ranges.len() * padded];
    run(&a, &rows, &w, &mut pooled, &residual, &mut out);
    let mut right = true;
    for o in 0..c.channels {
        for (r, &(from, to)) in ranges.iter().enumerate() {
            let mut total = 0.25;
            for p in 0..c.columns {
                let mut sum = f64::from(bias[o]);
                for ky in from..to {
                    for kx in 0..k {
                        let Some(x) = (p * c.stride + kx).checked_sub(c.pad) else { continue };
                        if x < c.width {
                            sum += f64::from(weight[o * k * k + ky * k + kx]) * f64::from(value(slot(r, ky), x, o));
                        }
                    }
                }
                let at = out_at(r * c.columns + p, o);
                let want = activated(c.residual, c.activation, sum, residual[at]);
                total += want;
                let got = out[at];
                right &= same(c.name, &format!("rows {from}..{to} column {p} channel {o}"), got, want, (k * k) as f64);
            }
            if c.pool {
                let (what, sum) = (format!("sum of row {r} channel {o}"), pooled[r * padded + o]);
                right &= same(c.name, &what, sum, total, (k * k * c.columns) as f64);
            }
        }
    }
    println!("{} {}", if right { "ok" } else { "wrong" }, c.name);
}
