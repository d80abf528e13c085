//! Commands that are printed: quoted for the shell, at the end of a line, ready to be copied.

use std::fmt::Display;
use std::path::Path;

/// The command `modiste` with these words, quoted so that a shell reads them back as they are.
pub(crate) fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words = words.into_iter().map(|word| match shlex::try_quote(word) {
        Ok(quoted) => quoted.into_owned(),
        // A zero byte, which no argument of a program can contain.
        Err(_) => word.replace('\0', ""),
    });
    std::iter::once("modiste".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A path that names the same file in any folder.
pub(crate) fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    let absolute = absolute.as_deref().unwrap_or(path);
    absolute.display().to_string()
}

/// The advice to run `command`, which ends the line.
pub(crate) fn advice(purpose: impl Display, command: &str) -> String {
    format!("{purpose}: {command}")
}

/// The command that resumes the run in `folder`.
pub(crate) fn resume(folder: &Path) -> String {
    command(["train", "--resume", &absolute(folder)])
}

/// The command that repeats the run in `folder`.
pub(crate) fn reproduce(folder: &Path) -> String {
    command(["reproduce", &absolute(folder)])
}

/// The command that downloads `dataset` into `data`.
pub(crate) fn download(dataset: &str, data: &Path) -> String {
    command(["data", "download", dataset, "--data", &absolute(data)])
}

/// The command that verifies `dataset` in `data`.
pub(crate) fn verify(dataset: &str, data: &Path) -> String {
    command(["data", "verify", dataset, "--data", &absolute(data)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_split() {
        for word in ["plain", "a b", "it's", "-ünder", "$(x)", "", "a\"b`c\\"] {
            let line = command(["train", word]);
            let words = shlex::split(&line).expect("closed quotes");
            assert_eq!(words, ["modiste", "train", word]);
        }
    }
}
