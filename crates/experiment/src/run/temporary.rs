//! Temporary files that a killed process leaves behind.

use std::fs;
use std::path::Path;

use modiste_core::shown;

/// Prefix of temporary files.
pub(super) const TEMPORARY: &str = ".modiste-";

/// Removes temporary files of a killed process. Only the holder of the lock may call this; otherwise the files may
/// belong to another process.
pub(super) fn remove_temporary_files(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(%error, "cannot remove {}", shown(&entry.path()));
        }
    }
}
