//! Commands in messages: quoted for the shell, at the end of a line, ready to be copied.

use std::ffi::OsStr;
use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};

use modiste_experiment::pages::TrainingCommand;

/// Returns the command `modiste` with these words, quoted so that a shell reads them back unchanged.
pub(crate) fn command<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().fold("modiste".into(), |command, word| {
        format!("{command} {}", quoted(word.as_ref()))
    })
}

fn quoted(word: &OsStr) -> String {
    let printable = word
        .to_str()
        .filter(|word| !word.contains(char::is_control));
    match printable.map(shlex::try_quote) {
        Some(Ok(quoted)) => quoted.into_owned(),
        _ => escaped(word.as_encoded_bytes()),
    }
}

/// Quotes a word that is not UTF-8 or contains control characters through `printf`, which every POSIX shell
/// reads. A shell removes newlines at the end of a command's output, so a word that ends in one is quoted
/// as `$'…'`, which Bash and Zsh read.
fn escaped(word: &[u8]) -> String {
    let ends_in_newline = word.ends_with(b"\n");
    let mut body = String::new();
    for chunk in word.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let is_special = match letter {
                '\'' | '\\' | '%' | '!' => true,
                '-' => body.is_empty(),
                letter => letter.is_control(),
            };
            match is_special {
                true => push_octal(&mut body, letter.encode_utf8(&mut [0; 4]).as_bytes()),
                false => body.push(letter),
            }
        }
        push_octal(&mut body, chunk.invalid());
    }
    match ends_in_newline {
        true => format!("$'{body}'"),
        false => format!("\"$(printf '{body}')\""),
    }
}

fn push_octal(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "\\{byte:03o}").expect("writing to a string does not fail");
    }
}

/// Returns a path that is valid in any working directory.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// Returns the advice to run `command`, which ends the line.
pub(crate) fn advice(purpose: impl Display, command: &str) -> String {
    format!("{purpose}: {command}")
}

/// Returns the command that resumes the run in `folder`.
pub(crate) fn resume(folder: &Path) -> String {
    command([
        "train".as_ref(),
        "--resume".as_ref(),
        absolute(folder).as_os_str(),
    ])
}

/// Returns the command that repeats the run in `folder`.
pub(crate) fn reproduce(folder: &Path) -> String {
    command(["reproduce".as_ref(), absolute(folder).as_os_str()])
}

/// Returns the command that downloads `dataset` into `data`.
pub(crate) fn download(dataset: &str, data: &Path) -> String {
    on_data("download", dataset, data)
}

/// Returns the command that verifies `dataset` in `data`.
pub(crate) fn verify(dataset: &str, data: &Path) -> String {
    on_data("verify", dataset, data)
}

/// Returns the command that repeats a training.
pub(crate) fn training_command(training: &TrainingCommand<'_>) -> String {
    match training {
        TrainingCommand::Reproduce { run } => reproduce(run),
        TrainingCommand::Train {
            recipe,
            dataset,
            architecture,
            data,
        } => {
            let mut words: Vec<&OsStr> = ["train", "--recipe", recipe].map(OsStr::new).to_vec();
            for (flag, value) in [("--dataset", dataset), ("--architecture", architecture)] {
                if let Some(value) = value {
                    words.extend([flag, value].map(OsStr::new));
                }
            }
            let data = absolute(data);
            words.extend(["--data".as_ref(), data.as_os_str()]);
            command(words)
        }
        _ => command(["train"]),
    }
}

fn on_data(task: &str, dataset: &str, data: &Path) -> String {
    let words = ["data", task, dataset, "--data"].map(OsStr::new);
    let data = absolute(data);
    command(words.into_iter().chain([data.as_os_str()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_special_characters() {
        for word in ["plain", "a b", "it's", "-ünder", "$(x)", "", "a\"b`c\\"] {
            let line = command(["train", word]);
            let words = shlex::split(&line).expect("closed quotes");
            assert_eq!(words, ["modiste", "train", word]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn quotes_control_characters_and_bytes() {
        use std::os::unix::ffi::OsStrExt;
        for (shell, word) in [
            ("sh", &b"tab\t and \x1b[31m"[..]),
            ("sh", b"-it's-\n%d!\\line"),
            ("sh", b"not \xff\xfe UTF-8 \xc3\xbc7"),
            ("sh", b"\xc2\x85"),
            ("bash", b"%d at the end: '\n\n"),
        ] {
            let quoted = command([OsStr::from_bytes(word)]);
            assert!(!quoted.contains(char::is_control), "{quoted}");
            let script = quoted.replacen("modiste", "printf %s", 1);
            let read = std::process::Command::new(shell)
                .args(["-c", &script])
                .output();
            assert_eq!(read.expect("a shell").stdout, word, "{quoted}");
        }
    }
}
