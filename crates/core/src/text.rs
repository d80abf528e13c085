//! Decoding of text files in UTF-8 or UTF-16, with or without a byte order mark.

/// Error of decoding text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// UTF-16 without a byte order mark.
    #[error("the text is UTF-16 without a byte order mark; save it as UTF-8")]
    Unmarked,
    /// Truncated UTF-16, or an unpaired surrogate.
    #[error("the file starts as UTF-16 text and is damaged; save it as UTF-8")]
    Damaged,
    /// Another encoding.
    #[error("line {line} is not UTF-8 text; save the file as UTF-8")]
    NotUtf8 {
        /// First line that is not UTF-8, from 1.
        line: usize,
    },
}

/// Decodes the contents of a text file: UTF-8, with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// Returns [`TextError`] if the bytes are neither.
///
/// ```
/// assert_eq!(modiste_core::decode_text(b"\xef\xbb\xbffile,label")?, "file,label");
/// assert!(modiste_core::decode_text(b"caf\xe9").is_err());
/// # Ok::<(), modiste_core::TextError>(())
/// ```
pub fn decode_text(bytes: &[u8]) -> Result<String, TextError> {
    if let Some(units) = bytes.strip_prefix(&[0xff, 0xfe]) {
        return utf16(units, u16::from_le_bytes);
    }
    if let Some(units) = bytes.strip_prefix(&[0xfe, 0xff]) {
        return utf16(units, u16::from_be_bytes);
    }
    // Most text begins with an ASCII character, one byte of which is zero in UTF-16.
    if let [0, _, ..] | [_, 0, ..] = bytes {
        return Err(TextError::Unmarked);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            Err(TextError::NotUtf8 { line })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, TextError> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|pair| unit(*pair))).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(TextError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_utf8_and_utf16() {
        let little: Vec<u8> = "\u{feff}é,1\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "\u{feff}é,1\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [
            "é,1\n".as_bytes(),
            "\u{feff}é,1\n".as_bytes(),
            &little,
            &big,
        ] {
            assert_eq!(decode_text(bytes).expect("text"), "é,1\n");
        }
        let latin = decode_text(b"a,1\nb\xe9,2\n")
            .expect_err("Latin 1")
            .to_string();
        assert!(latin.starts_with("line 2 is not UTF-8"), "{latin}");
        assert_eq!(decode_text(&[b'a', 0, b'b', 0]), Err(TextError::Unmarked));
        assert_eq!(
            decode_text(&little[..little.len() - 1]),
            Err(TextError::Damaged)
        );
    }
}
