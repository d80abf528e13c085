//! EXIF orientation.

use image::metadata::Orientation;

use super::tiff;

/// EXIF's tag 0x0112, Orientation.
const ORIENTATION: u16 = 0x0112;

/// Orientation in EXIF data: the bytes of a TIFF file, with or without the prefix that JPEG adds.
/// Integers of any width are accepted, because some cameras write LONG instead of SHORT.
pub(super) fn of_exif(bytes: &[u8]) -> Option<Orientation> {
    let tiff = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
    let value = tiff::tag(tiff, ORIENTATION)?;
    Orientation::from_exif(u8::try_from(value).ok()?)
}

/// Orientation in the eXIf chunk of a PNG, which may follow the pixels.
pub(super) fn of_png(bytes: &[u8]) -> Option<Orientation> {
    const SIGNATURE: usize = 8;
    let mut rest = bytes.get(SIGNATURE..)?;
    loop {
        let (header, body) = rest.split_at_checked(8)?;
        let (length, kind) = header.split_at(4);
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        if kind == b"eXIf" {
            return of_exif(body.get(..length)?);
        }
        // A checksum of 4 bytes follows the data of a chunk.
        rest = body.get(length.checked_add(4)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF data with one entry.
    fn exif(big_endian: bool, kind: u16, value: u32) -> Vec<u8> {
        let short = |number: u16| match big_endian {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        };
        let long = |number: u32| match big_endian {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        };
        let value = match kind {
            1 => [value as u8, 0, 0, 0],
            3 => [short(value as u16), [0; 2]]
                .concat()
                .try_into()
                .expect("4 bytes"),
            _ => long(value),
        };
        let start: &[u8] = if big_endian { b"MM\0*" } else { b"II*\0" };
        [
            start,
            &long(8),
            &short(1),
            &short(ORIENTATION),
            &short(kind),
            &long(1),
            &value,
            &long(0),
        ]
        .concat()
    }

    #[test]
    fn reads_integers_of_any_width() {
        for big_endian in [false, true] {
            for kind in [1, 3, 4] {
                let data = exif(big_endian, kind, 6);
                assert_eq!(of_exif(&data), Some(Orientation::Rotate90), "{kind}");
                let named = [b"Exif\0\0", &data[..]].concat();
                assert_eq!(of_exif(&named), Some(Orientation::Rotate90), "{kind}");
            }
            // A fraction, and integers out of range.
            assert_eq!(of_exif(&exif(big_endian, 5, 6)), None);
            assert_eq!(of_exif(&exif(big_endian, 4, 9)), None);
            assert_eq!(of_exif(&exif(big_endian, 4, 6 << 8)), None);
        }
    }

    #[test]
    fn damaged_bytes_do_not_panic() {
        let whole = exif(false, 4, 6);
        for length in 0..whole.len() {
            of_exif(&whole[..length]);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] = 0xff;
            of_exif(&damaged);
            of_png(&damaged);
        }
    }
}
