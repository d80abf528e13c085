//! Destination of decoded images: an entry of the cache, or memory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modiste_core::{OutOfMemory, require_memory};

use crate::cache::{Contents, EntryWriter, make_room};
use crate::pixels::Pixels;
use crate::source::SourceError;

/// Destination of decoded images.
pub(crate) struct Sink {
    target: Target,
    /// Number of bytes of all images.
    bytes: u64,
    /// Images use at most one in this number of the bytes of memory.
    memory_share: u64,
    /// Reason why the images are not cached, if a cache is wanted.
    not_cached: Option<String>,
    /// Reason for memory, for an error.
    reason: String,
}

enum Target {
    Memory(Vec<u8>),
    File(EntryWriter),
}

/// Decoded images after the last one.
pub(crate) struct Stored {
    pub(crate) pixels: Pixels,
    /// Reason why the images are not in the cache.
    pub(crate) not_cached: Option<String>,
}

impl Sink {
    /// Creates a destination for `bytes` bytes: a file in the folder of the cache, or memory without a cache. Returns
    /// the folder, too, if the file is to become an entry.
    pub(crate) fn new(
        bytes: u64,
        memory_share: u64,
        cache: Option<(PathBuf, u64)>,
    ) -> Result<(Self, Option<PathBuf>), SourceError> {
        let mut sink = Self {
            target: Target::Memory(Vec::new()),
            bytes,
            memory_share,
            not_cached: None,
            reason: "there is no cache".into(),
        };
        let Some((folder, limit)) = cache else {
            sink.continue_in_memory(Vec::new())?;
            return Ok((sink, None));
        };
        let is_too_large = bytes > limit;
        let room = match is_too_large {
            true => Ok(()),
            false => make_room(&folder, bytes, limit),
        };
        match room.and_then(|()| EntryWriter::create(&folder)) {
            Ok(writer) => {
                sink.target = Target::File(writer);
                if is_too_large {
                    let (bytes, limit) = (bytes >> 20, limit >> 20);
                    let reason =
                        format!("they need {bytes} MiB, the limit of the cache is {limit} MiB");
                    sink.not_cached = Some(reason);
                }
                Ok((sink, (!is_too_large).then_some(folder)))
            }
            Err(error) => {
                sink.give_up_cache(&folder, &error);
                sink.continue_in_memory(Vec::new())?;
                Ok((sink, None))
            }
        }
    }

    fn give_up_cache(&mut self, path: &Path, error: &io::Error) {
        let reason = format!("{}: {error}", modiste_core::shown(path));
        self.reason.clone_from(&reason);
        self.not_cached = Some(reason);
    }

    /// Continues in memory after the images in `pixels`.
    fn continue_in_memory(&mut self, mut pixels: Vec<u8>) -> Result<(), SourceError> {
        let missing = self.bytes.saturating_sub(pixels.len() as u64);
        let error = |memory: OutOfMemory| SourceError::Memory {
            memory,
            reason: self.reason.clone(),
        };
        require_memory(missing).map_err(error)?;
        pixels.reserve_exact(missing as usize);
        self.target = Target::Memory(pixels);
        Ok(())
    }

    /// Appends the pixels of an image. If the file cannot be written, for example because the disk is full, the images
    /// continue in memory.
    pub(crate) fn write(&mut self, pixels: &[u8]) -> Result<(), SourceError> {
        let writer = match &mut self.target {
            Target::Memory(all) => {
                all.extend_from_slice(pixels);
                return Ok(());
            }
            Target::File(writer) => writer,
        };
        let Err(error) = writer.write(pixels) else {
            return Ok(());
        };
        let path = writer.path().to_owned();
        require_memory(self.bytes).map_err(|memory| SourceError::Memory {
            memory,
            reason: format!("{}: {error}", modiste_core::shown(&path)),
        })?;
        let written = writer
            .read_back()
            .map_err(SourceError::read(path.clone()))?;
        self.give_up_cache(&path, &error);
        self.continue_in_memory(written)?;
        self.write(pixels)
    }

    /// Makes the images available: from memory if they need at most a share of it, and else from the file. The file
    /// becomes the entry of the key.
    pub(crate) fn finish(
        mut self,
        entry: Option<(&Path, &str)>,
        contents: &Contents,
    ) -> Result<Stored, SourceError> {
        let writer = match &mut self.target {
            Target::Memory(pixels) => {
                let pixels = Pixels::Memory(Arc::new(std::mem::take(pixels)));
                let not_cached = self.not_cached;
                return Ok(Stored { pixels, not_cached });
            }
            Target::File(writer) => writer,
        };
        let fits = require_memory(self.bytes.saturating_mul(self.memory_share)).is_ok();
        let path = writer.path().to_owned();
        let in_memory = match fits {
            true => Some(
                writer
                    .read_back()
                    .map_err(SourceError::read(path.clone()))?,
            ),
            false => None,
        };
        let file = writer.reopen().map_err(SourceError::read(path.clone()))?;
        let mut final_path = path.clone();
        if let Some((folder, key)) = entry
            && let Target::File(writer) = self.target
        {
            match writer.finish(folder, key, contents) {
                Ok(path) => final_path = path,
                Err(error) => {
                    let path = modiste_core::shown(&path);
                    self.not_cached = Some(format!("{path}: {error}"));
                }
            }
        }
        let pixels = match in_memory {
            Some(pixels) => Pixels::Memory(Arc::new(pixels)),
            None => Pixels::of_file(file, final_path, 0),
        };
        Ok(Stored {
            pixels,
            not_cached: self.not_cached,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use modiste_core::ImageShape;

    use super::*;

    #[test]
    fn full_disk_continues_in_memory() {
        let full = || EntryWriter::on_full_disk().expect("a device");
        let mut sink = Sink {
            target: Target::File(full()),
            bytes: 6,
            memory_share: 4,
            not_cached: None,
            reason: String::new(),
        };
        sink.write(&[1, 2, 3]).expect("in memory");
        sink.write(&[4, 5, 6]).expect("in memory");
        let contents = Contents {
            shape: ImageShape::new(1, 3, 1),
            count: 2,
            bad: Vec::new(),
        };
        let stored = sink.finish(None, &contents).expect("in memory");
        assert_eq!(
            stored.pixels.get(0, 6).as_deref(),
            Ok(&[1, 2, 3, 4, 5, 6][..])
        );
        let reason = stored.not_cached.expect("a warning");
        assert!(reason.contains("No space left"), "{reason}");
        let mut sink = Sink {
            target: Target::File(full()),
            bytes: 1 << 60,
            memory_share: 4,
            not_cached: None,
            reason: String::new(),
        };
        let error = sink.write(&[1, 2, 3]).unwrap_err().to_string();
        assert!(
            error.contains("MiB of memory") && error.contains("No space left"),
            "{error}"
        );
    }
}
