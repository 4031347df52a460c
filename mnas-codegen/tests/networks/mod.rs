//! Draws specs, and builds and runs the generated code of several networks as one program.

use mnas_codegen::compile::Compiled;
use mnas_dsl::network::Shape;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A source of random choices: a linear congruential generator, the same on every machine.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.next() as usize % choices.len()]
    }

    /// Values between -1 and 1.
    pub(crate) fn values(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next() as f32 / (1u64 << 30) as f32 - 1.0).collect()
    }

    /// The text of a spec, which may be refused.
    pub(crate) fn spec(&mut self, index: usize) -> String {
        const FILTERS: [usize; 12] = [3, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 40];
        const ACTIVATIONS: [&str; 5] = ["relu", "relu6", "hard_swish", "swish", "linear"];
        let mut out = format!("name: net_{index}\n");
        let (h, w, c) = (self.of(&[5, 7, 13, 16, 21, 32]), self.of(&[6, 7, 12, 17, 23, 33]), self.of(&[1, 3, 4]));
        let _ = writeln!(out, "input: {h}x{w}x{c}");
        let _ = writeln!(out, "padding: {}", self.of(&["same", "symmetric"]));
        let _ = writeln!(out, "activation: {}", self.of(&ACTIVATIONS));
        let _ = writeln!(
            out,
            "stem: {{op: conv, kernel: {}, stride: {}, filters: {}}}",
            self.of(&[1, 3, 5]),
            self.of(&[1, 2]),
            self.of(&FILTERS)
        );
        out.push_str("blocks:\n");
        for _ in 0..self.of(&[1, 2, 3]) {
            let op = self.of(&["conv", "sepconv", "mbconv", "mbconv"]);
            let _ = write!(
                out,
                "  - {{op: {op}, kernel: {}, stride: {}, filters: {}, layers: {}",
                self.of(&[3, 5, 7]),
                self.of(&[1, 1, 2]),
                self.of(&FILTERS),
                self.of(&[1, 2])
            );
            if op == "mbconv" {
                let _ = write!(out, ", expand: {}", self.of(&["1", "2", "2.5", "3", "6"]));
            }
            if op != "conv" && self.of(&[true, false]) {
                let _ = write!(out, ", se: {}", self.of(&["0.25", "0.5", "1"]));
            }
            match self.next() % 4 {
                0 => out.push_str(", skip: none"),
                1 => out.push_str(", skip: pool"),
                _ => {}
            }
            if self.of(&[true, false, false]) {
                let _ = write!(out, ", activation: {}", self.of(&ACTIVATIONS));
            }
            out.push_str("}\n");
        }
        match self.next() % 4 {
            0 => out.push_str("head: none\n"),
            1 => {
                let _ = writeln!(out, "head: {{pool: average, classes: {}}}", self.of(&[1, 7, 10, 70]));
            }
            _ => {
                let (filters, classes) = (self.of(&[20, 32, 37]), self.of(&[1, 7, 10, 70]));
                let _ = writeln!(out, "head: {{filters: {filters}, pool: average, classes: {classes}}}");
            }
        }
        out
    }
}

/// The largest difference over the largest value; the channels of `got` are padded to `stride`.
pub(crate) fn difference(want: &[f64], got: &[f32], shape: Shape, stride: usize) -> f64 {
    let c = shape.channels;
    assert_eq!(want.len(), shape.len());
    assert!(got.len() >= shape.pixels() * stride);
    let largest = want.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mut worst = 0.0f64;
    for pixel in 0..shape.pixels() {
        for channel in 0..c {
            let d = (want[pixel * c + channel] - f64::from(got[pixel * stride + channel])).abs();
            worst = if d.is_nan() { f64::INFINITY } else { worst.max(d) };
        }
    }
    if largest == 0.0 { worst } else { worst / largest }
}

/// Networks to be built together.
pub(crate) struct Program {
    folder: PathBuf,
    text: String,
    calls: String,
    count: usize,
}

/// A built program; its folder goes with it.
pub(crate) struct Binary {
    folder: PathBuf,
}

const RUNNER: &str = "
use std::io::Write as _;
fn floats(path: &str) -> Vec<f32> {
    std::fs::read(path).unwrap().chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect()
}
macro_rules! run {
    ($module:ident, $net:ident, $weights:expr, $input:expr) => {{
        use $module::mnas_runtime::{Network, Workspace};
        let (packed, input) = (floats($weights), floats($input));
        let net = $module::$net::from_packed(&packed).unwrap();
        let image = input[..].try_into().unwrap();
        let mut workspace = Workspace::boxed();
        let mut output = vec![0.0; $module::$net::OUTPUT_LEN];
        let output = (&mut output[..]).try_into().unwrap();
        let mut out = std::io::stdout().lock();
        if $module::mnas_runtime::isa::name($module::mnas_runtime::isa::level()) != std::env::var(\"MNAS_ISA\").unwrap() {
            return;
        }
        out.write_all(&($module::$net::STEPS.len() as u64).to_le_bytes()).unwrap();
        net.observe(&mut workspace, image, output, &mut |_, made| {
            out.write_all(&(made.len() as u64).to_le_bytes()).unwrap();
            for v in made { out.write_all(&v.to_le_bytes()).unwrap(); }
        });
    }};
}
";

impl Program {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mnas-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the program");
        Program { folder, text: format!("#![allow(warnings)]{RUNNER}"), calls: String::new(), count: 0 }
    }

    pub(crate) fn push(&mut self, compiled: &Compiled, input: &[f32]) {
        let i = self.count;
        self.count += 1;
        let write = |name: String, bytes: &[u8]| {
            std::fs::write(self.folder.join(name), bytes).expect("a file of the program is written");
        };
        write(format!("n{i}.weights"), compiled.weights.as_deref().unwrap_or_default());
        write(format!("n{i}.input"), &input.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        let text = compiled.text(&format!("n{i}.weights")).expect("the text is Rust");
        write(format!("n{i}.rs"), text.as_bytes());
        let _ = writeln!(self.text, "#[path = \"n{i}.rs\"] mod n{i};");
        let _ = writeln!(self.calls, "run!(n{i}, {}, \"n{i}.weights\", \"n{i}.input\");", compiled.type_name());
    }

    pub(crate) fn build(self) -> Binary {
        let text = self.text.replace("$module::$net::STEPS", "<$module::$net as Network>::STEPS");
        let source = self.folder.join("main.rs");
        std::fs::write(&source, format!("{text}\nfn main() {{\n{}}}\n", self.calls)).expect("the program is written");
        let built = Command::new("rustc")
            .args([
                "--edition",
                "2024",
                "-C",
                "opt-level=1",
                "--cfg",
                "feature=\"std\"",
                "--cfg",
                "feature=\"alloc\"",
                "-o",
            ])
            .arg(self.folder.join("program"))
            .arg(&source)
            .output()
            .expect("rustc runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Binary { folder: self.folder }
    }
}

impl Binary {
    /// What every step of every network wrote, or `None` if the machine lacks the instruction set.
    pub(crate) fn run(&self, isa: &str) -> Option<Vec<Vec<Vec<f32>>>> {
        let ran = Command::new(Path::new("./program"))
            .current_dir(&self.folder)
            .env("MNAS_ISA", isa)
            .output()
            .expect("the program runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        if ran.stdout.is_empty() {
            return None;
        }
        let mut rest = &ran.stdout[..];
        let number = |rest: &mut &[u8]| {
            let (head, tail) = rest.split_first_chunk::<8>().expect("a length");
            *rest = tail;
            u64::from_le_bytes(*head) as usize
        };
        let mut networks = Vec::new();
        while !rest.is_empty() {
            let steps = number(&mut rest);
            let read = (0..steps).map(|_| {
                let len = number(&mut rest);
                let (values, tail) = rest.split_at(len * 4);
                rest = tail;
                values.chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
            });
            networks.push(read.collect());
        }
        Some(networks)
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
