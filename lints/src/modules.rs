//! The modules of a crate and what each imports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// The path of a module from the root of its crate; the root's is empty.
pub type ModulePath = Vec<String>;

/// A module that has a file.
#[derive(Debug)]
pub struct Module {
    /// Its file.
    pub file: PathBuf,
    /// Names that `use` brings in, with the whole path of each.
    bindings: BTreeMap<String, Vec<String>>,
    /// Paths that are named in the file, from the root of the crate.
    paths: Vec<Vec<String>>,
}

/// All modules of a crate.
pub type Modules = BTreeMap<ModulePath, Module>;

/// Reads a crate from its root file.
///
/// # Panics
///
/// If a file cannot be read or parsed.
pub fn read(root: &Path) -> Modules {
    let mut modules = Modules::new();
    let folder = root.parent().expect("a file in a folder");
    read_module(root, folder, Vec::new(), &mut modules);
    modules
}

fn read_module(file: &Path, children: &Path, path: ModulePath, modules: &mut Modules) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", file.display()));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("cannot parse `{}`: {error}", file.display()));
    let mut reader = Reader { path: path.clone(), inline: Vec::new(), children: Vec::new(), imports: Vec::new() };
    reader.visit_file(&parsed);
    let names: Vec<String> = reader.children.clone();
    for name in names {
        let own = children.join(format!("{name}.rs"));
        let below = children.join(&name);
        let file = if own.is_file() { own } else { below.join("mod.rs") };
        // `#[path]` modules and those of generated code have no file here.
        if file.is_file() {
            read_module(&file, &below, [&path[..], &[name]].concat(), modules);
        }
    }
    let bindings =
        reader.imports.iter().filter_map(|import| Some((import.name.clone()?, import.path.clone()))).collect();
    let paths = reader.imports.into_iter().map(|import| import.path).collect();
    modules.insert(path, Module { file: file.to_owned(), bindings, paths });
}

/// A path that is imported, or named in code.
struct Import {
    path: Vec<String>,
    /// The name that it has in the module, if it is imported.
    name: Option<String>,
}

struct Reader {
    path: ModulePath,
    /// Modules within the file that the visitor is in.
    inline: Vec<String>,
    children: Vec<String>,
    imports: Vec<Import>,
}

impl Reader {
    /// A path as it is written, from the root of the crate; `None` if it begins with something else than a module.
    fn absolute(&self, segments: &[String]) -> Option<Vec<String>> {
        let here = [&self.path[..], &self.inline[..]].concat();
        let above = segments.iter().take_while(|segment| *segment == "super").count();
        Some(match segments.first()?.as_str() {
            "crate" => segments[1..].to_vec(),
            "self" => [&here[..], &segments[1..]].concat(),
            "super" => [&here[..here.len().checked_sub(above)?], &segments[above..]].concat(),
            first if self.children.iter().any(|child| child == first) => [&self.path[..], segments].concat(),
            _ => return None,
        })
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &str| [before, &[name.to_owned()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident.to_string())),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before)),
            syn::UseTree::Glob(_) => self.record(before, None),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.record(before, before.last().cloned());
            }
            syn::UseTree::Name(name) => self.record(&with(&name.ident.to_string()), Some(name.ident.to_string())),
            syn::UseTree::Rename(name) => {
                self.record(&with(&name.ident.to_string()), Some(name.rename.to_string()));
            }
        }
    }

    fn record(&mut self, segments: &[String], name: Option<String>) {
        if let Some(path) = self.absolute(segments) {
            self.imports.push(Import { path, name });
        }
    }
}

/// Whether an item is compiled for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        for item in &file.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && !is_test(&module.attrs)
            {
                self.children.push(module.ident.to_string());
            }
        }
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_test(&module.attrs) {
            return;
        }
        self.inline.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inline.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.import(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.record(&segments, None);
        }
        visit::visit_path(self, path);
    }

    // `pub(in path)` and `pub(super)` import nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}
}

/// The module in which a path ends: re-exports are followed to where the item is defined.
fn resolve(modules: &Modules, path: &[String], depth: usize) -> Option<ModulePath> {
    let len = (0..=path.len()).rev().find(|&len| modules.contains_key(&path[..len]))?;
    let module = &modules[&path[..len]];
    if let Some(name) = path.get(len)
        && let Some(binding) = module.bindings.get(name)
        && binding[..] != path[..=len]
        && depth > 0
    {
        return resolve(modules, &[&binding[..], &path[len + 1..]].concat(), depth - 1);
    }
    Some(path[..len].to_vec())
}

/// An import: from which module, of which, and the path that names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The module that imports.
    pub from: ModulePath,
    /// The module that is imported.
    pub to: ModulePath,
    /// The path, from the root of the crate.
    pub path: Vec<String>,
}

/// Every import of one module by another.
pub fn edges(modules: &Modules) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (from, module) in modules {
        for path in &module.paths {
            if let Some(to) = resolve(modules, path, 8)
                && to != *from
            {
                edges.push(Edge { from: from.clone(), to, path: path.clone() });
            }
        }
    }
    edges
}
