//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `path` so that a reader, or a power cut, sees the old file or the new one and
/// never a part: a temporary file in the same folder, synced, renamed over the name, the folder
/// synced.
///
/// # Errors
/// What the file system says: no such folder, no space, no permission. The temporary file is
/// removed then, and what was at `path` is untouched.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.txt");
/// modiste_dataset::write_atomic(&path, b"boot\n")?;
/// assert_eq!(std::fs::read(&path)?, b"boot\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = parent(path);
    let mut temporary = tempfile::Builder::new()
        .prefix(".modiste-")
        .tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    persist(temporary, path)
}

/// Gives a finished temporary file, which must lie in `path`'s folder, its name.
pub(crate) fn persist(temporary: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    make_readable(temporary.as_file())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|failed| failed.error)?;
    // The rename itself is durable only once the folder is; some file systems cannot sync one.
    if let Ok(folder) = File::open(parent(path)) {
        folder.sync_all().ok();
    }
    Ok(())
}

/// The folder of `path`, `.` for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are made for their owner alone; results are for everybody to read.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("model");
        write_atomic(&path, b"first").expect("written");
        write_atomic(&path, b"second").expect("replaced");
        assert_eq!(std::fs::read(&path).expect("readable"), b"second");
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("none").join("model");
        assert!(write_atomic(&path, b"x").is_err());
    }
}
