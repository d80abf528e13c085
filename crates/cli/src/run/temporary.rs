//! Files that were never finished.

use modiste_core::shown;
use std::fs;
use std::path::Path;

/// What files begin with that are not whole yet.
pub(super) const TEMPORARY: &str = ".modiste-";

/// Removes what a process that was killed has left of files that it was writing. Only the run's holder
/// may: another's would be among them.
pub(super) fn remove_temporary_files(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "{} stays", shown(&entry.path()));
        }
    }
}
