//! Which way up an image is: the orientation of its EXIF data.

use image::metadata::Orientation;

use super::tiff;

/// EXIF's tag 0x0112, Orientation.
const ORIENTATION: u16 = 0x0112;

/// The orientation that EXIF data state, which are a TIFF file's bytes, with or without the name that
/// JPEG puts before them. Whole numbers of any width count, as LONG, which some cameras write.
pub(super) fn of_exif(bytes: &[u8]) -> Option<Orientation> {
    let tiff = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
    let value = tiff::tag(tiff, ORIENTATION)?;
    Orientation::from_exif(u8::try_from(value).ok()?)
}

/// The orientation in a PNG's eXIf chunk, which may also stand behind the pixels.
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
        // Behind a chunk's data there is a checksum of 4 bytes.
        rest = body.get(length.checked_add(4)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF data of one entry.
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
    fn reads_whole_numbers_of_any_width() {
        for big_endian in [false, true] {
            for kind in [1, 3, 4] {
                let data = exif(big_endian, kind, 6);
                assert_eq!(of_exif(&data), Some(Orientation::Rotate90), "{kind}");
                let named = [b"Exif\0\0", &data[..]].concat();
                assert_eq!(of_exif(&named), Some(Orientation::Rotate90), "{kind}");
            }
            // A fraction, and numbers that are no orientation.
            assert_eq!(of_exif(&exif(big_endian, 5, 6)), None);
            assert_eq!(of_exif(&exif(big_endian, 4, 9)), None);
            assert_eq!(of_exif(&exif(big_endian, 4, 6 << 8)), None);
        }
    }

    #[test]
    fn no_bytes_panic() {
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
