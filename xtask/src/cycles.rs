//! Import cycles between the files of a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Item, UseTree};

use crate::workspace::root;

/// Path of a module in its crate: `["conv2d", "shape"]`. It is empty for the root of the crate.
type Module = Vec<String>;

/// Modules that each module imports from.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Checks that no files of a crate import each other, directly or through other files. A module and the
/// modules inside it may import each other.
///
/// # Errors
/// If there is a cycle, with the files of each, or a file cannot be read or parsed.
pub(crate) fn check() -> Result<()> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        for cycle in cycles(&imports(&folder.join("src"))?) {
            let names: Vec<String> = cycle.iter().map(|module| module.join("::")).collect();
            found.push(format!("{name}: {}", names.join(", ")));
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => bail!("files that import each other:\n  {}", found.join("\n  ")),
    }
}

fn imports(source: &Path) -> Result<Imports> {
    let mut items = BTreeMap::new();
    for path in rust_files(source)? {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
        items.insert(module(path.strip_prefix(source)?), file.items);
    }
    let modules: BTreeSet<Module> = items.keys().cloned().collect();
    let imports = items.iter().map(|(module, items)| {
        let mut found = BTreeSet::new();
        for item in items {
            if let Item::Use(item) = item
                && !is_for_tests(&item.attrs)
            {
                add(&item.tree, &mut Vec::new(), &mut |path| {
                    found.extend(target(module, path, &modules));
                });
            }
        }
        found.retain(|other| !other.starts_with(module) && !module.starts_with(other));
        (module.clone(), found)
    });
    Ok(imports.collect())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

fn module(file: &Path) -> Module {
    let path = file.with_extension("");
    let mut module: Module = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("cfg"))
        && attributes.iter().any(|attribute| {
            attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
        })
}

/// Calls `each` with every path of a `use`.
fn add(tree: &UseTree, path: &mut Vec<String>, each: &mut impl FnMut(&[String])) {
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            add(&part.tree, path, each);
            path.pop();
        }
        UseTree::Name(name) => {
            path.push(name.ident.to_string());
            each(path);
            path.pop();
        }
        UseTree::Rename(name) => {
            path.push(name.ident.to_string());
            each(path);
            path.pop();
        }
        UseTree::Glob(_) => each(path),
        UseTree::Group(group) => group.items.iter().for_each(|tree| add(tree, path, each)),
    }
}

/// Returns the module that a path leads to; `None` if it leads to another crate.
fn target(from: &Module, path: &[String], modules: &BTreeSet<Module>) -> Option<Module> {
    let mut module = from.clone();
    let mut parts = path.iter().map(String::as_str).peekable();
    match parts.peek().copied()? {
        "crate" => module.clear(),
        "self" => {}
        "super" => {
            module.pop();
        }
        // A module inside this one, or another crate.
        _ => return None,
    }
    parts.next();
    for part in parts {
        match part {
            "super" => {
                module.pop();
            }
            part => {
                module.push(part.to_owned());
                if !modules.contains(&module) {
                    module.pop();
                    break;
                }
            }
        }
    }
    Some(module)
}

/// Returns the groups of modules in which each imports all others, directly or through other modules.
fn cycles(imports: &Imports) -> BTreeSet<Vec<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = imports
        .keys()
        .map(|module| {
            let mut reached = BTreeSet::new();
            let mut open: Vec<&Module> = imports[module].iter().collect();
            while let Some(next) = open.pop() {
                if reached.insert(next) {
                    open.extend(imports.get(next).into_iter().flatten());
                }
            }
            (module, reached)
        })
        .collect();
    let cycle = |module: &&Module| -> Option<Vec<Module>> {
        let ahead = &reached[module];
        ahead.contains(*module).then(|| {
            let back = |other: &&&Module| reached.get(**other).is_some_and(|r| r.contains(*module));
            ahead
                .iter()
                .filter(back)
                .map(|other| (*other).clone())
                .collect()
        })
    };
    reached.keys().filter_map(cycle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let cycles = cycles(&imports(folder.path()).expect("Rust"));
        let name = |cycle: Vec<Module>| {
            let names: Vec<String> = cycle.iter().map(|module| module.join("::")).collect();
            names.join(" ")
        };
        cycles.into_iter().map(name).collect()
    }

    #[test]
    fn finds_only_cycles() {
        let none = sources(&[
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::b::{self, B}; use std::fmt;"),
            ("b.rs", "#[cfg(test)] use crate::a::A;"),
            // A module and one inside it.
            ("c/mod.rs", "mod d; use self::d::D;"),
            ("c/d.rs", "use super::C; use crate::a::A;"),
        ]);
        assert_eq!(none, [""; 0]);
        let two = sources(&[
            ("a.rs", "use crate::b::inner::B;"),
            ("b/mod.rs", ""),
            ("b/inner.rs", "use super::super::c::C;"),
            ("c.rs", "use crate::{a::A, d};"),
            ("d.rs", "use crate::e::E as Other;"),
            ("e.rs", "use super::d::*;"),
        ]);
        assert_eq!(two, ["a b::inner c", "d e"]);
    }
}
