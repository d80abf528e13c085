//! Files that appear whole or not at all, with the rights and at the place that they had.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Links that are followed one after the other before they are taken for a circle.
const MAX_LINKS: usize = 40;

/// Writes `bytes` to `path`.
///
/// A regular file is replaced so that a reader, or a power cut, sees the old file or the new one and
/// never a part: a temporary file in the same folder, synced, renamed over the name, the folder
/// synced. It keeps the rights and the owner of the file that was there; a new one has those that the
/// umask leaves. A symbolic link stays, and the file that it leads to is written. Into anything else,
/// such as a device or a FIFO, the bytes are written as into a stream.
///
/// # Errors
/// What the file system says: no such folder, no space, no permission, a folder of that name. The
/// temporary file is removed then, and what was at `path` is untouched.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.txt");
/// modiste_core::write_atomic(&path, b"boot\n")?;
/// assert_eq!(std::fs::read(&path)?, b"boot\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let place = follow_links(path)?;
    if is_stream(&place) {
        let mut stream = OpenOptions::new().append(true).open(&place)?;
        stream.write_all(bytes)?;
        return stream.flush();
    }
    let mut file = AtomicFile::at(place)?;
    file.write_all(bytes)?;
    file.commit().map(drop)
}

/// Writes `bytes` to a new file at `path`, or, where there is something already, under the first free
/// name of `page-2.html`, `page-3.html` and so on. Returns the path of the file.
///
/// # Errors
/// As [`write_atomic`].
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
    // Whoever gets the name has it: two processes that end at once write two files.
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

/// `page.html` with a number: `page-2.html`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// File that gets its name only when it is complete. If dropped before [`commit`](Self::commit), it is
/// removed, and what was at the path is untouched.
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
    /// The path, links followed.
    place: PathBuf,
}

impl AtomicFile {
    /// Creates a temporary file in the folder of the regular file that `path` names or links to.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::at(follow_links(path)?)
    }

    /// `place` is no link. If there is no file yet, the mode is what the umask leaves; else the file is its
    /// owner's alone until it is committed.
    fn at(place: PathBuf) -> io::Result<Self> {
        let temporary = new_temporary(parent(&place), !place.exists())?;
        Ok(Self { temporary, place })
    }

    /// Path of the temporary file, to read what was written before it is committed.
    pub fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Syncs the file and gives it its name, with the mode and owner of the file that it replaces.
    /// Returns its path, links followed.
    ///
    /// # Errors
    /// If the file system refuses, or the file at the path may not be written to.
    pub fn commit(self) -> io::Result<PathBuf> {
        // Whoever may not write to a file may not replace it either.
        match OpenOptions::new().write(true).open(&self.place) {
            Ok(before) => keep_rights(&before, self.temporary.as_file())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.temporary.as_file().sync_all()?;
        let persisted = self.temporary.persist(&self.place);
        persisted.map_err(|failed| failed.error)?;
        // The rename itself is durable only once the folder is; some file systems cannot sync one.
        if let Ok(folder) = File::open(parent(&self.place)) {
            folder.sync_all().ok();
        }
        Ok(self.place)
    }
}

// Through the file itself: the wrapper's errors name the temporary file.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}

fn new_temporary(folder: &Path, for_everybody: bool) -> io::Result<tempfile::NamedTempFile> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if for_everybody { 0o666 } else { 0o600 });
    }
    // Opened here, and not by the builder, whose errors name the temporary file.
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(".modiste-")
        .make_in(folder, |path| options.open(path))
}

/// Where a path leads that may be a symbolic link, also to a file that is not there yet.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        // What /proc says of an open file is no path: "pipe:[12345]".
        if is_stream(&place) {
            return Ok(place);
        }
        match fs::read_link(&place) {
            Ok(target) => place = parent(&place).join(target),
            // No link, or nothing there.
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Whether there is something at a path that is neither a regular file nor a folder, or a file that is
/// already open: what is written to `/dev/stdout` goes behind what was printed before.
fn is_stream(path: &Path) -> bool {
    let is_open = ["/dev/fd", "/proc/self/fd"]
        .iter()
        .any(|folder| path.starts_with(folder));
    is_open || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The folder of `path`, `.` for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn keep_rights(before: &File, after: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (found, made) = (before.metadata()?, after.metadata()?);
    if (found.uid(), found.gid()) != (made.uid(), made.gid()) {
        // Only root may give a file away; for others the file is their own from now on.
        fchown(after, Some(found.uid()), Some(found.gid())).ok();
    }
    after.set_permissions(found.permissions())
}

#[cfg(not(unix))]
fn keep_rights(_before: &File, _after: &File) -> io::Result<()> {
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
        assert_eq!(fs::read(&path).expect("readable"), b"second");
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("none").join("model");
        let error = write_atomic(&path, b"x").expect_err("no such folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains("modiste"), "{error}");
        let error = write_atomic(folder.path(), b"x").expect_err("a folder is no file");
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert!(folder.path().is_dir());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).expect("it is there").mode() & 0o7777
        }

        #[test]
        fn an_existing_file_keeps_its_mode() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            for wanted in [0o600, 0o640, 0o664, 0o755] {
                let path = folder.path().join(format!("{wanted:o}"));
                fs::write(&path, "old").expect("written");
                fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).expect("set");
                write_atomic(&path, b"new").expect("replaced");
                assert_eq!(mode(&path), wanted);
            }
            // A new one is as the umask leaves it, which `fs::write` shows.
            let [ours, usual] = ["ours", "usual"].map(|name| folder.path().join(name));
            write_atomic(&ours, b"x").expect("written");
            fs::write(&usual, "x").expect("written");
            assert_eq!(mode(&ours), mode(&usual));
        }

        #[test]
        fn links_stay_and_lead_to_what_is_written() {
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
            symlink("circle", at("circle")).expect("a circle");
            assert!(write_atomic(&at("circle"), b"x").is_err());
        }

        #[test]
        fn a_fifo_is_written_to() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let fifo = folder.path().join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&fifo).status();
            assert!(made.expect("mkfifo is everywhere").success());
            let reader = {
                let fifo = fifo.clone();
                std::thread::spawn(move || fs::read(fifo))
            };
            write_atomic(&fifo, b"through").expect("written");
            assert_eq!(reader.join().expect("read").expect("read"), b"through");
            assert!(!fs::metadata(&fifo).expect("it is there").is_file());
        }

        #[test]
        fn a_device_stays_one() {
            write_atomic(Path::new("/dev/null"), b"x").expect("it takes everything");
            assert!(is_stream(Path::new("/dev/null")));
        }
    }
}
