//! Atomic writing of files, which keeps permissions, owners and symbolic links.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Upper bound of chained symbolic links, to detect cycles.
const MAX_LINKS: usize = 40;

/// Writes `bytes` to `path` atomically.
///
/// Readers see the old file or the new one and never a part, even after a power failure: the bytes
/// go to a temporary file in the same folder, which is synced and renamed. The file keeps the
/// permissions and the owner of the file that it replaces; a new file has those that the umask
/// leaves. If `path` is a symbolic link, the link is kept and its target is written. Devices, FIFOs
/// and other special files are written to directly.
///
/// # Errors
/// Returns the error of the file system, for example if the folder does not exist, space or permissions are
/// missing, or `path` is a folder. The file at `path` is then unchanged and the temporary file removed.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.txt");
/// modiste_core::write_atomic(&path, b"boot\n")?;
/// assert_eq!(std::fs::read(&path)?, b"boot\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = follow_links(path)?;
    if is_stream(&target) {
        let mut stream = OpenOptions::new().append(true).open(&target)?;
        stream.write_all(bytes)?;
        return stream.flush();
    }
    let mut file = AtomicFile::at(target)?;
    file.write_all(bytes)?;
    file.commit().map(drop)
}

/// Writes `bytes` to a new file and returns its path: `path`, or the first free name of `page-2.html`,
/// `page-3.html` and so on if `path` exists.
///
/// # Errors
/// Returns the error of the file system.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("page.html");
/// assert_eq!(modiste_core::write_numbered(&path, b"one")?, path);
/// let second = modiste_core::write_numbered(&path, b"two")?;
/// assert_eq!(second, folder.path().join("page-2.html"));
/// assert_eq!(std::fs::read(&path)?, b"one");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_numbered(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut free = path.to_owned();
    let mut temporary = new_temporary(parent(path), true)?;
    temporary.as_file_mut().write_all(bytes)?;
    temporary.as_file().sync_all()?;
    let mut number = 1;
    // Creating the name is atomic, so two processes never write the same file.
    while let Err(failed) = temporary.persist_noclobber(&free) {
        if failed.error.kind() != io::ErrorKind::AlreadyExists {
            return Err(failed.error);
        }
        temporary = failed.file;
        number += 1;
        free = numbered(path, number);
    }
    Ok(free)
}

/// Adds a number to a file name: `page-2.html`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// File that appears at its path on [`commit`](Self::commit). If it is dropped before, it is
/// removed and the file at the path is unchanged.
///
/// ```
/// use std::io::Write;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("images.bin");
/// let mut file = modiste_core::AtomicFile::create(&path)?;
/// file.write_all(&[1, 2, 3])?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, [1, 2, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    temporary: tempfile::NamedTempFile,
    /// Target path with links resolved.
    target: PathBuf,
}

impl AtomicFile {
    /// Creates a temporary file in the folder of the regular file that `path` names or links to.
    ///
    /// # Errors
    /// Returns the error of the file system.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::at(follow_links(path)?)
    }

    /// Creates the temporary file for a `target` that is not a link. The permissions are those that
    /// the umask leaves if `target` does not exist, and the owner's alone until the commit if it
    /// does.
    fn at(target: PathBuf) -> io::Result<Self> {
        let temporary = new_temporary(parent(&target), !target.exists())?;
        Ok(Self { temporary, target })
    }

    /// Path of the temporary file, for reading before the commit.
    pub fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Syncs the file and renames it to its path, with the permissions and the owner of the file that it
    /// replaces. Returns the path with links resolved.
    ///
    /// # Errors
    /// Returns the error of the file system, or an error if the existing file is not writable.
    pub fn commit(self) -> io::Result<PathBuf> {
        // A file that is not writable must not be replaced.
        match OpenOptions::new().write(true).open(&self.target) {
            Ok(before) => copy_permissions(&before, self.temporary.as_file())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.temporary.as_file().sync_all()?;
        let persisted = self.temporary.persist(&self.target);
        persisted.map_err(|failed| failed.error)?;
        // The rename is durable once the folder is synced, which some file systems do not support.
        if let Ok(folder) = File::open(parent(&self.target)) {
            folder.sync_all().ok();
        }
        Ok(self.target)
    }
}

// The methods of the wrapper would name the temporary file in their errors.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

fn new_temporary(folder: &Path, default_permissions: bool) -> io::Result<tempfile::NamedTempFile> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if default_permissions { 0o666 } else { 0o600 });
    }
    // The builder would name the temporary file in its errors.
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(".modiste-")
        .make_in(folder, |path| options.open(path))
}

/// Resolves symbolic links at the end of a path, also to a file that does not exist yet.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        // Links in /proc to open files are not paths: "pipe:[12345]".
        if is_stream(&target) {
            return Ok(target);
        }
        match fs::read_link(&target) {
            Ok(next) => target = parent(&target).join(next),
            // Not a link, or nothing at this path.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Returns true for special files, and for paths of open files such as `/dev/stdout`, to which
/// output must be appended.
fn is_stream(path: &Path) -> bool {
    let is_open = ["/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|folder| path.starts_with(folder));
    is_open || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Folder of `path`; `.` for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn copy_permissions(before: &File, after: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (found, created) = (before.metadata()?, after.metadata()?);
    if (found.uid(), found.gid()) != (created.uid(), created.gid()) {
        // Only root may change the owner; otherwise the new file belongs to the user.
        fchown(after, Some(found.uid()), Some(found.gid())).ok();
    }
    after.set_permissions(found.permissions())
}

#[cfg(not(unix))]
fn copy_permissions(_before: &File, _after: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_file_and_removes_temporary() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("model");
        write_atomic(&path, b"first").expect("written");
        write_atomic(&path, b"second").expect("replaced");
        assert_eq!(fs::read(&path).expect("readable"), b"second");
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
    }

    #[test]
    fn missing_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("none").join("model");
        let error = write_atomic(&path, b"x").expect_err("no such folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("modiste"), "{error}");
        let error = write_atomic(folder.path(), b"x").expect_err("a folder");
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert!(folder.path().is_dir());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).expect("metadata").mode() & 0o7777
        }

        #[test]
        fn keeps_mode_of_existing_file() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            for wanted in [0o600, 0o640, 0o664, 0o755] {
                let path = folder.path().join(format!("{wanted:o}"));
                fs::write(&path, "old").expect("written");
                fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).expect("set");
                write_atomic(&path, b"new").expect("replaced");
                assert_eq!(mode(&path), wanted);
            }
            // The mode of a new file follows the umask, as with `fs::write`.
            let [ours, usual] = ["ours", "usual"].map(|name| folder.path().join(name));
            write_atomic(&ours, b"x").expect("written");
            fs::write(&usual, "x").expect("written");
            assert_eq!(mode(&ours), mode(&usual));
        }

        #[test]
        fn writes_through_symbolic_links() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let at = |name: &str| folder.path().join(name);
            fs::create_dir(at("sub")).expect("a folder");
            symlink("sub/target", at("link")).expect("a link to nothing yet");
            symlink("link", at("chain")).expect("a link to a link");
            for text in ["first", "second"] {
                write_atomic(&at("chain"), text.as_bytes()).expect("written");
                assert_eq!(fs::read_to_string(at("sub/target")).expect("text"), text);
            }
            assert!(at("chain").is_symlink() && at("link").is_symlink());
            symlink("cycle", at("cycle")).expect("a cycle");
            assert!(write_atomic(&at("cycle"), b"x").is_err());
        }

        #[test]
        fn writes_to_fifo() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let fifo = folder.path().join("fifo");
            let created = std::process::Command::new("mkfifo").arg(&fifo).status();
            assert!(created.expect("mkfifo").success());
            let reader = {
                let fifo = fifo.clone();
                std::thread::spawn(move || fs::read(fifo))
            };
            write_atomic(&fifo, b"through").expect("written");
            assert_eq!(reader.join().expect("read").expect("read"), b"through");
            assert!(!fs::metadata(&fifo).expect("metadata").is_file());
        }

        #[test]
        fn writes_to_device() {
            write_atomic(Path::new("/dev/null"), b"x").expect("written");
            assert!(is_stream(Path::new("/dev/null")));
        }
    }
}
