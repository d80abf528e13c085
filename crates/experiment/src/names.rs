//! Names of files for headings.

use std::path::Path;

/// Returns the last component of a path.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into()
}
