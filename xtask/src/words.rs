//! Words that the project avoids in prose, comments and messages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::root;

/// Words to avoid, and the terms to use.
const AVOIDED: &str = include_str!("../words/avoided.txt");

/// Parts of lines that may contain them.
const KEPT: &str = include_str!("../words/kept.txt");

/// Files and folders that are checked.
const CHECKED: [&str; 9] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "crates",
    "docs",
    "fuzz",
    "models",
    "xtask",
];

/// Checks all text of the workspace.
///
/// # Errors
/// If a line contains a word to avoid; the message names file, line, word and term.
pub(crate) fn check() -> Result<()> {
    let mut found = Vec::new();
    for name in CHECKED {
        for file in texts(&root().join(name))? {
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let name = file.strip_prefix(root()).unwrap_or(&file);
            for (line, problem) in problems(&text) {
                found.push(format!("{}:{line}: {problem}", name.display()));
            }
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => bail!("{} lines:\n{}", found.len(), found.join("\n")),
    }
}

/// The Rust and Markdown files at a path.
fn texts(path: &Path) -> Result<Vec<PathBuf>> {
    let context = || path.display().to_string();
    if path.is_file() {
        let is_text = path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "md");
        let is_rule = path.ends_with("xtask/src/words.rs");
        return Ok(Vec::from_iter(
            (is_text && !is_rule).then(|| path.to_owned()),
        ));
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(context)? {
        let entry = entry.with_context(context)?;
        if entry.file_name() != "target" {
            files.extend(texts(&entry.path())?);
        }
    }
    files.sort();
    Ok(files)
}

/// Numbers of the lines, from 1, that contain a word to avoid, and the term to use.
fn problems(text: &str) -> Vec<(usize, String)> {
    let mut problems = Vec::new();
    let mut before = "";
    for (number, line) in (1..).zip(text.lines()) {
        let is_kept = entries(KEPT).any(|kept| line.contains(kept));
        if !is_kept {
            for (word, term) in entries(AVOIDED).filter_map(|entry| entry.split_once("-> ")) {
                if contains(line, before, word) {
                    let word = word.trim_end();
                    problems.push((number, format!("`{word}`: use {term}")));
                }
            }
        }
        before = line;
    }
    problems
}

/// Lines of a list that are neither empty nor comments.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns whether a line contains a word. `before` is the line in front of it: only the first line of a
/// documentation comment is a summary.
fn contains(line: &str, before: &str, word: &str) -> bool {
    // One space separates a word from the arrow; a second one belongs to the word.
    let word = word.strip_suffix(' ').unwrap_or(word);
    let is_doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
    let line = line.trim_start();
    match word.strip_prefix('^') {
        None => line.to_lowercase().contains(word),
        Some(word) => {
            let is_summary = is_doc(line) && !is_doc(before.trim_start());
            let text = line.get(3..).unwrap_or_default().trim_start();
            let first = text.to_lowercase();
            is_summary
                && first.strip_prefix(word).is_some_and(|rest| {
                    !rest.starts_with(char::is_alphanumeric) || word.ends_with(' ')
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let lines: Vec<usize> = problems(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn finds_avoided_words() {
        check("a rectifier\nA Made-Up image", &[1, 2]);
        check("this is no file\nit is no longer there", &[1]);
        check(
            "/// What it is.\n/// Where it is.\nfn f() {}\n/// Its size.",
            &[1, 4],
        );
        check("/// Whatever the size.\n// What a comment says.", &[]);
        check("const NAME: &str = \"made-up\";", &[]);
    }
}
