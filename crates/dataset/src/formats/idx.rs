//! IDX, the format of the MNIST family: a magic number, the dimensions (big endian), then bytes.

use super::label_byte;
use crate::error::FormatError;
use crate::images::Images;
use modiste_core::ImageShape;

/// Two zero bytes, 8 for unsigned bytes, 3 for the dimensions: count, rows, columns.
const IMAGES_MAGIC: u32 = 0x0000_0803;
/// Two zero bytes, 8 for unsigned bytes, 1 for the dimension: count.
const LABELS_MAGIC: u32 = 0x0000_0801;

/// Bytes before the first pixel.
pub(crate) const IMAGES_HEADER: usize = 16;
/// Bytes before the first label.
pub(crate) const LABELS_HEADER: usize = 8;

/// Number of labels that a byte distinguishes.
const BYTE_LABELS: usize = 256;

/// Gray images of an IDX file, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdxImages<'a> {
    /// Number of images.
    pub count: usize,
    /// Shape of each image, with one channel.
    pub shape: ImageShape,
    /// Pixels of all images, `[image, row, column]`.
    pub pixels: &'a [u8],
}

/// Reads the decompressed bytes of an IDX file of images. Allocates nothing, whatever the header claims.
///
/// # Errors
/// Returns [`FormatError`] if the magic number is wrong, or if there are fewer or more bytes than the header
/// announces.
///
/// ```
/// let bytes = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 51, 255];
/// let images = modiste_dataset::read_idx_images(&bytes)?;
/// assert_eq!(images.shape.to_string(), "1x2x1");
/// assert_eq!(images.pixels, [51, 255]);
/// # Ok::<(), modiste_dataset::FormatError>(())
/// ```
pub fn read_idx_images(bytes: &[u8]) -> Result<IdxImages<'_>, FormatError> {
    let [magic, count, rows, columns] = header(bytes)?;
    expect_magic(magic, IMAGES_MAGIC)?;
    let pixels = u128::from(count) * u128::from(rows) * u128::from(columns);
    let pixels = exactly(bytes, IMAGES_HEADER, pixels)?;
    Ok(IdxImages {
        count: count as usize,
        shape: ImageShape::new(rows as usize, columns as usize, 1),
        pixels,
    })
}

/// Reads the decompressed bytes of an IDX file of labels, each below `classes`.
///
/// # Errors
/// Returns [`FormatError`] if the magic number is wrong, if there are fewer or more bytes than the header announces,
/// or if a label is not below `classes`.
pub fn read_idx_labels(bytes: &[u8], classes: usize) -> Result<Vec<u16>, FormatError> {
    let [magic, count] = header(bytes)?;
    expect_magic(magic, LABELS_MAGIC)?;
    let labels = exactly(bytes, LABELS_HEADER, u128::from(count))?;
    match labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
    {
        Some(index) => Err(FormatError::Label {
            offset: (LABELS_HEADER + index) as u64,
            classes,
            found: labels[index].into(),
        }),
        None => Ok(labels.iter().copied().map(u16::from).collect()),
    }
}

/// Reads an IDX file of images and the IDX file of their labels.
///
/// # Errors
/// Returns the errors of [`read_idx_images`] and [`read_idx_labels`], and [`FormatError::CountMismatch`] if there is
/// not one label per image.
pub fn read_idx(images: &[u8], labels: &[u8], classes: usize) -> Result<Images, FormatError> {
    pair(read_idx_images(images)?, read_idx_labels(labels, classes)?)
}

/// Joins images and labels.
pub(crate) fn pair(images: IdxImages<'_>, labels: Vec<u16>) -> Result<Images, FormatError> {
    // Images without pixels have the same length whatever their number, so the counts are compared too.
    let mismatch = FormatError::CountMismatch {
        images: images.count,
        labels: labels.len(),
    };
    if images.count != labels.len() {
        return Err(mismatch);
    }
    Images::new(images.shape, images.pixels.to_vec(), labels).map_err(|_| mismatch)
}

/// Writes the pixels of gray images as an IDX file. [`write_idx_labels`] writes the labels.
///
/// # Errors
/// Returns [`FormatError::Shape`] if the images do not have exactly one channel, and [`FormatError::Pixels`] if the
/// pixels cannot be read.
///
/// ```
/// use modiste_core::ImageShape;
/// use modiste_dataset::{Images, read_idx, write_idx_images, write_idx_labels};
///
/// let images = Images::new(ImageShape::new(1, 2, 1), vec![1, 2, 3, 4], vec![0, 9])?;
/// let bytes = write_idx_images(&images)?;
/// assert_eq!(read_idx(&bytes, &write_idx_labels(images.labels())?, 10)?, images);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_idx_images(images: &Images) -> Result<Vec<u8>, FormatError> {
    let shape = images.shape();
    if shape.channels != 1 {
        return Err(FormatError::Shape {
            expected: "one channel",
            found: shape,
        });
    }
    let mut bytes = Vec::with_capacity(IMAGES_HEADER + images.len() * shape.size());
    bytes.extend(IMAGES_MAGIC.to_be_bytes());
    for dimension in [images.len(), shape.height, shape.width] {
        bytes.extend((dimension as u32).to_be_bytes());
    }
    for item in images.iter() {
        bytes.extend_from_slice(&item?.0);
    }
    Ok(bytes)
}

/// Writes labels as an IDX file.
///
/// # Errors
/// Returns [`FormatError::LabelTooLarge`] if a label is larger than 255: IDX files store labels as bytes.
pub fn write_idx_labels(labels: &[u16]) -> Result<Vec<u8>, FormatError> {
    let mut bytes = Vec::with_capacity(LABELS_HEADER + labels.len());
    bytes.extend(LABELS_MAGIC.to_be_bytes());
    bytes.extend((labels.len() as u32).to_be_bytes());
    for (index, &label) in labels.iter().enumerate() {
        bytes.push(label_byte(index, label, BYTE_LABELS)?);
    }
    Ok(bytes)
}

/// Reads the first `N` numbers.
fn header<const N: usize>(bytes: &[u8]) -> Result<[u32; N], FormatError> {
    let mut numbers = [0; N];
    let (words, _) = bytes.as_chunks::<4>();
    if words.len() < N {
        return Err(FormatError::Truncated {
            expected: 4 * N as u64,
            found: bytes.len() as u64,
        });
    }
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = u32::from_be_bytes(*word);
    }
    Ok(numbers)
}

fn expect_magic(found: u32, expected: u32) -> Result<(), FormatError> {
    if found == expected {
        Ok(())
    } else {
        Err(FormatError::Magic { expected, found })
    }
}

/// Returns the bytes after the header if there are exactly `length` of them.
fn exactly(bytes: &[u8], header: usize, length: u128) -> Result<&[u8], FormatError> {
    let body = &bytes[header..];
    let found = bytes.len() as u64;
    let expected = u64::try_from(header as u128 + length).unwrap_or(u64::MAX);
    match (body.len() as u128).cmp(&length) {
        std::cmp::Ordering::Less => Err(FormatError::Truncated { expected, found }),
        std::cmp::Ordering::Equal => Ok(body),
        std::cmp::Ordering::Greater => Err(FormatError::Trailing { expected, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two images of 2x3 and their labels.
    fn sample() -> (Vec<u8>, Vec<u8>) {
        let shape = ImageShape::new(2, 3, 1);
        let images = Images::new(shape, (0..12).collect(), vec![1, 0]).expect("12 bytes");
        let bytes = write_idx_images(&images).expect("gray");
        let labels = write_idx_labels(images.labels()).expect("labels below 256");
        (bytes, labels)
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>), expected: &str) {
        let (mut images, mut labels) = sample();
        change(&mut images, &mut labels);
        let error = read_idx(&images, &labels, 2).expect_err("invalid");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn reads_rows_before_columns() {
        let (images, labels) = sample();
        let images = read_idx(&images, &labels, 2).expect("valid");
        assert_eq!(images.shape(), ImageShape::new(2, 3, 1));
        assert_eq!(images.image(1).as_deref(), Ok(&[6, 7, 8, 9, 10, 11][..]));
        assert_eq!(images.labels(), [1, 0]);
    }

    #[test]
    fn rejects_invalid_idx() {
        check(
            |images, _| images[3] = 1,
            "offset 0: magic number 0x00000803 expected, 0x00000801 found",
        );
        check(
            |images, _| images.truncate(27),
            "offset 27: the data ends early, 28 bytes expected",
        );
        check(
            |images, _| images.truncate(15),
            "offset 15: the data ends early, 16 bytes expected",
        );
        check(
            |images, _| images.push(0),
            "offset 28: the data should end, at least 29 bytes found",
        );
        check(
            |_, labels| labels[9] = 2,
            "offset 9: a label below 2 expected, 2 found",
        );
        check(
            |_, labels| *labels = write_idx_labels(&[0]).expect("a byte"),
            "2 labels expected, one per image, 1 found",
        );
        check(
            |images, _| images[4..16].fill(0xff),
            "offset 28: the data ends early, 18446744073709551615 bytes expected",
        );
        // The images have no pixels, so only the count is wrong.
        check(
            |images, _| {
                images[8..12].fill(0);
                images.truncate(16);
                images[7] = 3;
            },
            "3 labels expected, one per image, 2 found",
        );
    }

    #[test]
    fn rejects_colour_images() {
        let colour = Images::new(ImageShape::new(1, 1, 3), vec![0; 3], vec![0]).expect("3 bytes");
        let error = write_idx_images(&colour).expect_err("invalid");
        assert_eq!(
            error.to_string(),
            "images of one channel expected, 1x1x3 found"
        );
    }

    #[test]
    fn rejects_labels_above_255() {
        write_idx_labels(&[0, 255]).expect("they fit");
        let error = write_idx_labels(&[0, 255, 256]).expect_err("256 does not fit");
        assert_eq!(
            error.to_string(),
            "label 256 of image 2 does not fit: the format stores labels below 256"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(
            // Valid magic numbers and small dimensions, because few random inputs would pass the header checks.
            start in prop::sample::select(vec![vec![], vec![0, 0, 8, 3], vec![0, 0, 8, 1]]),
            dimensions in prop::collection::vec(0_u32..4, 0..4),
            rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes: Vec<u8> = start;
            bytes.extend(dimensions.iter().flat_map(|number| number.to_be_bytes()));
            bytes.extend(rest);
            read_idx_images(&bytes).ok();
            read_idx_labels(&bytes, 10).ok();
            read_idx(&bytes, &bytes, 10).ok();
        }

        #[test]
        fn round_trips(
            height in 1_usize..5,
            width in 1_usize..5,
            labels in prop::collection::vec(0_u16..10, 0..6),
            seed in any::<u64>(),
        ) {
            let mut rng = modiste_core::Rng::new(seed);
            let shape = ImageShape::new(height, width, 1);
            let pixels = (0..labels.len() * shape.size()).map(|_| rng.next_u64() as u8).collect();
            let images = Images::new(shape, pixels, labels).expect("a label per image");
            let bytes = write_idx_images(&images).expect("gray");
            let labels = write_idx_labels(images.labels()).expect("labels below 256");
            prop_assert_eq!(read_idx(&bytes, &labels, 10), Ok(images));
        }
    }
}
