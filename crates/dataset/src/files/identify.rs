//! Identification of unexpected contents for error messages: a file of another dataset, or another format. The formats
//! that are read are in `formats`.

use crate::catalog::{DatasetInfo, FileInfo, catalog};

/// Finds the dataset and the file with this hash. Searches `info` before the catalog.
pub(crate) fn owner_of<'a>(
    info: &'a DatasetInfo,
    sha256: &str,
) -> Option<(&'a DatasetInfo, FileInfo)> {
    std::iter::once(info).chain(catalog()).find_map(|info| {
        let file = info
            .files()
            .into_iter()
            .find(|file| file.inner.sha256 == sha256);
        file.map(|file| (info, file))
    })
}

/// Length of the longest file that [`owner_of`] can find, in bytes.
pub(crate) fn longest() -> u64 {
    let sizes = catalog().iter().flat_map(DatasetInfo::files);
    sizes.map(|file| file.inner.size).max().unwrap_or(0)
}

/// Recognises a well-known format by its first bytes. Returns its name with an article.
pub(crate) fn format_of(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 14] = [
        (b"PK\x03\x04", "a ZIP archive"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"\x1f\x8b", "a gzip file inside a gzip file"),
        (b"BZh", "a bzip2 file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"%PDF", "a PDF document"),
        (b"\x80\x02}", "a Python pickle"),
        (b"\0\0\x08\x01", "an IDX file of labels"),
        (b"\0\0\x08\x03", "an IDX file of images"),
    ];
    if bytes.is_empty() {
        return Some("an empty file");
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    let known = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    known.map(|(_, name)| *name).or_else(|| text_format(bytes))
}

/// Recognises a text format. Returns its name with an article.
fn text_format(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = &bytes[..bytes.len().min(512)];
    let is_text = |byte: &u8| *byte >= b' ' || byte.is_ascii_whitespace();
    if !start.iter().all(is_text) || !start.is_ascii() && std::str::from_utf8(start).is_err() {
        return None;
    }
    let start = String::from_utf8_lossy(start)
        .trim_start()
        .to_ascii_lowercase();
    Some(match start {
        text if text.starts_with("version https://git-lfs") => "a Git LFS pointer",
        text if text.starts_with("<?xml") => "an XML document",
        text if text.starts_with('<') => "an HTML page",
        text if text.starts_with(['{', '[']) => "a JSON document",
        _ => "a text file",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_common_formats() {
        for (bytes, expected) in [
            (&b""[..], "an empty file"),
            (b"<!DOCTYPE html><html>", "an HTML page"),
            (b"\n <html>", "an HTML page"),
            (b"{\"error\": 404}", "a JSON document"),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                "a Git LFS pointer",
            ),
            (b"Not Found", "a text file"),
            (b"PK\x03\x04rest", "a ZIP archive"),
            (b"\x1f\x8b\x08", "a gzip file inside a gzip file"),
        ] {
            assert_eq!(format_of(bytes), Some(expected));
        }
        let mut tar = [0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(format_of(&tar), Some("a tar archive"));
        assert_eq!(format_of(&[0, 1, 2, 3]), None);
    }

    #[test]
    fn finds_owner_by_hash() {
        let fashion = crate::catalog::find("fashion-mnist").expect("known");
        let mnist = crate::catalog::find("mnist").expect("known");
        let file = mnist.files()[2];
        let (info, found) = owner_of(fashion, file.inner.sha256).expect("known");
        assert_eq!((info.name, found), ("mnist", file));
        assert_eq!(owner_of(fashion, "00"), None);
    }
}
