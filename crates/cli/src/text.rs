//! Text files as other programs write them: with a byte order mark, or in UTF-16.

use anyhow::{Result, bail};

/// The text of a file: UTF-8, with or without a byte order mark, or UTF-16 with one.
///
/// # Errors
/// Where it is neither; the message says in which line.
pub(crate) fn decode(bytes: &[u8]) -> Result<String> {
    if let Some(units) = bytes.strip_prefix(&[0xff, 0xfe]) {
        return utf16(units, u16::from_le_bytes);
    }
    if let Some(units) = bytes.strip_prefix(&[0xfe, 0xff]) {
        return utf16(units, u16::from_be_bytes);
    }
    // Text begins with a character below 128, which UTF-16 pairs with a zero.
    if let [0, _, ..] | [_, 0, ..] = bytes {
        bail!("the text is UTF-16 without a byte order mark; save it as UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            bail!("line {line} is not UTF-8 text; save the file as UTF-8")
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|pair| unit(*pair))).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => bail!("the file starts as UTF-16 text and is damaged; save it as UTF-8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_editors_write() {
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
            assert_eq!(decode(bytes).expect("text"), "é,1\n");
        }
        let latin = decode(b"a,1\nb\xe9,2\n").expect_err("Latin 1").to_string();
        assert!(latin.starts_with("line 2 is not UTF-8"), "{latin}");
        decode(&[b'a', 0, b'b', 0]).expect_err("no mark");
        decode(&little[..little.len() - 1]).expect_err("half a unit");
    }
}
