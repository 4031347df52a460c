//! No crate has a cycle of imports between sibling modules, except those in `cycles.txt`, which may only shrink.

use mnas_lints::cycles::{Cycle, cycles};
use mnas_lints::{modules, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The root files of the crates of the workspace.
fn crates() -> Vec<(String, PathBuf)> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest of the workspace");
    let members = manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).expect("members");
    let mut found = Vec::new();
    for member in members.split('"').skip(1).step_by(2) {
        let roots = ["lib.rs", "main.rs"].map(|file| root().join(member).join("src").join(file));
        found.extend(roots.into_iter().filter(|file| file.is_file()).map(|file| (member.to_owned(), file)));
    }
    assert!(found.len() > 12, "{found:?}");
    found
}

/// As it stands in the list: `crate::parent: members`.
fn line(name: &str, cycle: &Cycle) -> String {
    let parent: String = cycle.parent.iter().map(|segment| format!("::{segment}")).collect();
    let members: Vec<&str> = cycle.members.iter().map(String::as_str).collect();
    format!("{name}{parent}: {}", members.join(" "))
}

/// Place and members of a line of the list.
fn parts(line: &str) -> (&str, BTreeSet<&str>) {
    let (place, members) = line.split_once(": ").expect("`crate::parent: members`");
    (place, members.split(' ').collect())
}

#[test]
fn sibling_modules_import_in_one_direction() {
    let list = fs::read_to_string(root().join("lints/cycles.txt")).expect("the list of cycles");
    let allowed: Vec<(&str, BTreeSet<&str>)> =
        list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(parts).collect();
    let mut message = String::new();
    let mut lines = Vec::new();
    for (name, file) in crates() {
        for cycle in cycles(&modules::read(&file)) {
            let line = line(&name, &cycle);
            let (place, members) = parts(&line);
            if !allowed.iter().any(|(where_, old)| *where_ == place && members.is_subset(old)) {
                message += &format!("\na new cycle, {line}\n");
                for edge in &cycle.edges {
                    message += &format!(
                        "    {} imports {} as crate::{}\n",
                        edge.from.join("::"),
                        edge.to.join("::"),
                        edge.path.join("::")
                    );
                }
            }
            lines.push(line);
        }
    }
    println!("{} cycles:\n{}", lines.len(), lines.join("\n"));
    assert!(message.is_empty(), "{message}");
}

/// A crate of these files in a folder of its own.
fn scratch(name: &str, files: &[(&str, &str)]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cycles").join(name);
    for (path, text) in files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder to write to");
        fs::write(file, text).expect("a folder to write to");
    }
    cycles(&modules::read(&folder.join("lib.rs"))).iter().map(|cycle| line("x", cycle)).collect()
}

#[test]
fn cycles_of_every_form_are_found() {
    let lib = ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");
    let find = |name, a, b, c| scratch(name, &[lib, ("a.rs", a), ("b.rs", b), ("c.rs", c)]);
    let none: [&str; 0] = [];
    assert_eq!(find("tree", "use crate::b::B;", "use super::c::C;", "pub struct C;"), none);
    assert_eq!(find("use", "use crate::b::B;", "use super::a::A;", ""), ["x: a b"]);
    assert_eq!(find("group", "use crate::{b::{self, B}};", "use crate::{a::A, c::C};", ""), ["x: a b"]);
    assert_eq!(find("path", "fn f() { crate::b::g() }", "fn g() { super::a::f() }", ""), ["x: a b"]);
    assert_eq!(find("type", "struct A(crate::b::B);", "struct B(Vec<crate::a::A>);", ""), ["x: a b"]);
    assert_eq!(find("three", "use crate::b::B;", "use crate::c::C;", "use crate::a::A;"), ["x: a b c"]);
    // What the root re-exports is an import of the module that defines it.
    assert_eq!(find("reexport", "use crate::b::B;", "use crate::A;", ""), ["x: a b"]);
    // Only for tests.
    let test = "#[cfg(test)]\nmod tests { use crate::a::A; }\n#[test]\nfn t() { crate::a::f() }";
    assert_eq!(find("test", "use crate::b::B;", test, ""), none);
}

#[test]
fn subtrees_count_and_ancestors_do_not() {
    let lib = ("lib.rs", "mod a;\nmod b;\n");
    let below = [("a/mod.rs", "mod x;\nmod y;\nuse x::X;\npub struct A;"), ("a/x.rs", "use super::A;\npub struct X;")];
    let (y, plain) = (("a/y.rs", "use crate::b::B;"), ("b.rs", "pub struct B;"));
    assert!(scratch("ancestors", &[lib, below[0], below[1], y, plain]).is_empty());
    let back = ("b.rs", "use crate::a::x::X;\npub struct B;");
    assert_eq!(scratch("subtrees", &[lib, below[0], below[1], y, back]), ["x: a b"]);
    let inner = [("a/x.rs", "use super::y::Y;"), ("a/y.rs", "use crate::a::x::X;")];
    assert_eq!(scratch("inner", &[lib, below[0], inner[0], inner[1], plain]), ["x::a: x y"]);
}
