//! Flags of older versions under their current names.

use std::ffi::{OsStr, OsString};

/// Former name of a flag, and its current name with the value that it implies.
const RENAMED: [(&str, &str, Option<&str>); 4] = [
    ("--flips", "--tta", Some("flip")),
    ("--mirror", "--horizontal-flip", None),
    ("--limit", "--max-samples", None),
    ("--pictures", "--background-images", None),
];

/// Replaces the flags of older versions. Returns the arguments, and a note for each flag that was
/// replaced.
pub(crate) fn current_arguments(
    arguments: impl IntoIterator<Item = OsString>,
) -> (Vec<OsString>, Vec<String>) {
    let (mut current, mut notes) = (Vec::new(), Vec::new());
    let mut arguments = arguments.into_iter();
    for argument in arguments.by_ref() {
        if argument == "--" {
            current.push(argument);
            break;
        }
        let Some((old, new, value)) = find(&argument) else {
            current.push(argument);
            continue;
        };
        let implied = value.map_or(String::new(), |value| format!(" {value}"));
        notes.push(format!("{old} is now {new}{implied}"));
        let rest = &argument.as_encoded_bytes()[old.len()..];
        match rest.is_empty() {
            true => current.push(new.into()),
            // The flag is ASCII, so that the argument may be split behind it.
            false => {
                let text = argument.to_string_lossy();
                current.push(format!("{new}{}", &text[old.len()..]).into());
            }
        }
        current.extend(value.map(OsString::from));
    }
    current.extend(arguments);
    (current, notes)
}

/// The flag of older versions that an argument is: `--limit` or `--limit=5`.
fn find(argument: &OsStr) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    RENAMED.into_iter().find(|(old, _, value)| {
        let bytes = argument.as_encoded_bytes();
        let rest = bytes.strip_prefix(old.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || (rest[0] == b'=' && value.is_none()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &[&str], expected: &[&str], count: usize) {
        let (current, notes) = current_arguments(given.iter().map(OsString::from));
        assert_eq!(current, expected);
        assert_eq!(notes.len(), count, "{notes:?}");
    }

    #[test]
    fn replaces_renamed_flags() {
        check(
            &["evaluate", "--flips", "--limit", "5"],
            &["evaluate", "--tta", "flip", "--max-samples", "5"],
            2,
        );
        check(
            &["--mirror=true", "--pictures=mnist"],
            &["--horizontal-flip=true", "--background-images=mnist"],
            2,
        );
        check(
            &["--limits", "--flips=1", "--", "--limit"],
            &["--limits", "--flips=1", "--", "--limit"],
            0,
        );
    }
}
