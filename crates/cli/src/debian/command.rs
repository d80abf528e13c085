//! Commands of the system with a timeout.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs a command, or kills it after `timeout`. Returns its output.
///
/// # Errors
/// Returns the name of the command and its first error message, in one line.
pub(super) fn run(command: &mut Command, timeout: Duration) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |what: &dyn std::fmt::Display| format!("{name}: {what}");
    // Output goes to files: a pipe is not read while this waits, and would block the command when it is full.
    let mut output = tempfile::tempfile().map_err(|error| failed(&error))?;
    let mut errors = tempfile::tempfile().map_err(|error| failed(&error))?;
    let mut child = command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(|error| failed(&error))?)
        .stderr(errors.try_clone().map_err(|error| failed(&error))?)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => failed(&"command not found"),
            _ => failed(&error),
        })?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| failed(&error))? {
            Some(status) => break status,
            None if start.elapsed() > timeout => {
                child.kill().ok();
                child.wait().ok();
                return Err(failed(&format!("timed out after {} s", timeout.as_secs())));
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    if status.success() {
        return text(&mut output).map_err(|error| failed(&error));
    }
    // apt marks errors among its warnings; other commands print the error first, then hints.
    let errors = text(&mut errors).unwrap_or_default();
    let marked: Vec<&str> = errors
        .lines()
        .filter(|line| line.starts_with("E:"))
        .collect();
    let first = errors.lines().find(|line| !line.trim().is_empty());
    Err(match (marked.is_empty(), first) {
        (false, _) => failed(&marked.join("; ")),
        (true, Some(first)) => failed(&first),
        (true, None) => failed(&status),
    })
}

fn text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &[&str], timeout: Duration, expected: Result<&str, &str>) {
        let found = run(Command::new(command[0]).args(&command[1..]), timeout);
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn returns_output_error_or_timeout() {
        let [long, short] = [10, 0].map(Duration::from_secs);
        check(&["sh", "-c", "echo yes"], long, Ok("yes\n"));
        let hint = ["sh", "-c", "echo wrong >&2; echo a hint >&2; exit 1"];
        check(&hint, long, Err("sh: wrong"));
        let apt = [
            "sh",
            "-c",
            "echo W: one >&2; echo E: two >&2; echo E: three >&2; exit 1",
        ];
        check(&apt, long, Err("sh: E: two; E: three"));
        check(&["sh", "-c", "exit 3"], long, Err("sh: exit status: 3"));
        check(&["sleep", "5"], short, Err("sleep: timed out after 0 s"));
        check(
            &["no-such-command-here"],
            long,
            Err("no-such-command-here: command not found"),
        );
    }
}
