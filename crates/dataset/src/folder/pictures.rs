//! Picture files in folders: one rule for everybody.
//!
//! In a folder, hidden files and what systems leave there are ignored. A file is a picture if its name
//! or its content claims so; one that then cannot be read is a failure. Other files are skipped.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use modiste_core::{TextError, decode_text};
use modiste_imaging::{MAGIC_LENGTH, is_image};

/// Largest picture file that is read, in bytes.
const MAX_FILE: u64 = 128 << 20;

/// Endings by which a name claims to be a picture's, whether it can be decoded here or not.
const EXTENSIONS: [&str; 43] = [
    "apng", "arw", "avif", "bmp", "cr2", "cr3", "dib", "dng", "exr", "gif", "hdr", "heic", "heif",
    "hif", "ico", "j2k", "jfif", "jif", "jp2", "jpe", "jpeg", "jpf", "jpg", "jpx", "jxl", "nef",
    "orf", "pbm", "pgm", "pjp", "pjpeg", "png", "pnm", "ppm", "psd", "qoi", "raf", "rw2", "svg",
    "tga", "tif", "tiff", "webp",
];

/// What systems put into folders, in lower case; besides names that begin with a dot.
const LEFT_BY_SYSTEMS: [&str; 3] = ["__macosx", "desktop.ini", "thumbs.db"];

/// Picture files, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PictureFiles {
    /// Paths of the pictures.
    pub files: Vec<PathBuf>,
    /// Number of files that are not pictures.
    pub skipped: usize,
}

/// Why a picture file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureFileError {
    /// The operating system refuses.
    #[error("{0}")]
    Io(io::Error),
    /// It is a folder without pictures.
    #[error("a folder with no picture in it")]
    Folder,
    /// It is larger than a picture may be.
    #[error("the file is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge,
}

impl PictureFiles {
    /// Adds a file, or the pictures in a folder and in its folders. A folder without pictures is added as a
    /// file, so that [`read_picture`] returns what is wrong with it.
    pub fn add(&mut self, path: PathBuf) {
        let before = self.files.len();
        if path.is_dir() {
            self.add_folder(&path, &mut HashSet::new());
        }
        if self.files.len() == before {
            self.files.push(path);
        }
    }

    /// Adds the pictures in a folder. A folder that cannot be read is added as if it were a picture, so
    /// that reading it fails as that of a picture would. `visited` are the folders that were read, as the
    /// system knows them: links may lead to one more than once.
    fn add_folder(&mut self, folder: &Path, visited: &mut HashSet<PathBuf>) {
        let Ok(place) = folder.canonicalize() else {
            return;
        };
        if !visited.insert(place) {
            return;
        }
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let Ok(entries) = entries else {
            self.files.push(folder.to_owned());
            return;
        };
        let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        for path in paths {
            if is_ignored(&path) {
                continue;
            }
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() => self.add_folder(&path, visited),
                Ok(found) if found.is_file() && !is_picture(&path) => self.skipped += 1,
                // A device, or a FIFO that nobody may write to.
                Ok(found) if !found.is_file() => self.skipped += 1,
                // A link that leads nowhere is a failure where it is called like a picture.
                Err(_) if !is_named_like_picture(&path) => self.skipped += 1,
                _ => self.files.push(path),
            }
        }
    }
}

/// Parses a list of paths: one per line, or between zero bytes.
///
/// # Errors
/// [`TextError`] if the list is UTF-16 without a byte order mark, or damaged.
///
/// ```
/// let paths = modiste_dataset::parse_path_list(b"a b.png\nc.png\n")?;
/// assert_eq!(paths, ["a b.png", "c.png"].map(std::path::PathBuf::from));
/// # Ok::<(), modiste_core::TextError>(())
/// ```
pub fn parse_path_list(list: &[u8]) -> Result<Vec<PathBuf>, TextError> {
    let is_utf16 = list.starts_with(&[0xff, 0xfe]) || list.starts_with(&[0xfe, 0xff]);
    if is_utf16 {
        let text = decode_text(list)?;
        let lines = text.lines().filter(|line| !line.is_empty());
        return Ok(lines.map(PathBuf::from).collect());
    }
    let list = list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list);
    if is_unmarked_utf16(list) {
        return Err(TextError::Unmarked);
    }
    let end = if list.contains(&0) { 0 } else { b'\n' };
    let lines = list.split(|&byte| byte == end);
    lines
        .map(|line| match end {
            0 => line,
            _ => line.strip_suffix(b"\r").unwrap_or(line),
        })
        .filter(|line| !line.is_empty())
        .map(path)
        .collect()
}

/// Whether text is in UTF-16: in pairs with a zero, a newline among them. A list whose paths end in zeros has
/// no newlines.
fn is_unmarked_utf16(list: &[u8]) -> bool {
    let (pairs, rest) = list.as_chunks::<2>();
    let zero_at = |place: usize| {
        let newline = |pair: &[u8; 2]| pair[1 - place] == b'\n' && pair[place] == 0;
        let zeros = pairs.iter().filter(|pair| pair[place] == 0).count();
        pairs.iter().any(newline) && 2 * zeros > pairs.len()
    };
    rest.is_empty() && (zero_at(0) || zero_at(1))
}

/// On Unix a path is any bytes.
#[cfg(unix)]
fn path(bytes: &[u8]) -> Result<PathBuf, TextError> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Result<PathBuf, TextError> {
    Ok(decode_text(bytes)?.into())
}

/// Finds the pictures in a folder and in its folders, in order. Links to folders are followed, and each
/// folder is read once.
pub fn pictures_in_folder(folder: &Path) -> PictureFiles {
    let mut pictures = PictureFiles::default();
    pictures.add_folder(folder, &mut HashSet::new());
    pictures
}

/// Whether a file or folder is none of its folder's content.
pub(super) fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || LEFT_BY_SYSTEMS.contains(&name.to_lowercase().as_str())
}

/// Whether a regular file claims to be a picture, by its name or its content.
pub(super) fn is_picture(path: &Path) -> bool {
    is_named_like_picture(path) || {
        let mut start = Vec::new();
        let opened = File::open(path).map(|file| file.take(MAGIC_LENGTH as u64));
        let read = opened.and_then(|mut file| file.read_to_end(&mut start));
        read.is_ok() && is_image(&start)
    }
}

/// Whether a name claims to be a picture's.
pub(super) fn is_named_like_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    EXTENSIONS.iter().any(|known| extension == *known)
}

/// Reads a picture file.
///
/// # Errors
/// [`PictureFileError`] if it cannot be read, is a folder, or is larger than any picture.
pub fn read_picture(path: &Path) -> Result<Vec<u8>, PictureFileError> {
    if path.is_dir() {
        // What is wrong with it, if anything is.
        fs::read_dir(path).map_err(PictureFileError::Io)?;
        return Err(PictureFileError::Folder);
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
    fn folders_give_their_pictures_in_order() {
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
        assert!(error.starts_with("a folder with no picture"), "{error}");
    }

    #[test]
    fn names_and_content_claim_to_be_pictures() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        // By name, whatever is inside.
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
    fn what_systems_leave_is_no_content() {
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
        // A folder that is named is not ignored for its own name.
        let hidden = at.join(".ipynb_checkpoints");
        let found = both(std::slice::from_ref(&hidden));
        assert_eq!(names(&found, &hidden), ["1-checkpoint.jpg"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_each_folder_is_read_once() {
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
        // Folders that all link to each other: as many ways through them as there are orders.
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

    #[test]
    fn lists_have_a_path_per_line() {
        let expected = ["a b.png", "c.png"].map(PathBuf::from);
        let utf16: Vec<u8> = "\u{feff}a b.png\r\nc.png\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for list in [
            &b"a b.png\nc.png"[..],
            b"\xef\xbb\xbfa b.png\r\n\r\nc.png\r\n",
            b"a b.png\0c.png\0",
            &utf16,
        ] {
            assert_eq!(parse_path_list(list).expect("paths"), expected);
        }
        let unmarked = parse_path_list(&utf16[2..])
            .expect_err("no mark")
            .to_string();
        assert!(
            unmarked.contains("UTF-16 without a byte order mark"),
            "{unmarked}"
        );
    }
}
