//! Machine code of a compiled library, function by function, as `objdump` of binutils shows it.

use std::env;
use std::path::Path;
use std::process::Command;

/// A function.
pub(crate) struct Function {
    /// Its path, `lib::net::net_kernels::avx2::run`.
    pub(crate) name: String,
    instructions: Vec<Instruction>,
}

struct Instruction {
    address: u64,
    /// Mnemonic and operands, as Intel writes them.
    text: String,
    /// Functions that were inlined around it, the innermost first, the function itself last.
    within: Vec<String>,
}

/// A loop that has no loop inside of it.
pub(crate) struct Loop<'a> {
    function: &'a Function,
    body: &'a [Instruction],
}

/// Functions of an object file with line tables; `None` where there is no objdump, which is a failure where `CI` is
/// set.
pub(crate) fn functions(object: &Path) -> Option<Vec<Function>> {
    let arguments = ["--disassemble", "--line-numbers", "--inlines", "--demangle", "--no-show-raw-insn", "-Mintel"];
    let Ok(output) = Command::new("objdump").args(arguments).arg(object).output() else {
        assert!(env::var_os("CI").is_none(), "there is no objdump: binutils have it");
        eprintln!("skipped: there is no objdump, which binutils have");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(parse(&String::from_utf8_lossy(&output.stdout)))
}

fn parse(text: &str) -> Vec<Function> {
    let mut functions: Vec<Function> = Vec::new();
    // Where it comes from is said once for instructions that come from one place.
    let (mut within, mut said): (Vec<String>, bool) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            functions.push(Function { name: name.1.to_owned(), instructions: Vec::new() });
            within.clear();
        } else if let Some((address, instruction)) = line.trim_start().split_once(":\t")
            && let Ok(address) = u64::from_str_radix(address, 16)
            && let Some(function) = functions.last_mut()
        {
            let text = instruction.to_owned();
            function.instructions.push(Instruction { address, text, within: within.clone() });
            said = false;
        } else if !line.is_empty() {
            if !std::mem::replace(&mut said, true) {
                within.clear();
            }
            let name = line.strip_prefix("inlined by ").and_then(|line| line.strip_suffix(')')?.rsplit_once(" ("));
            within.extend(name.map(|(_, name)| name.to_owned()));
        }
    }
    functions
}

impl Function {
    /// Jumps back whose way back has no other jump back in it.
    pub(crate) fn innermost_loops(&self) -> Vec<Loop<'_>> {
        let index = |address: u64| self.instructions.binary_search_by_key(&address, |i| i.address).ok();
        let back = |(end, instruction): (usize, &Instruction)| {
            let (mnemonic, target) = instruction.text.split_once(char::is_whitespace)?;
            let target = u64::from_str_radix(target.split_whitespace().next()?, 16).ok()?;
            let start = index(target).filter(|start| mnemonic.starts_with('j') && *start <= end)?;
            Some((start, end))
        };
        let back: Vec<(usize, usize)> = self.instructions.iter().enumerate().filter_map(back).collect();
        let innermost = |&&(start, end): &&(usize, usize)| !back.iter().any(|&(_, e)| start <= e && e < end);
        let body = |&(start, end): &(usize, usize)| Loop { function: self, body: &self.instructions[start..=end] };
        back.iter().filter(innermost).map(body).collect()
    }

    /// Whether `rbp` is where the function's part of the stack starts, rather than a register like others.
    fn has_frame_pointer(&self) -> bool {
        self.instructions.iter().take(20).any(|i| words(&i.text).eq(["mov", "rbp,rsp"]))
    }
}

impl Loop<'_> {
    /// How many multiply-adds it has.
    pub(crate) fn multiply_adds(&self) -> usize {
        self.body.iter().filter(|i| i.is_multiply_add()).count()
    }

    /// Instructions that keep a vector on the stack, or take it from there.
    pub(crate) fn vector_spills(&self) -> Vec<&str> {
        let frame = self.function.has_frame_pointer();
        let on_stack = |i: &&Instruction| i.has_vector() && (i.has_base("rsp") || frame && i.has_base("rbp"));
        self.body.iter().filter(on_stack).map(|i| i.text.as_str()).collect()
    }

    /// The kernel that it belongs to: the outermost function around its first multiply-add that is no block.
    pub(crate) fn kernel(&self) -> String {
        let own = self.function.name.rsplit("::").next().unwrap_or_default();
        let first = self.body.iter().find(|i| i.is_multiply_add());
        let within = first.map(|i| &i.within[..]).unwrap_or_default();
        // The last is the function itself, under its mangled name.
        let inlined = within.split_last().map(|(_, inlined)| inlined).unwrap_or_default();
        let kernel = inlined.iter().rev().find(|name| !name.starts_with("block_") && !name.starts_with("_"));
        kernel.map_or_else(|| own.to_owned(), String::clone)
    }
}

impl Instruction {
    fn is_multiply_add(&self) -> bool {
        ["vfmadd", "vfmsub", "vfnmadd", "vfnmsub"].iter().any(|start| self.text.starts_with(start))
    }

    fn has_vector(&self) -> bool {
        ["xmm", "ymm", "zmm"].iter().any(|register| self.text.contains(register))
    }

    /// Whether it touches memory at this register, with or without an offset.
    fn has_base(&self, register: &str) -> bool {
        let at = self.text.split_once('[').and_then(|(_, at)| at.strip_prefix(register));
        at.is_some_and(|rest| rest.starts_with([']', '+', '-']))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}
