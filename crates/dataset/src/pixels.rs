//! Storage of the pixels that images share: memory, or a file that is read at positions.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modiste_core::shown;

/// Error of reading pixels from a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: the pixels cannot be read: {reason}", shown(path))]
pub struct ReadError {
    /// Path of the file.
    pub path: PathBuf,
    /// Message of the operating system, or the missing part of the file.
    pub reason: String,
}

/// Pixels of images, one image after the other. Clones share them.
#[derive(Clone)]
pub(crate) enum Pixels {
    Memory(Arc<Vec<u8>>),
    File(Arc<PixelFile>),
}

/// Open file whose pixels start at an offset. Threads may read it at the same time, because a positioned read
/// neither uses nor moves a common position.
pub(crate) struct PixelFile {
    file: File,
    path: PathBuf,
    offset: u64,
}

impl Pixels {
    /// Opens the pixels of a file, which must have at least `offset + length` bytes.
    pub(crate) fn open(path: &Path, offset: u64, length: u64) -> Result<Self, ReadError> {
        let error = |reason: String| ReadError {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(|cause| error(cause.to_string()))?;
        let metadata = file.metadata().map_err(|cause| error(cause.to_string()))?;
        let expected = offset.saturating_add(length);
        if metadata.len() < expected {
            let found = metadata.len();
            return Err(error(format!("{expected} bytes expected, {found} found")));
        }
        Ok(Self::of_file(file, path.to_owned(), offset))
    }

    /// Pixels of an open file; `path` is for messages.
    pub(crate) fn of_file(file: File, path: PathBuf, offset: u64) -> Self {
        Self::File(Arc::new(PixelFile { file, path, offset }))
    }

    /// Returns `length` bytes from `start` on, borrowed if they are in memory.
    ///
    /// # Panics
    /// If pixels in memory end before.
    pub(crate) fn get(&self, start: usize, length: usize) -> Result<Cow<'_, [u8]>, ReadError> {
        match self {
            Self::Memory(pixels) => Ok(Cow::Borrowed(&pixels[start..start + length])),
            Self::File(file) => {
                let mut bytes = vec![0; length];
                file.read(start, &mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// Fills `bytes` from `start` on.
    ///
    /// # Panics
    /// If pixels in memory end before.
    pub(crate) fn read(&self, start: usize, bytes: &mut [u8]) -> Result<(), ReadError> {
        match self {
            Self::Memory(pixels) => {
                bytes.copy_from_slice(&pixels[start..start + bytes.len()]);
                Ok(())
            }
            Self::File(file) => file.read(start, bytes),
        }
    }
}

impl PixelFile {
    fn read(&self, start: usize, bytes: &mut [u8]) -> Result<(), ReadError> {
        let position = self.offset + start as u64;
        read_exact_at(&self.file, bytes, position).map_err(|cause| ReadError {
            path: self.path.clone(),
            reason: match cause.kind() {
                io::ErrorKind::UnexpectedEof => {
                    let end = position + bytes.len() as u64;
                    format!("the file was truncated; {end} bytes expected")
                }
                _ => cause.to_string(),
            },
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, position)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut position: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, position) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                bytes = &mut bytes[count..];
                position += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_returns_the_bytes_of_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pixels");
        let bytes: Vec<u8> = (0..100).collect();
        std::fs::write(&path, &bytes).expect("written");
        let file = Pixels::open(&path, 7, 93).expect("long enough");
        let memory = Pixels::Memory(Arc::new(bytes[7..].to_vec()));
        for (start, length) in [(0, 93), (0, 0), (5, 20), (92, 1)] {
            assert_eq!(file.get(start, length), memory.get(start, length));
            let mut read = vec![0; length];
            file.read(start, &mut read).expect("in the file");
            assert_eq!(*read, *memory.get(start, length).expect("in memory"));
        }
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pixels");
        let open = |length| Pixels::open(&path, 10, length).map(drop);
        let missing = open(0).unwrap_err().to_string();
        assert!(
            missing.contains("pixels: the pixels cannot be read"),
            "{missing}"
        );
        std::fs::write(&path, [0; 30]).expect("written");
        let short = open(21).unwrap_err().to_string();
        assert!(short.ends_with("31 bytes expected, 30 found"), "{short}");
        let pixels = Pixels::open(&path, 10, 20).expect("long enough");
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(25))
            .expect("truncated");
        assert!(pixels.get(0, 15).is_ok());
        let truncated = pixels.get(10, 10).unwrap_err().to_string();
        assert!(
            truncated.contains("truncated; 30 bytes expected"),
            "{truncated}"
        );
    }
}
