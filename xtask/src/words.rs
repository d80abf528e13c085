//! Words that the project avoids in prose, comments and messages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::root;

/// Words to avoid, and the terms to use.
const AVOIDED: &str = include_str!("../words/avoided.txt");

/// Phrases that may contain them.
const KEPT: &str = include_str!("../words/kept.txt");

/// Files and folders that are checked.
const CHECKED: [&str; 13] = [
    ".ci/run",
    ".github",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.toml",
    "README.md",
    "crates",
    "datasets",
    "docs",
    "fuzz",
    "models",
    "xtask",
];

/// Extensions of the files in these folders that contain text.
const EXTENSIONS: [&str; 5] = ["md", "py", "rs", "toml", "yml"];

/// Beginnings of lines that contain comments. The first two are documentation.
const MARKERS: [&str; 4] = ["///", "//!", "//", "# "];

/// Checks all text of the workspace.
///
/// # Errors
/// If a line contains a word to avoid; the message names the file, the line, the word and the term to use.
pub(crate) fn check() -> Result<()> {
    let mut found = Vec::new();
    for name in CHECKED {
        let path = root().join(name);
        let files = match path.is_dir() {
            true => texts(&path)?,
            false => vec![path],
        };
        for file in files {
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

/// Text files in a folder and its subfolders, sorted by path. This file is left out: its tests contain the
/// words.
fn texts(folder: &Path) -> Result<Vec<PathBuf>> {
    let context = || folder.display().to_string();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let extension = path.extension().unwrap_or_default();
        if path.is_dir() {
            if !path.ends_with("target") {
                files.extend(texts(&path)?);
            }
        } else if EXTENSIONS.iter().any(|text| extension == *text)
            && !path.ends_with("xtask/src/words.rs")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Line numbers, from 1, of words to avoid, each with the term to use.
fn problems(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<Line> = text.lines().map(Line::new).collect();
    let mut problems = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_summary = is_summary(&lines[..index], line);
        let text = line.joined_to(lines.get(index + 1));
        for (word, term) in entries(AVOIDED).filter_map(|entry| entry.split_once(" -> ")) {
            let is_found = match word.strip_prefix('^') {
                Some(first) => is_summary && text.strip_prefix(first).is_some_and(ends_word),
                None => text.match_indices(word).any(|(start, _)| {
                    start < line.text.len()
                        && !text[..start].ends_with(char::is_alphanumeric)
                        && ends_word(&text[start + word.len()..])
                }),
            };
            if is_found {
                problems.push((index + 1, format!("`{word}`: use {term}")));
            }
        }
    }
    problems
}

/// Lines of a list that are neither empty nor comments.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns whether a word, or its plural, ends in front of `rest`.
fn ends_word(rest: &str) -> bool {
    !rest
        .strip_prefix('s')
        .unwrap_or(rest)
        .starts_with(char::is_alphanumeric)
}

/// Returns whether a line begins the summary of a documentation comment or of one of its sections.
fn is_summary(before: &[Line], line: &Line) -> bool {
    let mut before = before.iter().rev().take_while(|b| b.marker == line.marker);
    let is_first = match before.find(|before| !before.text.is_empty()) {
        Some(before) => before.text.starts_with("# "),
        None => true,
    };
    is_first && MARKERS[..2].contains(&line.marker) && !line.text.is_empty()
}

/// A line of text or code.
struct Line {
    /// Marker of a comment, or an empty string.
    marker: &'static str,
    /// Rest of the line in lower case, without a continuation mark.
    text: String,
}

impl Line {
    fn new(line: &str) -> Self {
        let line = line.trim_start();
        let marker = MARKERS.into_iter().find(|marker| line.starts_with(marker));
        let marker = marker.unwrap_or_default();
        let text = line[marker.len()..].trim_end_matches('\\').trim();
        Self {
            marker,
            text: text.to_lowercase().replace('_', " "),
        }
    }

    /// The text followed by that of the next line if both have the same marker: a phrase may be split. Phrases
    /// to keep are masked.
    fn joined_to(&self, next: Option<&Self>) -> String {
        let next = next.filter(|next| next.marker == self.marker);
        let mut text = format!("{} {}", self.text, next.map_or("", |next| &next.text));
        for kept in entries(KEPT) {
            text = text.replace(kept, &"*".repeat(kept.len()));
        }
        text
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
        check("a rectifier\nA Made-Up image\ntwo rectifiers", &[1, 2, 3]);
        check("fn made_up() {}\nlet made_upper = 1;", &[1]);
        check("a black one\nit lacks one", &[2]);
    }

    #[test]
    fn finds_phrase_split_over_lines() {
        check("// this is\n// no file", &[1]);
        check("\"this is \\\n    no file\"", &[1]);
        check("// this is no\n// file", &[1]);
        check("    /// images are made\n    /// up here", &[1]);
        check("// this is\nno_file();", &[]);
    }

    #[test]
    fn masks_kept_phrases() {
        check("it is no longer there\nit is no\nlonger there", &[]);
        check("it is no longer a file, and is no folder", &[1]);
        check("const NAME: &str = \"made-up\";", &[]);
        check("There is no such file.", &[]);
        check("`x` is not a number.", &[]);
        check("the loss is not a number", &[1]);
    }

    #[test]
    fn finds_first_words_of_summaries() {
        check("/// What it is.\n/// Where it is.\nfn f() {}", &[1]);
        check("//! What it is.\n\n    /// Its size.\n", &[1, 3]);
        check("//! A module.\n/// What it is.", &[2]);
        check("/// A file.\n///\n/// Where it is, is open.", &[]);
        check("/// A file.\n///\n/// # Errors\n/// Where it fails.", &[4]);
        check("/// Whatever the size.\n// What a comment says.", &[]);
        check("/// What's wrong.\n///\n/// What else.", &[1]);
    }
}
