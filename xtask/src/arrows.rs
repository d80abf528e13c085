//! Dependencies between the crates, and packages that a crate must not depend on.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::command;
use crate::workspace::{cargo, root};

/// Crates of the workspace, each with the crates of the workspace that it may depend on. Development
/// dependencies are not restricted, since they are not built for users of a crate.
const ARROWS: &[(&str, &[&str])] = &[
    ("modiste-core", &[]),
    ("modiste-kernels", &[]),
    ("modiste-metrics", &[]),
    ("modiste-imaging", &["modiste-core"]),
    ("modiste-dataset", &["modiste-core", "modiste-imaging"]),
    (
        "modiste-model",
        &["modiste-core", "modiste-kernels", "modiste-metrics"],
    ),
    (
        "modiste-train",
        &[
            "modiste-core",
            "modiste-dataset",
            "modiste-kernels",
            "modiste-metrics",
            "modiste-model",
        ],
    ),
    (
        "modiste-infer",
        &["modiste-core", "modiste-imaging", "modiste-model"],
    ),
    (
        "modiste-report",
        &["modiste-core", "modiste-imaging", "modiste-metrics"],
    ),
    (
        "modiste-experiment",
        &[
            "modiste-core",
            "modiste-dataset",
            "modiste-imaging",
            "modiste-infer",
            "modiste-metrics",
            "modiste-model",
            "modiste-report",
            "modiste-train",
        ],
    ),
    (
        "modiste",
        &[
            "modiste-dataset",
            "modiste-experiment",
            "modiste-infer",
            "modiste-model",
            "modiste-train",
        ],
    ),
    (
        "modiste-cli",
        &[
            "modiste-core",
            "modiste-dataset",
            "modiste-experiment",
            "modiste-imaging",
            "modiste-infer",
            "modiste-metrics",
            "modiste-model",
            "modiste-report",
            "modiste-train",
        ],
    ),
    // It runs cargo and the binary instead.
    ("xtask", &[]),
];

/// Crate, flags for `cargo tree`, and a prefix of package names that must not be in its tree.
type Absence = (&'static str, &'static [&'static str], &'static str);

/// Packages that users of a crate must not have to compile.
const ABSENCES: &[Absence] = &[
    ("modiste-dataset", &[], "candle"),
    ("modiste-dataset", &["--no-default-features"], "ureq"),
    ("modiste-report", &[], "candle"),
    ("modiste-imaging", &[], "candle"),
    ("modiste-infer", &[], "candle"),
    ("modiste-infer", &[], "ureq"),
    ("modiste-model", &["--no-default-features"], "candle"),
    ("modiste-train", &["--no-default-features"], "candle"),
    ("modiste-experiment", &["--no-default-features"], "candle"),
    ("modiste-experiment", &[], "ureq"),
    ("modiste", &[], "candle"),
    ("modiste", &[], "ureq"),
];

/// Crates, flags for `cargo tree`, and the maximum number of packages, including the crate itself.
const SIZES: &[(&str, &[&str], usize)] = &[
    ("modiste-infer", &[], 90),
    ("modiste", &["--no-default-features"], 90),
];

/// Checks [`ARROWS`], [`ABSENCES`] and [`SIZES`].
///
/// # Errors
/// If a dependency is not allowed or a crate has too many packages; the message names all of them.
pub(crate) fn check() -> Result<()> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()?;
    let packages = metadata.workspace_packages();
    let mut wrong = forbidden(
        &packages
            .iter()
            .copied()
            .map(crate_with_siblings)
            .collect::<Vec<_>>(),
    );
    for &(package, flags, beginning) in ABSENCES {
        let tree = tree(package, "normal,build", flags)?;
        wrong.extend(
            found(&tree, beginning)
                .map(|name| format!("{package} {}pulls in {name}", with_space(flags))),
        );
    }
    for &(package, flags, most) in SIZES {
        let tree = tree(package, "normal", flags)?;
        // `cargo tree` marks a package that it has printed before.
        let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
        let packages = lines.collect::<BTreeSet<_>>().len();
        if packages > most {
            wrong.push(format!(
                "{package} {}compiles {packages} packages; the maximum is {most}",
                with_space(flags)
            ));
        }
    }
    if !wrong.is_empty() {
        bail!(
            "{}. Remove the dependency, or change xtask/src/arrows.rs and ARCHITECTURE.md",
            wrong.join("; ")
        );
    }
    Ok(())
}

/// Returns the output of `cargo tree`: a package per line.
fn tree(package: &str, edges: &str, flags: &[&str]) -> Result<String> {
    command::output(
        cargo()
            .args(["tree", "-p", package, "-e", edges, "--target", "all"])
            .args(["--prefix", "none", "--format", "{p}"])
            .args(flags),
    )
}

/// Name of a crate and its dependencies in the workspace, without development dependencies.
type Crate<'a> = (&'a str, Vec<&'a str>);

fn crate_with_siblings(package: &Package) -> Crate<'_> {
    let siblings = package
        .dependencies
        .iter()
        // Only the crates of this workspace are path dependencies.
        .filter(|dependency| dependency.path.is_some())
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect();
    (package.name.as_str(), siblings)
}

fn forbidden(crates: &[Crate<'_>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, siblings) in crates {
        match ARROWS.iter().find(|(known, _)| known == name) {
            None => wrong.push(format!("{name} is not in the table of dependencies")),
            Some((_, allowed)) => wrong.extend(
                siblings
                    .iter()
                    .filter(|sibling| !allowed.contains(sibling))
                    .map(|sibling| format!("{name} depends on {sibling}")),
            ),
        }
    }
    let gone = |(name, _): &&(&str, _)| !crates.iter().any(|(member, _)| member == name);
    wrong.extend(ARROWS.iter().filter(gone).map(|(name, _)| {
        format!("{name} is in the table of dependencies, but not in the workspace")
    }));
    wrong
}

/// Returns the packages in the output of `cargo tree` whose names begin with `beginning`.
fn found<'a>(tree: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.filter(move |name| name.starts_with(beginning))
}

fn with_space(flags: &[&str]) -> String {
    flags.iter().map(|flag| format!("{flag} ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_allowed() -> Vec<Crate<'static>> {
        ARROWS
            .iter()
            .map(|(name, allowed)| (*name, allowed.to_vec()))
            .collect()
    }

    #[track_caller]
    fn check(crates: &[Crate<'_>], expected: &[&str]) {
        assert_eq!(forbidden(crates), expected);
    }

    #[test]
    fn allows_only_dependencies_of_table() {
        check(&as_allowed(), &[]);
        let mut crates = as_allowed();
        let train = crates.iter_mut().find(|(name, _)| *name == "modiste-train");
        train.expect("in the table").1.push("modiste-infer");
        check(&crates, &["modiste-train depends on modiste-infer"]);
    }

    #[test]
    fn compares_crates_of_table_and_workspace() {
        let mut crates = as_allowed();
        *crates.last_mut().expect("a crate") = ("modiste-new", vec![]);
        let expected = [
            "modiste-new is not in the table of dependencies",
            "xtask is in the table of dependencies, but not in the workspace",
        ];
        check(&crates, &expected);
    }

    #[test]
    fn dependencies_are_acyclic() {
        for (index, (name, allowed)) in ARROWS.iter().enumerate() {
            let position = |sibling: &&str| {
                let place = ARROWS.iter().position(|(known, _)| known == sibling);
                place.expect("a crate of the table")
            };
            // Each crate depends only on crates in earlier lines.
            assert!(allowed.iter().all(|to| position(to) < index), "{name}");
        }
    }

    #[test]
    fn finds_packages_by_prefix() {
        let tree = "modiste-model v0.1.0 (/x/candle)\ncandle-core v0.11.1\ngemm v0.19.0\n";
        assert_eq!(found(tree, "candle").collect::<Vec<_>>(), ["candle-core"]);
    }
}
