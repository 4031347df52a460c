//! What comes into the dependency tree by `Cargo.lock` is what `deny.toml` allows: licences, one registry, no version that
//! matches everything. cargo-deny, which takes minutes to install, checks more; this is what every run of the tests does.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Cargo's words about the workspace; it asks no registry.
fn cargo(arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).args(["--locked", "--offline", "--all-features"]).current_dir(root());
    let output = command.output().expect("cargo runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The licences that all crates may have, and those that some may have beside them.
#[derive(Debug, Default)]
struct Allowed {
    all: BTreeSet<String>,
    exceptions: BTreeMap<String, BTreeSet<String>>,
}

impl Allowed {
    /// From `deny.toml`: every licence and every exception is on a line of its own.
    fn read(deny: &str) -> Self {
        let section = deny.split("\n[licenses]\n").nth(1).expect("a section on licences");
        let section = section.split("\n[").next().unwrap_or_default();
        let quoted = |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
        let mut allowed = Self::default();
        for line in section.lines().map(str::trim) {
            if line.starts_with('"') {
                allowed.all.extend(quoted(line));
            } else if line.starts_with("{ crate = ") {
                let mut words = quoted(line).into_iter();
                let name = words.next().expect("the name of a crate");
                allowed.exceptions.entry(name).or_default().extend(words);
            }
        }
        allowed
    }

    fn has(&self, name: &str, licence: &str) -> bool {
        self.all.contains(licence) || self.exceptions.get(name).is_some_and(|more| more.contains(licence))
    }

    /// Whether a crate may be used by one of the choices that its licence leaves (an expression of SPDX; `/` is an old `OR`).
    fn permits(&self, name: &str, expression: &str) -> bool {
        let spaced =
            expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
        let mut words = spaced.split_whitespace().peekable();
        let is_allowed = self.any(name, &mut words);
        is_allowed && words.next().is_none()
    }

    fn any(&self, name: &str, words: &mut Words<'_>) -> bool {
        let mut found = self.every(name, words);
        while words.next_if_eq(&"OR").is_some() {
            found |= self.every(name, words);
        }
        found
    }

    fn every(&self, name: &str, words: &mut Words<'_>) -> bool {
        let mut found = self.one(name, words);
        while words.next_if_eq(&"AND").is_some() {
            found &= self.one(name, words);
        }
        found
    }

    fn one(&self, name: &str, words: &mut Words<'_>) -> bool {
        match words.next() {
            Some("(") => {
                let found = self.any(name, words);
                words.next_if_eq(&")").is_some() && found
            }
            Some(licence) => self.has(name, &licence.replace("+WITH+", " WITH ")),
            None => false,
        }
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// Every crate that is compiled for any feature, tests included: its name and its licence. Where crates for other targets
/// were never fetched, those of this one.
fn crates() -> Vec<(String, String)> {
    let format = ["tree", "--workspace", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}|{l}"];
    let tree = cargo(&[&format[..], &["--target", "all"]].concat()).or_else(|_| cargo(&format));
    let tree = tree.unwrap_or_else(|error| panic!("{error}"));
    let crates: BTreeSet<(String, String)> = tree
        .lines()
        .filter_map(|line| line.trim_end_matches(" (*)").split_once('|'))
        .map(|(package, licence)| (package.split(' ').next().unwrap_or_default().to_owned(), licence.to_owned()))
        .collect();
    crates.into_iter().collect()
}

#[test]
fn licences_are_allowed() {
    let (allowed, crates) = (Allowed::read(&read("deny.toml")), crates());
    assert!(crates.len() > 150 && allowed.all.len() >= 5 && !allowed.exceptions.is_empty(), "{allowed:?} {crates:?}");
    let refused = |allowed: &Allowed| -> Vec<String> {
        let refused = crates.iter().filter(|(name, licence)| !allowed.permits(name, licence));
        refused.map(|(name, licence)| format!("{name}: {licence:?}")).collect()
    };
    assert_eq!(refused(&allowed), Vec::<String>::new());
    // Every exception is one: without it something is refused. So it is without the most frequent licence.
    for name in allowed.exceptions.keys() {
        let mut fewer = Allowed::read(&read("deny.toml"));
        fewer.exceptions.remove(name);
        let without = refused(&fewer);
        assert!(without.len() == 1 && without[0].starts_with(&format!("{name}: ")), "{name}: {without:?}");
    }
    let mut fewer = allowed;
    fewer.all.remove("MIT");
    assert!(refused(&fewer).len() > 20);
}

#[test]
fn expressions_mean_what_spdx_says() {
    let allowed = Allowed::read(
        "\n[licenses]\nallow = [\n \"MIT\",\n \"Apache-2.0 WITH LLVM-exception\",\n]\nexceptions = [\n { crate = \"a\", \
         allow = [\"MPL-2.0\"] },\n]\n[bans]\n\"GPL-3.0\"\n",
    );
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND GPL-3.0", false),
        ("MIT OR GPL-3.0 AND GPL-3.0", true),
        ("(MIT OR GPL-3.0) AND GPL-3.0", false),
        ("(GPL-3.0 OR (MIT)) AND MIT", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("MIT MIT", false),
        ("(MIT", false),
        ("MPL-2.0", false),
    ] {
        assert_eq!(allowed.permits("b", expression), expected, "{expression:?}");
    }
    assert!(allowed.permits("a", "MPL-2.0"));
}

/// Where crates come from that are not ours.
fn sources(lock: &str) -> BTreeSet<&str> {
    lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect()
}

#[test]
fn crates_come_from_one_registry_and_have_checksums() {
    let lock = read("Cargo.lock");
    let found = sources(&lock);
    assert!(found.len() == 1 && found.iter().all(|source| source.starts_with("\"registry+")), "{found:?}");
    let count = |prefix: &str| lock.lines().filter(|line| line.starts_with(prefix)).count();
    assert_eq!(count("source = "), count("checksum = "));
    let ours: BTreeSet<&str> = lock
        .split("[[package]]\n")
        .filter(|package| !package.contains("\nsource = "))
        .filter_map(|package| package.strip_prefix("name = \"")?.split('"').next())
        .collect();
    assert!(ours.iter().all(|name| name.starts_with("mnas")) && ours.len() >= 12, "{ours:?}");
    let with_git = format!("{lock}\nsource = \"git+ssh://host/crate\"\n");
    assert_eq!(sources(&with_git).len(), 2);
}

/// Dependencies of any version that are not in the workspace, as `crate: dependency`.
fn wildcards(metadata: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            if dependency["req"] == "*" && dependency["path"].is_null() {
                found.push(format!("{}: {}", package["name"], dependency["name"]));
            }
        }
    }
    found
}

#[test]
fn no_dependency_is_of_any_version() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]).unwrap_or_else(|error| panic!("{error}"));
    let mut metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    assert_eq!(wildcards(&metadata), Vec::<String>::new());
    let dependencies = metadata["packages"][0]["dependencies"].as_array_mut().expect("dependencies");
    dependencies.push(serde_json::json!({ "name": "any", "req": "*", "path": null }));
    assert_eq!(wildcards(&metadata).len(), 1);
}
