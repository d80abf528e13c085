//! Search for picture files in folders.
//!
//! Hidden files and files of the operating system are ignored. A file is a picture if its extension or its first bytes
//! are those of an image format, even if it turns out to be unreadable. Other files are skipped.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use modiste_imaging::{MAGIC_LENGTH, is_image};

/// Size limit of picture files, in bytes.
const MAX_FILE: u64 = 128 << 20;

/// Extensions of image formats, including formats that cannot be decoded.
const EXTENSIONS: [&str; 43] = [
    "apng", "arw", "avif", "bmp", "cr2", "cr3", "dib", "dng", "exr", "gif", "hdr", "heic", "heif",
    "hif", "ico", "j2k", "jfif", "jif", "jp2", "jpe", "jpeg", "jpf", "jpg", "jpx", "jxl", "nef",
    "orf", "pbm", "pgm", "pjp", "pjpeg", "png", "pnm", "ppm", "psd", "qoi", "raf", "rw2", "svg",
    "tga", "tif", "tiff", "webp",
];

/// Names of files and folders that operating systems create, in lower case.
const LEFT_BY_SYSTEMS: [&str; 3] = ["__macosx", "desktop.ini", "thumbs.db"];

/// Picture files in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PictureFiles {
    /// Paths of the pictures.
    pub files: Vec<PathBuf>,
    /// Number of files that are not pictures.
    pub skipped: usize,
}

/// Error of [`read_picture`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureFileError {
    /// The operating system cannot read the file.
    #[error("{0}")]
    Io(io::Error),
    /// The path is a folder, and contains no pictures.
    #[error("a folder without pictures")]
    EmptyFolder,
    /// The file exceeds the size limit.
    #[error("the file is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge,
}

impl PictureFiles {
    /// Adds a file, or the pictures in a folder and its subfolders. A folder without pictures is added like a file, so
    /// that [`read_picture`] returns an error for it.
    pub fn add(&mut self, path: PathBuf) {
        let before = self.files.len();
        if path.is_dir() {
            self.add_folder(&path, &mut HashSet::new());
        }
        if self.files.len() == before {
            self.files.push(path);
        }
    }

    fn add_folder(&mut self, folder: &Path, visited: &mut HashSet<PathBuf>) {
        walk(folder, false, visited, &mut |found| match found.kind {
            FoundKind::Picture => self.files.push(found.path),
            FoundKind::Other => self.skipped += 1,
        });
    }
}

/// File that [`walk`] finds.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Path without links, unless the file cannot be read.
    pub(crate) canonical: PathBuf,
    /// `true` if the path leads through a link.
    pub(crate) linked: bool,
    pub(crate) kind: FoundKind,
}

/// Kind of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundKind {
    /// Picture; or a folder or link that cannot be read, so that [`read_picture`] returns an error for it.
    Picture,
    /// File that is not a picture.
    Other,
}

/// Passes all files in a folder and its subfolders to `visit`, ordered by path, without hidden files and those of the
/// operating system. `visited` contains the canonical paths of the folders that were read, because links may lead to
/// one more than once.
pub(crate) fn walk(
    folder: &Path,
    linked: bool,
    visited: &mut HashSet<PathBuf>,
    visit: &mut dyn FnMut(Found),
) {
    let Ok(canonical) = folder.canonicalize() else {
        return;
    };
    if !visited.insert(canonical.clone()) {
        return;
    }
    let found = |path: PathBuf, canonical: PathBuf, linked, kind| Found {
        path,
        canonical,
        linked,
        kind,
    };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let Ok(mut entries) = entries else {
        visit(found(
            folder.to_owned(),
            canonical,
            linked,
            FoundKind::Picture,
        ));
        return;
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if is_ignored(&path) {
            continue;
        }
        let linked = linked || entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let metadata = match linked {
            false => entry.metadata(),
            true => fs::metadata(&path),
        };
        let kind = match metadata {
            Ok(found) if found.is_dir() => {
                walk(&path, linked, visited, visit);
                continue;
            }
            // A device, or a FIFO, whose reading could block.
            Ok(found) if !found.is_file() => FoundKind::Other,
            Ok(_) if !is_picture(&path) => FoundKind::Other,
            // A dangling link with the extension of a picture counts, so that reading it reports an error.
            Err(_) if !is_named_like_picture(&path) => FoundKind::Other,
            _ => FoundKind::Picture,
        };
        let canonical = match linked {
            false => canonical.join(entry.file_name()),
            true => path.canonicalize().unwrap_or_else(|_| path.clone()),
        };
        visit(found(path, canonical, linked, kind));
    }
}

/// Finds the pictures in a folder and its subfolders, ordered by path. Follows links to folders, and reads each folder
/// once.
pub fn pictures_in_folder(folder: &Path) -> PictureFiles {
    let mut pictures = PictureFiles::default();
    pictures.add_folder(folder, &mut HashSet::new());
    pictures
}

/// Returns `true` for hidden files and files of the operating system.
pub(crate) fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || LEFT_BY_SYSTEMS.contains(&name.to_lowercase().as_str())
}

/// Returns `true` if a regular file has the extension or the first bytes of an image format.
pub(crate) fn is_picture(path: &Path) -> bool {
    is_named_like_picture(path) || {
        let mut start = Vec::new();
        let opened = File::open(path).map(|file| file.take(MAGIC_LENGTH as u64));
        let read = opened.and_then(|mut file| file.read_to_end(&mut start));
        read.is_ok() && is_image(&start)
    }
}

/// Returns `true` if the extension is that of an image format.
pub(crate) fn is_named_like_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    EXTENSIONS.iter().any(|known| extension == *known)
}

/// Reads a picture file.
///
/// # Errors
/// Returns [`PictureFileError`] if the file cannot be read, is a folder or exceeds 128 MiB.
pub fn read_picture(path: &Path) -> Result<Vec<u8>, PictureFileError> {
    if path.is_dir() {
        // Reports why the folder cannot be read, if that is so.
        fs::read_dir(path).map_err(PictureFileError::Io)?;
        return Err(PictureFileError::EmptyFolder);
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(PictureFileError::Io)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(PictureFileError::TooLarge),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(paths: &[PathBuf]) -> PictureFiles {
        let mut pictures = PictureFiles::default();
        paths.iter().for_each(|path| pictures.add(path.clone()));
        pictures
    }

    #[track_caller]
    fn write(folder: &Path, name: &str, bytes: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }

    fn names<'a>(pictures: &'a PictureFiles, folder: &Path) -> Vec<&'a str> {
        let below = |file: &'a PathBuf| file.strip_prefix(folder).unwrap_or(file).to_str();
        pictures.files.iter().filter_map(below).collect()
    }

    #[test]
    fn lists_pictures_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("b/empty")).expect("folders");
        for name in ["c.JPG", "a.png", "notes.txt", "b/d.webp"] {
            write(folder.path(), name, b"x");
        }
        let found = both(&[folder.path().to_owned(), "missing.png".into()]);
        let expected = ["a.png", "b/d.webp", "c.JPG", "missing.png"];
        assert_eq!(names(&found, folder.path()), expected);
        assert_eq!(found.skipped, 1);

        let empty = folder.path().join("b/empty");
        let found = both(std::slice::from_ref(&empty));
        assert_eq!(found.files, std::slice::from_ref(&empty));
        let error = read_picture(&empty).unwrap_err().to_string();
        assert!(error.starts_with("a folder without pictures"), "{error}");
    }

    #[test]
    fn recognises_pictures_by_name_or_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        // By name, whatever the content.
        for name in ["1.jfif", "2.jpe", "3.HEIC", "4.tif", "5.avif"] {
            write(at, name, b"x");
        }
        // By content, whatever the name.
        write(at, "6", b"\xff\xd8\xff\xe0");
        write(at, "7.txt", b"GIF89a");
        write(at, "8.dat", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
        // Neither.
        write(at, "labels.csv", b"file,label\n");
        write(at, "report.html", b"<html>");
        let found = pictures_in_folder(at);
        let expected = [
            "1.jfif", "2.jpe", "3.HEIC", "4.tif", "5.avif", "6", "7.txt", "8.dat",
        ];
        assert_eq!(names(&found, at), expected);
        assert_eq!(found.skipped, 2);
    }

    #[test]
    fn ignores_files_of_operating_systems() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        for name in [
            ".DS_Store",
            "._1.jpg",
            ".ipynb_checkpoints/1-checkpoint.jpg",
            "__MACOSX/1.jpg",
            "Thumbs.db",
            "Desktop.ini",
        ] {
            write(at, name, b"\xff\xd8\xff\xe0");
        }
        write(at, "1.jpg", b"x");
        let found = pictures_in_folder(at);
        assert_eq!((names(&found, at), found.skipped), (vec!["1.jpg"], 0));
        // A hidden folder is searched if it is passed explicitly.
        let hidden = at.join(".ipynb_checkpoints");
        let found = both(std::slice::from_ref(&hidden));
        assert_eq!(names(&found, &hidden), ["1-checkpoint.jpg"]);
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_and_reads_each_folder_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        write(at, "elsewhere/1.png", b"x");
        fs::create_dir(at.join("photos")).expect("a folder");
        symlink("../elsewhere", at.join("photos/linked")).expect("a link");
        symlink("..", at.join("photos/circle")).expect("a link");
        symlink("nowhere.png", at.join("photos/lost.png")).expect("a link");
        let found = pictures_in_folder(&at.join("photos"));
        let expected = ["circle/elsewhere/1.png", "lost.png"];
        assert_eq!(names(&found, &at.join("photos")), expected);
        // Folders that all link to each other have a factorial number of paths.
        let maze = at.join("maze");
        for from in 0..9 {
            write(&maze, &format!("{from}/{from}.png"), b"x");
            for to in 0..9 {
                let link = maze.join(format!("{from}/to-{to}"));
                symlink(maze.join(to.to_string()), link).expect("a link");
            }
        }
        assert_eq!(pictures_in_folder(&maze).files.len(), 9);
    }
}
