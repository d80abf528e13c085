//! Lists of paths, one per line or separated by zero bytes.

use std::path::PathBuf;

use modiste_core::{TextError, decode_text};

/// Parses a list of paths, separated by newlines or by zero bytes.
///
/// # Errors
/// Returns [`TextError`] if the list is UTF-16 without a byte order mark, or not valid text.
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

/// Returns `true` if bytes are UTF-16 without a byte order mark: most pairs contain a zero, and one pair is a newline.
/// Lists separated by zero bytes contain no newline.
fn is_unmarked_utf16(list: &[u8]) -> bool {
    let (pairs, rest) = list.as_chunks::<2>();
    let zero_at = |place: usize| {
        let newline = |pair: &[u8; 2]| pair[1 - place] == b'\n' && pair[place] == 0;
        let zeros = pairs.iter().filter(|pair| pair[place] == 0).count();
        pairs.iter().any(newline) && 2 * zeros > pairs.len()
    };
    rest.is_empty() && (zero_at(0) || zero_at(1))
}

/// Converts bytes to a path. On Unix, a path may contain any bytes.
#[cfg(unix)]
fn path(bytes: &[u8]) -> Result<PathBuf, TextError> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

/// Converts text to a path.
#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Result<PathBuf, TextError> {
    Ok(decode_text(bytes)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_newlines_zero_bytes_and_utf16() {
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
