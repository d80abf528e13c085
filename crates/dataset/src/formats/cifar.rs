//! CIFAR-100's binary version: records of two labels and three planes of pixels.

use modiste_core::ImageShape;

use super::{cifar_names, label_byte};
use crate::error::FormatError;
use crate::images::Images;

/// 32x32 pixels; red, green and blue.
const SHAPE: ImageShape = ImageShape::new(32, 32, 3);
const PLANE: usize = SHAPE.height * SHAPE.width;
/// Bytes of a record: coarse label, fine label, red, green and blue plane.
pub(crate) const RECORD: usize = 2 + SHAPE.size();

const FINE_CLASSES: usize = cifar_names::FINE.len();
const COARSE_CLASSES: usize = cifar_names::CIFAR100_COARSE.len();

/// CIFAR-100 images with their fine and coarse labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Cifar100 {
    /// 32x32x3 images with their fine labels, below 100.
    pub images: Images,
    /// Coarse label of each image, below 20: an index into [`CIFAR100_COARSE`](crate::CIFAR100_COARSE).
    pub coarse: Vec<u16>,
}

/// Reads records of 3,074 bytes: coarse label, fine label, then the red, the green and the blue
/// plane, row by row. The pixels are returned as `[image, row, column, channel]`.
///
/// # Errors
/// Returns [`FormatError::Truncated`] if the last record is incomplete, and [`FormatError::Label`] if a coarse label
/// is not below 20 or a fine label is not below 100.
///
/// ```
/// let mut record = vec![0; 3074];
/// record[..4].copy_from_slice(&[4, 57, 200, 201]); // fruit and vegetables, pear, two reds
/// let cifar = modiste_dataset::read_cifar100(&record)?;
/// assert_eq!((cifar.coarse[0], cifar.images.labels()[0]), (4, 57));
/// assert_eq!(cifar.images.image(0)?[..6], [200, 0, 0, 201, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_cifar100(bytes: &[u8]) -> Result<Cifar100, FormatError> {
    let count = bytes.len() / RECORD;
    if !bytes.len().is_multiple_of(RECORD) {
        return Err(FormatError::Truncated {
            expected: (count as u64 + 1) * RECORD as u64,
            found: bytes.len() as u64,
        });
    }
    let mut coarse = Vec::with_capacity(count);
    let mut fine = Vec::with_capacity(count);
    let mut pixels = vec![0; count * SHAPE.size()];
    let records = bytes.chunks_exact(RECORD);
    for (index, (record, image)) in records
        .zip(pixels.chunks_exact_mut(SHAPE.size()))
        .enumerate()
    {
        let offset = index * RECORD;
        coarse.push(label(record[0], offset, COARSE_CLASSES)?);
        fine.push(label(record[1], offset + 1, FINE_CLASSES)?);
        let (red, rest) = record[2..].split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        let planes = red.iter().zip(green).zip(blue);
        for (pixel, ((&red, &green), &blue)) in image.as_chunks_mut().0.iter_mut().zip(planes) {
            *pixel = [red, green, blue];
        }
    }
    let (images, labels) = (count, fine.len());
    let images = Images::new(SHAPE, pixels, fine)
        .map_err(|_| FormatError::CountMismatch { images, labels })?;
    Ok(Cifar100 { images, coarse })
}

/// Writes records, as [`read_cifar100`] reads them.
///
/// # Errors
/// Returns [`FormatError::Shape`] if the images are not 32x32x3, [`FormatError::CountMismatch`] if there is not one
/// coarse label per image, [`FormatError::LabelTooLarge`] if a fine label is not below 100 or a coarse label is not
/// below 20, and [`FormatError::Pixels`] if the pixels cannot be read.
pub fn write_cifar100(cifar: &Cifar100) -> Result<Vec<u8>, FormatError> {
    let Cifar100 { images, coarse } = cifar;
    if images.shape() != SHAPE {
        return Err(FormatError::Shape {
            expected: "32x32x3",
            found: images.shape(),
        });
    }
    if images.len() != coarse.len() {
        return Err(FormatError::CountMismatch {
            images: images.len(),
            labels: coarse.len(),
        });
    }
    let mut bytes = Vec::with_capacity(images.len() * RECORD);
    for (index, (item, &coarse)) in images.iter().zip(coarse).enumerate() {
        let (image, fine) = item?;
        bytes.push(label_byte(index, coarse, COARSE_CLASSES)?);
        bytes.push(label_byte(index, fine, FINE_CLASSES)?);
        for channel in 0..SHAPE.channels {
            bytes.extend(image.iter().skip(channel).step_by(SHAPE.channels));
        }
    }
    Ok(bytes)
}

/// Checks a label read at `offset`.
fn label(found: u8, offset: usize, classes: usize) -> Result<u16, FormatError> {
    let found = u16::from(found);
    if usize::from(found) < classes {
        return Ok(found);
    }
    Err(FormatError::Label {
        offset: offset as u64,
        classes,
        found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn random(count: usize, seed: u64) -> Cifar100 {
        let mut rng = modiste_core::Rng::new(seed);
        let pixels = (0..count * SHAPE.size())
            .map(|_| rng.next_u64() as u8)
            .collect();
        let fine = (0..count).map(|_| rng.below(FINE_CLASSES) as u16).collect();
        let coarse = (0..count)
            .map(|_| rng.below(COARSE_CLASSES) as u16)
            .collect();
        let images = Images::new(SHAPE, pixels, fine).expect("a label per image");
        Cifar100 { images, coarse }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut bytes = write_cifar100(&random(2, 1)).expect("32x32x3");
        change(&mut bytes);
        let error = read_cifar100(&bytes).expect_err("invalid");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn planes_become_channels() {
        let mut record = vec![3, 99];
        for plane in 0..3_u8 {
            record.extend((0..PLANE).map(|place| place as u8 / 4 + 64 * plane));
        }
        let cifar = read_cifar100(&record).expect("one record");
        assert_eq!((cifar.coarse[0], cifar.images.labels()[0]), (3, 99));
        let image = cifar.images.image(0).expect("in memory");
        let second_row = &image[32 * 3..];
        assert_eq!(second_row[..3], [8, 72, 136]);
        assert_eq!(second_row[4 * 3..5 * 3], [9, 73, 137]);
    }

    #[test]
    fn rejects_invalid_records() {
        check(
            |bytes| bytes.truncate(4000),
            "offset 4000: the data ends early, 6148 bytes expected",
        );
        check(
            |bytes| bytes.push(0),
            "offset 6149: the data ends early, 9222 bytes expected",
        );
        check(
            |bytes| bytes[RECORD] = 20,
            "offset 3074: a label below 20 expected, 20 found",
        );
        check(
            |bytes| bytes[RECORD + 1] = 100,
            "offset 3075: a label below 100 expected, 100 found",
        );
    }

    #[test]
    fn rejects_images_it_cannot_write() {
        let images = Images::new(ImageShape::new(2, 3, 3), vec![0; 18], vec![0]).expect("18 bytes");
        let coarse = vec![0];
        assert!(write_cifar100(&Cifar100 { images, coarse }).is_err());
        let mut unpaired = random(2, 1);
        unpaired.coarse.pop();
        assert!(write_cifar100(&unpaired).is_err());
        let write = |fine, coarse| {
            let images = Images::new(SHAPE, vec![0; 2 * SHAPE.size()], vec![99, fine]);
            let images = images.expect("two images");
            let coarse = vec![19, coarse];
            write_cifar100(&Cifar100 { images, coarse }).map_err(|error| error.to_string())
        };
        write(99, 19).expect("the largest labels");
        for (fine, coarse, expected) in [
            (
                100,
                19,
                "label 100 of image 1 does not fit: the format stores labels below 100",
            ),
            (
                300,
                19,
                "label 300 of image 1 does not fit: the format stores labels below 100",
            ),
            (
                99,
                20,
                "label 20 of image 1 does not fit: the format stores labels below 20",
            ),
        ] {
            assert_eq!(write(fine, coarse), Err(expected.to_owned()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn arbitrary_bytes_do_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), long: bool) {
            bytes.resize(if long { 2 * RECORD } else { bytes.len() }, 7);
            read_cifar100(&bytes).ok();
        }

        #[test]
        fn round_trips(count in 0_usize..3, seed in any::<u64>()) {
            let cifar = random(count, seed);
            let bytes = write_cifar100(&cifar).expect("32x32x3");
            prop_assert_eq!(read_cifar100(&bytes), Ok(cifar));
        }
    }
}
