//! Files that a macro call names, which must be inside of the calling crate's folder.
//!
//! A dependency must not be able to read other files of the machine that builds it.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The folder of the `Cargo.toml` of the crate that calls the macro.
pub(crate) struct Root(PathBuf);

/// A file's content, and its absolute path for `include_bytes!`.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) absolute: String,
    pub(crate) bytes: Vec<u8>,
}

impl Root {
    /// `folder` is the value of `CARGO_MANIFEST_DIR`.
    pub(crate) fn new(folder: Option<OsString>) -> Result<Self, String> {
        let folder = folder.ok_or("files are found by CARGO_MANIFEST_DIR, which cargo sets and here is missing")?;
        let root = fs::canonicalize(&folder);
        root.map(Root).map_err(|e| format!("cannot open the folder of Cargo.toml, `{}`: {e}", folder.display()))
    }

    /// Reads the file, or says why not.
    pub(crate) fn read(&self, path: &str) -> Result<File, String> {
        confine(path)?;
        let failed = |e: std::io::Error| match e.kind() {
            ErrorKind::NotFound => format!("there is no file `{path}` in the folder of this crate's Cargo.toml"),
            _ => format!("cannot read `{path}`: {e}"),
        };
        // Resolves symbolic links, which may lead anywhere.
        let absolute = fs::canonicalize(self.0.join(path)).map_err(failed)?;
        if !absolute.starts_with(&self.0) {
            return Err(format!("`{path}` leads out of the folder of this crate's Cargo.toml"));
        }
        // A pipe or a device would be read for ever.
        if !fs::metadata(&absolute).map_err(failed)?.is_file() {
            return Err(format!("`{path}` is not a file"));
        }
        let bytes = fs::read(&absolute).map_err(failed)?;
        match absolute.into_os_string().into_string() {
            Ok(absolute) => Ok(File { absolute, bytes }),
            Err(_) => {
                Err(format!("the folder of `{path}` has a name that is not UTF-8, which `include_bytes!` cannot take"))
            }
        }
    }
}

/// Refuses paths that cannot lie inside, before anything is opened.
fn confine(path: &str) -> Result<(), String> {
    let mut depth = 0usize;
    for component in Path::new(path).components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir => {
                return Err(format!("`{path}` leads out of the folder of this crate's Cargo.toml"));
            }
            Component::RootDir | Component::Prefix(_) => {
                return Err(format!("`{path}` is absolute; paths start from the folder of this crate's Cargo.toml"));
            }
        }
    }
    if depth == 0 { Err(format!("`{path}` names no file")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("mnas-files-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("crate/specs")).unwrap();
        fs::write(folder.join("crate/specs/a.yaml"), "inside").unwrap();
        fs::write(folder.join("secret"), "outside").unwrap();
        folder
    }

    fn read(folder: &Path, path: &str) -> Result<File, String> {
        Root::new(Some(folder.join("crate").into())).unwrap().read(path)
    }

    #[test]
    fn files_inside_are_read() {
        let folder = root("inside");
        for path in ["specs/a.yaml", "./specs/a.yaml", "specs/../specs/a.yaml"] {
            let file = read(&folder, path).unwrap();
            assert_eq!(file.bytes, b"inside");
            assert!(Path::new(&file.absolute).is_absolute());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn nothing_outside_is_read() {
        let folder = root("outside");
        let absolute = folder.join("secret");
        let of = |path: &str| read(&folder, path).unwrap_err();
        assert!(of("../secret").contains("leads out"));
        assert!(of("specs/../../secret").contains("leads out"));
        assert!(of(absolute.to_str().unwrap()).contains("absolute"));
        assert!(of("").contains("names no file"));
        assert!(of("specs").contains("not a file"));
        assert!(of("specs/b.yaml").contains("no file"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_only() {
        let folder = root("links");
        std::os::unix::fs::symlink("a.yaml", folder.join("crate/specs/inside")).unwrap();
        std::os::unix::fs::symlink("../../secret", folder.join("crate/specs/outside")).unwrap();
        std::os::unix::fs::symlink("../..", folder.join("crate/specs/up")).unwrap();
        assert_eq!(read(&folder, "specs/inside").unwrap().bytes, b"inside");
        assert!(read(&folder, "specs/outside").unwrap_err().contains("leads out"));
        assert!(read(&folder, "specs/up/secret").unwrap_err().contains("leads out"));
        fs::remove_dir_all(folder).unwrap();
    }
}
