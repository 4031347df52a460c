//! Figures on disk, a file each, named by what decides them. A file that is not whole is as good as none.

use super::statistics::Figure;
use crate::build_cache::hash;
use crate::error::{Error, Result};
use crate::output::{Artifact, write_all};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// No entry is longer.
const LIMIT: u64 = 1 << 16;

/// A folder of figures.
#[derive(Clone, Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

/// A figure, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Decides the figure: a hash of the code, and of what it ran on.
    pub(super) key: String,
    /// What was measured, for people.
    pub(super) what: String,
    /// The figure.
    pub(super) figure: Figure,
    /// The processor's name.
    pub(super) cpu: String,
    /// Processes that wanted to run when it was measured.
    pub(super) load: f64,
    /// The compiler, as it calls itself.
    pub(super) compiler: String,
    /// The program that measured it, by its hash.
    pub(super) build: String,
}

impl Store {
    /// In this folder, which need not be there.
    pub(super) fn new(folder: &Path) -> Self {
        Store { folder: folder.to_owned() }
    }

    /// The entry of a key; none if its file is missing, cut, changed, or another's, and none that did not settle: on a
    /// machine that does less else it may.
    pub(super) fn get(&self, key: &str) -> Option<Entry> {
        let path = self.path(key);
        if fs::metadata(&path).ok()?.len() > LIMIT {
            return None;
        }
        let text = fs::read_to_string(path).ok()?;
        let (sum, json) = text.strip_suffix('\n')?.split_once('\n')?;
        if sum != hash([json.as_bytes()]) {
            return None;
        }
        let entry: Entry = serde_json::from_str(json).ok()?;
        (entry.key == key && entry.figure.is_possible() && entry.figure.is_stable).then_some(entry)
    }

    /// Keeps an entry in place of any of its key.
    pub(super) fn put(&self, entry: &Entry) -> Result<()> {
        let path = self.path(&entry.key);
        fs::create_dir_all(&self.folder).map_err(|error| Error::file("create the folder", &self.folder, &error))?;
        let json = serde_json::to_string(entry).map_err(|error| Error::file("write", &path, &error))?;
        let bytes = format!("{}\n{json}\n", hash([json.as_bytes()])).into_bytes();
        write_all(&[Artifact { path, bytes }])
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> Entry {
        let figure = Figure {
            ratio: 1.1,
            low: 1.0,
            high: 1.3,
            p90: 1.2,
            ns: 1234.5,
            reference_ns: 1122.25,
            runs: 36,
            is_stable: true,
        };
        Entry {
            key: key.to_owned(),
            what: "linear 10 to 20".to_owned(),
            figure,
            cpu: "A CPU".to_owned(),
            load: 0.25,
            compiler: "rustc 1.95.0".to_owned(),
            build: "0123".to_owned(),
        }
    }

    #[test]
    fn damaged_entries_are_none() {
        let folder = std::env::temp_dir().join(format!("mnasc-store-{}", mnas_files::unique()));
        let store = Store::new(&folder);
        assert_eq!(store.get("ab"), None);
        store.put(&entry("ab")).unwrap();
        assert_eq!(store.get("ab"), Some(entry("ab")));
        assert_eq!(store.get("cd"), None);

        let path = folder.join("ab.json");
        let good = fs::read(&path).unwrap();
        // Each byte changed, and each length.
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(store.get("ab"), None, "byte {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert_eq!(store.get("ab"), None, "cut to {at}");
        }
        // Another's under this name, and one with a sum but without sense.
        store.put(&entry("ef")).unwrap();
        fs::copy(folder.join("ef.json"), &path).unwrap();
        assert_eq!(store.get("ab"), None);
        let mut negative = entry("ab");
        negative.figure.low = -1.0;
        store.put(&negative).unwrap();
        assert_eq!(store.get("ab"), None);
        let mut unstable = entry("ab");
        unstable.figure.is_stable = false;
        store.put(&unstable).unwrap();
        assert_eq!(store.get("ab"), None);
        fs::write(&path, &good).unwrap();
        assert_eq!(store.get("ab"), Some(entry("ab")));
        fs::remove_dir_all(folder).unwrap();
    }
}
