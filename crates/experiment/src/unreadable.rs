//! Files that cannot be used, and the beginning of long lists.

use std::fmt::Display;

use modiste_core::shown;
use modiste_dataset::BadFile;
use serde::{Deserialize, Serialize};

/// Number of entries of a long list that texts and pages name; records and JSON have all.
pub(crate) const NAMED: usize = 10;

/// File that cannot be decoded, or line of a table that cannot be used, and is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableFile {
    /// Path of the file, or of the table.
    pub file: String,
    /// Reason.
    pub reason: String,
}

impl UnreadableFile {
    pub(crate) fn of(bad: &BadFile) -> Self {
        Self {
            file: shown(&bad.path).to_string(),
            reason: bad.reason.clone(),
        }
    }
}

/// Returns a line for each of the first entries, and one for the number of the others. Each line follows a line break.
pub(crate) fn first_lines(entries: &[impl Display]) -> String {
    let lines = entries.iter().take(NAMED);
    let lines: String = lines.map(|entry| format!("\n  {entry}")).collect();
    match entries.len().saturating_sub(NAMED) {
        0 => lines,
        more => format!("{lines}\n  and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_shortened() {
        assert_eq!(first_lines(&["a", "b"]), "\n  a\n  b");
        let many: Vec<usize> = (0..12).collect();
        assert!(first_lines(&many).ends_with("\n  9\n  and 2 more"));
    }
}
