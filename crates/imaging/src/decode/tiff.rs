//! Tags in the first directory of TIFF files and EXIF data, and detection of unsupported TIFF files.

use crate::error::Error;

/// NewSubfileType; bit 0 marks a reduced-resolution copy of another image in the file.
const SUBFILE_TYPE: u16 = 254;
/// FillOrder: 2 if the first pixel of a byte is its lowest bit.
const FILL_ORDER: u16 = 266;
/// SubIFDs: further directories, one of which holds the main image of a raw file.
const SUB_DIRECTORIES: u16 = 330;
/// DNGVersion, present in every DNG file.
const DNG_VERSION: u16 = 50706;

/// First value of a tag in the first directory, if it is an integer (BYTE, SHORT, LONG, LONG8 or an
/// offset). Both TIFF 6.0 and BigTIFF are supported.
pub(super) fn tag(tiff: &[u8], wanted: u16) -> Option<u64> {
    let big_endian = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let number = |at: u64, width: u64| -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = tiff.get(at..at.checked_add(width as usize)?)?;
        let shift_in = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match big_endian {
            true => bytes.iter().fold(0, shift_in),
            false => bytes.iter().rev().fold(0, shift_in),
        })
    };
    // An entry consists of tag, type, count and value; the latter two have the width of an offset.
    let (directory, count_width, offset_width) = match number(2, 2)? {
        42 => (number(4, 4)?, 2, 4),
        43 => (number(8, 8)?, 8, 8),
        _ => return None,
    };
    let entry_length = 4 + 2 * offset_width;
    // A damaged count must not cause a long loop.
    let entries = number(directory, count_width)?.min(tiff.len() as u64 / entry_length);
    for entry in 0..entries {
        let at = directory.checked_add(count_width + entry_length * entry)?;
        if number(at, 2)? != u64::from(wanted) {
            continue;
        }
        let width = match number(at.checked_add(2)?, 2)? {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return None,
        };
        let count = number(at.checked_add(4)?, offset_width)?;
        let value = at.checked_add(4 + offset_width)?;
        return match count.checked_mul(width)? <= offset_width {
            true => number(value, width),
            false => number(value, offset_width),
        };
    }
    None
}

/// Rejects files for which the decoder would return wrong pixels or a reduced copy.
///
/// # Errors
/// Returns [`Error::UnsupportedFormat`] for camera raw files and [`Error::UnsupportedFeature`] for reversed
/// bits.
pub(super) fn check(tiff: &[u8]) -> Result<(), Error> {
    let is_copy = tag(tiff, SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1);
    if tag(tiff, DNG_VERSION).is_some() || is_copy && tag(tiff, SUB_DIRECTORIES).is_some() {
        let found =
            "this is a camera raw image, which cannot be decoded: convert it to PNG or JPEG first";
        return Err(Error::UnsupportedFormat {
            found: found.into(),
        });
    }
    match tag(tiff, FILL_ORDER) {
        Some(2) => Err(Error::UnsupportedFeature {
            format: "TIFF",
            reason: "its bits are in reverse order (FillOrder 2); convert it to PNG or JPEG first"
                .into(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TIFF file with a directory of entries (tag, type, value).
    fn tiff(big: bool, entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let wide = |number: usize| match big {
            true => (number as u64).to_le_bytes().to_vec(),
            false => (number as u32).to_le_bytes().to_vec(),
        };
        let mut bytes = match big {
            true => [&b"II\x2b\0\x08\0\0\0"[..], &wide(16)].concat(),
            false => [&b"II*\0"[..], &wide(8)].concat(),
        };
        match big {
            true => bytes.extend((entries.len() as u64).to_le_bytes()),
            false => bytes.extend((entries.len() as u16).to_le_bytes()),
        }
        for (tag, kind, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(wide(1));
            bytes.extend(wide(*value as usize));
        }
        bytes
    }

    #[test]
    fn reads_tags_of_tiff_and_bigtiff() {
        for big in [false, true] {
            let bytes = tiff(big, &[(256, 4, 70_000), (274, 3, 6)]);
            assert_eq!(tag(&bytes, 256), Some(70_000));
            assert_eq!(tag(&bytes, 274), Some(6));
            assert_eq!(tag(&bytes, 266), None);
            for length in 0..bytes.len() {
                tag(&bytes[..length], 274);
            }
        }
        // The count of entries exceeds the length of the file.
        let mut bytes = tiff(true, &[(256, 4, 1)]);
        bytes[16..24].fill(0xff);
        assert_eq!(tag(&bytes, 266), None);
    }

    #[test]
    fn rejects_raw_files_and_reversed_bits() {
        check(&tiff(false, &[(FILL_ORDER, 3, 1)])).expect("the usual order");
        let reversed = check(&tiff(false, &[(FILL_ORDER, 3, 2)])).unwrap_err();
        assert!(reversed.to_string().contains("reverse order"), "{reversed}");
        for entries in [
            &[(DNG_VERSION, 1, 0x0000_0401)][..],
            &[(SUBFILE_TYPE, 4, 1), (SUB_DIRECTORIES, 4, 400)],
        ] {
            let raw = check(&tiff(false, entries)).unwrap_err();
            assert!(raw.to_string().contains("camera raw"), "{raw}");
        }
        check(&tiff(false, &[(SUBFILE_TYPE, 4, 1)])).expect("a scan of one page");
    }
}
