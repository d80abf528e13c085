//! Format of an entry of the cache: the pixels of all images, then a footer.
//!
//! The footer is text, followed by its length (8 bytes, little endian), its CRC-32C (4 bytes, little endian) and a
//! magic number. The text has the checksum of the pixels, which is verified when an entry is opened.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use modiste_core::{ImageShape, printable};

use super::{ENTRY, PARTIAL};

const MAGIC: [u8; 8] = *b"modiste1";
/// Bytes after the text of the footer.
const TAIL: usize = 8 + 4 + MAGIC.len();
/// Largest text of a footer, which lists the images that could not be decoded.
const MAX_FOOTER: u64 = 1 << 30;

/// Description of the pixels of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Shape of each image.
    pub(crate) shape: ImageShape,
    /// Number of images.
    pub(crate) count: usize,
    /// Positions of the samples that could not be decoded, with the reasons.
    pub(crate) bad: Vec<(usize, String)>,
}

impl Contents {
    fn bytes(&self) -> u64 {
        self.count as u64 * self.shape.size() as u64
    }
}

/// Temporary file of an entry. It is removed when it is dropped before [`finish`](Self::finish).
pub(crate) struct EntryWriter {
    file: File,
    path: PathBuf,
    written: u64,
    checksum: u32,
}

impl EntryWriter {
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(folder)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let time = time.map_or(0, |time| time.as_nanos());
        let path = folder.join(format!("{}-{number}-{time}.{PARTIAL}", process::id()));
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        let writer = Self {
            file,
            path,
            written: 0,
            checksum: 0,
        };
        // Other processes remove temporary files without a lock. Some file systems do not support locks.
        writer.file.lock().ok();
        Ok(writer)
    }

    /// Writer to a device on which no space is left.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn on_full_disk() -> io::Result<Self> {
        let device = Path::new("/dev/full");
        Ok(Self {
            file: File::options().read(true).write(true).open(device)?,
            path: PathBuf::from("full disk"),
            written: 0,
            checksum: 0,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends pixels.
    pub(crate) fn write(&mut self, pixels: &[u8]) -> io::Result<()> {
        self.file.write_all(pixels)?;
        self.written += pixels.len() as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, pixels);
        Ok(())
    }

    /// Reads all pixels that were written completely.
    pub(crate) fn read_back(&mut self) -> io::Result<Vec<u8>> {
        let mut pixels = vec![0; self.written as usize];
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut pixels)?;
        Ok(pixels)
    }

    /// Opens the temporary file once more, for reading after it is removed.
    pub(crate) fn reopen(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Writes the footer and renames the file to that of `key` in `folder`.
    pub(crate) fn finish(
        mut self,
        folder: &Path,
        key: &str,
        contents: &Contents,
    ) -> io::Result<PathBuf> {
        let text = footer(key, contents, self.checksum);
        let mut footer = text.clone().into_bytes();
        footer.extend((text.len() as u64).to_le_bytes());
        footer.extend(crc32c::crc32c(text.as_bytes()).to_le_bytes());
        footer.extend(MAGIC);
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(&footer)?;
        let path = entry_path(folder, key);
        fs::rename(&self.path, &path)?;
        Ok(path)
    }
}

impl Drop for EntryWriter {
    fn drop(&mut self) {
        // After a rename there is nothing at this path.
        fs::remove_file(&self.path).ok();
    }
}

fn entry_path(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.{ENTRY}"))
}

fn footer(key: &str, contents: &Contents, checksum: u32) -> String {
    let ImageShape {
        height,
        width,
        channels,
    } = contents.shape;
    let mut text = format!(
        "{key}\n{height} {width} {channels} {} {checksum}\n",
        contents.count
    );
    for (index, reason) in &contents.bad {
        text += &format!("{index} {}\n", printable(reason));
    }
    text
}

fn parse_footer(text: &str, key: &str) -> Option<(Contents, u32)> {
    let mut lines = text.lines();
    if lines.next()? != key {
        return None;
    }
    let mut numbers = lines.next()?.split(' ').map(str::parse::<usize>);
    let mut number = || numbers.next()?.ok();
    let shape = ImageShape::new(number()?, number()?, number()?);
    let (count, checksum) = (number()?, u32::try_from(number()?).ok()?);
    let bad = lines.map(|line| {
        let (index, reason) = line.split_once(' ')?;
        Some((index.parse().ok()?, reason.to_owned()))
    });
    let bad = bad.collect::<Option<_>>()?;
    Some((Contents { shape, count, bad }, checksum))
}

/// Opens the entry of `key` and marks it as used. `None` if there is none, or if it is damaged.
pub(crate) fn open_entry(folder: &Path, key: &str) -> Option<(File, PathBuf, Contents)> {
    let path = entry_path(folder, key);
    let mut file = File::open(&path).ok()?;
    match read_entry(&mut file, key) {
        Ok(Some(contents)) => {
            let now = SystemTime::now();
            // Setting the time needs no permission to write, but some file systems do not support it.
            file.set_modified(now).ok();
            Some((file, path, contents))
        }
        Ok(None) => {
            fs::remove_file(&path).ok();
            None
        }
        Err(_) => None,
    }
}

/// Reads the footer of an entry and verifies the checksums. `None` if it is damaged.
fn read_entry(file: &mut File, key: &str) -> io::Result<Option<Contents>> {
    let length = file.metadata()?.len();
    let Some(end) = length.checked_sub(TAIL as u64) else {
        return Ok(None);
    };
    let mut tail = [0; TAIL];
    file.seek(SeekFrom::Start(end))?;
    file.read_exact(&mut tail)?;
    let (numbers, magic) = tail.split_at(12);
    let (text_length, text_checksum) = numbers.split_at(8);
    let text_length = u64::from_le_bytes(text_length.try_into().unwrap_or_default());
    let text_checksum = u32::from_le_bytes(text_checksum.try_into().unwrap_or_default());
    if magic != MAGIC || text_length > end.min(MAX_FOOTER) {
        return Ok(None);
    }
    let mut text = vec![0; text_length as usize];
    file.seek(SeekFrom::Start(end - text_length))?;
    file.read_exact(&mut text)?;
    if crc32c::crc32c(&text) != text_checksum {
        return Ok(None);
    }
    let parsed = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| parse_footer(text, key));
    let Some((contents, checksum)) = parsed else {
        return Ok(None);
    };
    let intact =
        contents.bytes() == end - text_length && checksum == checksum_of(file, contents.bytes())?;
    Ok(intact.then_some(contents))
}

/// CRC-32C of the first `length` bytes.
fn checksum_of(file: &mut File, length: u64) -> io::Result<u32> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = file.take(length);
    let mut buffer = vec![0; 1 << 20];
    let mut checksum = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(checksum),
            count => checksum = crc32c::crc32c_append(checksum, &buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents {
            shape: ImageShape::new(1, 2, 3),
            count: 2,
            bad: vec![(1, "damaged: a b".into()), (7, "none".into())],
        }
    }

    fn written(folder: &Path) -> PathBuf {
        let mut writer = EntryWriter::create(folder).expect("a file");
        writer.write(&[1, 2, 3, 4, 5, 6]).expect("written");
        writer.write(&[7, 8, 9, 10, 11, 12]).expect("written");
        assert_eq!(writer.read_back().expect("read").len(), 12);
        writer.finish(folder, "key", &contents()).expect("renamed")
    }

    #[test]
    fn entry_is_found_by_its_key() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(open_entry(folder.path(), "key").is_none());
        let path = written(folder.path());
        let (_, found, read) = open_entry(folder.path(), "key").expect("an entry");
        assert_eq!((found, read), (path.clone(), contents()));
        assert!(open_entry(folder.path(), "other").is_none());
        fs::rename(&path, entry_path(folder.path(), "other")).expect("renamed");
        assert!(open_entry(folder.path(), "other").is_none());
    }

    #[test]
    fn damaged_entry_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = fs::read(written(folder.path())).expect("an entry");
        let path = entry_path(folder.path(), "key");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).expect("written");
            assert!(open_entry(folder.path(), "key").is_none(), "byte {at}");
            assert!(!path.exists());
            fs::write(&path, &whole[..at]).expect("written");
            assert!(open_entry(folder.path(), "key").is_none(), "{at} bytes");
        }
        fs::write(&path, &whole).expect("written");
        assert!(open_entry(folder.path(), "key").is_some());
    }

    #[test]
    fn dropped_writer_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = EntryWriter::create(folder.path()).expect("a file");
        writer.write(&[1, 2]).expect("written");
        drop(writer);
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
    }
}
