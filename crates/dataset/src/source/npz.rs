//! NumPy archives of images and labels, as Keras and MedMNIST write them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use modiste_core::{ImageShape, require_memory};
use zip::ZipArchive;
use zip::result::ZipError;

use super::arrays::{self, Array};
use super::error::SourceError;
use super::listing::{Listing, Part, SourceKind};
use crate::formats::npy::{Integer, NpyHeader};
use crate::images::Images;

/// Names of the arrays of images and labels, and their part.
const NAMES: [(&str, &str, Option<Part>); 10] = [
    ("x_train", "y_train", Some(Part::Train)),
    ("x_val", "y_val", Some(Part::Validation)),
    ("x_valid", "y_valid", Some(Part::Validation)),
    ("x_test", "y_test", Some(Part::Test)),
    ("train_images", "train_labels", Some(Part::Train)),
    ("val_images", "val_labels", Some(Part::Validation)),
    ("test_images", "test_labels", Some(Part::Test)),
    ("x", "y", None),
    ("images", "labels", None),
    ("data", "target", None),
];

type Archive = ZipArchive<BufReader<File>>;

/// Reads the archive at `path`.
pub(super) fn read(path: &Path) -> Result<(Listing, Images), SourceError> {
    let problem = |reason: String| SourceError::Arrays {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(SourceError::read(path))?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|error| problem(format!("it is not an .npz archive: {error}")))?;
    // Names that are not UTF-8 are not those of arrays that are read.
    let names: Vec<String> = archive
        .file_names()
        .flatten()
        .map(|name| name.into_owned())
        .collect();
    let has = |name: &str| {
        names
            .iter()
            .any(|found| found.strip_suffix(".npy").unwrap_or(found) == name)
    };
    let mut arrays: Vec<Array> = Vec::new();
    let mut pixels = Vec::new();
    for (images, labels, part) in NAMES {
        match (has(images), has(labels)) {
            (false, _) => continue,
            (true, false) => return Err(problem(format!("`{images}` has no `{labels}`"))),
            (true, true) => {}
        }
        let (shape, count) = read_images(&mut archive, images, &mut pixels)
            .map_err(|reason| problem(format!("`{images}`: {reason}")))?;
        let found = read_labels(&mut archive, labels)
            .map_err(|reason| problem(format!("`{labels}`: {reason}")))?;
        if found.len() != count {
            let found = found.len();
            return Err(problem(format!(
                "`{images}` has {count} images, but `{labels}` has {found} labels"
            )));
        }
        if let Some(first) = arrays.first().filter(|first| first.shape != shape) {
            let (name, other) = (&first.name, first.shape);
            return Err(problem(format!(
                "`{images}` has {shape} images, but `{name}` has {other} images"
            )));
        }
        arrays.push(Array {
            name: images.to_owned(),
            part,
            shape,
            labels: found,
        });
    }
    if arrays.is_empty() {
        let names: Vec<&str> = names
            .iter()
            .map(|name| name.strip_suffix(".npy").unwrap_or(name))
            .collect();
        return Err(problem(format!(
            "it has the arrays {}; `x_train` and `y_train` (Keras) or `train_images` and `train_labels` (MedMNIST) are \
             expected",
            names.join(", ")
        )));
    }
    arrays::listing(
        path,
        SourceKind::Npz,
        vec![path.to_owned()],
        arrays,
        pixels,
        None,
    )
}

/// Reads an array of images, and appends its pixels.
fn read_images(
    archive: &mut Archive,
    name: &str,
    pixels: &mut Vec<u8>,
) -> Result<(ImageShape, usize), String> {
    let (header, integer, mut reader) = open(archive, name)?;
    let (count, shape) = match header.shape[..] {
        [count, height, width] => (count, ImageShape::new(height, width, 1)),
        [count, height, width, channels @ (1 | 3)] => {
            (count, ImageShape::new(height, width, channels))
        }
        _ => {
            return Err(format!(
                "its shape is {:?}; [image, row, column] or [image, row, column, channel] with 1 or 3 channels is expected",
                header.shape
            ));
        }
    };
    let length = header
        .count()
        .filter(|length| *length > 0)
        .ok_or("it has no pixels, or too many")?;
    require_memory((length as u64).saturating_mul(2)).map_err(|memory| memory.to_string())?;
    let mut values = Vec::new();
    let not_a_byte = |value: i128| format!("a pixel is {value}; 0 to 255 is expected");
    read_integers(&mut reader, integer, length, |value| {
        values.push(u8::try_from(value).map_err(|_| not_a_byte(value))?);
        Ok(())
    })?;
    match header.fortran_order {
        false => pixels.extend_from_slice(&values),
        true => append_transposed(&header.shape, &values, pixels),
    }
    Ok((shape, count))
}

/// Reads an array of labels, which are class indices.
fn read_labels(archive: &mut Archive, name: &str) -> Result<Vec<u16>, String> {
    let (header, integer, mut reader) = open(archive, name)?;
    let count = match header.shape[..] {
        [count] | [count, 1] => count,
        [_, labels] => {
            return Err(format!(
                "there are {labels} labels per image (multi-label or one-hot); one class index per image is expected"
            ));
        }
        _ => {
            return Err(format!(
                "its shape is {:?}; [image] or [image, 1] is expected",
                header.shape
            ));
        }
    };
    let mut labels = Vec::new();
    let not_a_label = |value: i128| format!("a label is {value}; 0 to 65,535 is expected");
    read_integers(&mut reader, integer, count, |value| {
        labels.push(u16::try_from(value).map_err(|_| not_a_label(value))?);
        Ok(())
    })?;
    Ok(labels)
}

/// Opens an array of integers.
fn open<'a>(
    archive: &'a mut Archive,
    name: &str,
) -> Result<(NpyHeader, Integer, impl Read + use<'a>), String> {
    let with_ending = format!("{name}.npy");
    let name = match archive.index_for_name(&with_ending) {
        Some(_) => with_ending.as_str(),
        None => name,
    };
    let entry = archive
        .by_name(name)
        .map_err(|error: ZipError| error.to_string())?;
    let mut reader = BufReader::with_capacity(1 << 16, entry);
    let header = NpyHeader::read(&mut reader)?;
    let integer = header.integer().ok_or_else(|| {
        format!(
            "its type is `{}`; integers are expected, such as uint8 (images from 0 to 255)",
            header.dtype
        )
    })?;
    Ok((header, integer, reader))
}

/// Reads `count` integers. Memory grows with the data that is present, whatever the header claims.
fn read_integers(
    reader: &mut impl Read,
    integer: Integer,
    count: usize,
    mut receive: impl FnMut(i128) -> Result<(), String>,
) -> Result<(), String> {
    const BLOCK: usize = 1 << 13;
    let mut buffer = [0; BLOCK * 8];
    let mut left = count;
    while left > 0 {
        let values = left.min(BLOCK);
        let bytes = &mut buffer[..values * integer.width];
        reader.read_exact(bytes).map_err(|error| {
            format!("{count} values are expected, and the data end early or are damaged: {error}")
        })?;
        for value in bytes.chunks_exact(integer.width) {
            receive(integer.value(value))?;
        }
        left -= values;
    }
    Ok(())
}

/// Appends values whose first axis varies fastest in the order in which the last axis does.
fn append_transposed(shape: &[usize], values: &[u8], pixels: &mut Vec<u8>) {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for side in shape {
        strides.push(stride);
        stride *= side;
    }
    let mut index = vec![0; shape.len()];
    for _ in 0..values.len() {
        let place: usize = index
            .iter()
            .zip(&strides)
            .map(|(index, stride)| index * stride)
            .sum();
        pixels.push(values[place]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::formats::npy::tests::npy;

    fn archive(
        arrays: &[(&str, Vec<u8>)],
        method: zip::CompressionMethod,
    ) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new()
            .suffix(".npz")
            .tempfile()
            .expect("a file");
        let mut writer = ZipWriter::new(file.reopen().expect("the file"));
        for (name, bytes) in arrays {
            let options = SimpleFileOptions::default().compression_method(method);
            writer
                .start_file(format!("{name}.npy"), options)
                .expect("an entry");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("written");
        file
    }

    fn stored(arrays: &[(&str, Vec<u8>)]) -> Result<(Listing, Images), String> {
        let file = archive(arrays, zip::CompressionMethod::Stored);
        read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_arrays_of_keras_and_medmnist() {
        let keras = [
            (
                "x_train",
                npy("|u1", false, &[2, 1, 2, 3], &(0..12).collect::<Vec<u8>>()),
            ),
            ("y_train", npy("|u1", false, &[2, 1], &[2, 0])),
            ("x_test", npy("|u1", false, &[1, 1, 2, 3], &[9; 6])),
            ("y_test", npy("<i8", false, &[1], &1_i64.to_le_bytes())),
        ];
        for method in [
            zip::CompressionMethod::Stored,
            zip::CompressionMethod::Deflated,
        ] {
            let file = archive(&keras, method);
            let (listing, images) = read(file.path()).expect("labelled images");
            assert_eq!(images.shape(), ImageShape::new(1, 2, 3));
            assert_eq!(images.image(1).as_deref(), Ok(&[6, 7, 8, 9, 10, 11][..]));
            assert_eq!(images.labels(), [2, 0, 1]);
            assert_eq!(listing.classes, ["0", "1", "2"]);
            let parts: Vec<Option<Part>> =
                listing.samples.iter().map(|sample| sample.part).collect();
            assert_eq!(
                parts,
                [Some(Part::Train), Some(Part::Train), Some(Part::Test)]
            );
        }
        // Fortran order, wide pixels, gray with one channel.
        let (_, images) = stored(&[
            (
                "train_images",
                npy(">i2", true, &[2, 1, 2, 1], &[0, 1, 0, 2, 0, 3, 0, 4]),
            ),
            (
                "train_labels",
                npy(">u4", false, &[2], &[0, 0, 0, 1, 0, 0, 0, 0]),
            ),
        ])
        .expect("labelled images");
        assert_eq!(images.to_contiguous().as_deref(), Ok(&[1, 3, 2, 4][..]));
        assert_eq!(images.labels(), [1, 0]);
    }

    #[test]
    fn rejects_other_arrays() {
        let images = || npy("|u1", false, &[1, 1, 2], &[1, 2]);
        let labels = || npy("|u1", false, &[1], &[0]);
        #[track_caller]
        fn rejected(arrays: &[(&str, Vec<u8>)], expected: &str) {
            let error = stored(arrays).expect_err("invalid");
            assert!(error.contains(expected), "{error}");
        }
        rejected(&[("a", images())], "it has the arrays a; `x_train`");
        rejected(&[("x_train", images())], "`x_train` has no `y_train`");
        rejected(
            &[
                ("x_train", npy("<f4", false, &[1, 1, 2], &[0; 8])),
                ("y_train", labels()),
            ],
            "its type is `<f4`",
        );
        rejected(
            &[
                ("x_train", npy("<i2", false, &[1, 1, 2], &[0, 1, 0, 1])),
                ("y_train", labels()),
            ],
            "a pixel is 256",
        );
        rejected(
            &[
                ("x_train", images()),
                ("y_train", npy("|u1", false, &[1, 14], &[0; 14])),
            ],
            "14 labels per image",
        );
        rejected(
            &[
                ("x_train", images()),
                ("y_train", npy("|i1", false, &[1], &[255])),
            ],
            "a label is -1",
        );
        rejected(
            &[
                ("x_train", images()),
                ("y_train", npy("|u1", false, &[2], &[0; 2])),
            ],
            "has 1 images, but `y_train` has 2",
        );
        rejected(
            &[
                ("x_train", npy("|u1", false, &[1, 3, 4, 4], &[0; 48])),
                ("y_train", labels()),
            ],
            "its shape is [1, 3, 4, 4]",
        );
        rejected(
            &[
                ("x_train", npy("|u1", false, &[1, 1, 3], &[1, 2])),
                ("y_train", labels()),
            ],
            "3 values are expected",
        );
        rejected(
            &[
                ("x_train", npy("|u1", false, &[usize::MAX, 2, 2], &[1, 2])),
                ("y_train", labels()),
            ],
            "too many",
        );
        rejected(
            &[
                ("x_train", npy("|u1", false, &[1 << 40, 2, 2], &[1])),
                ("y_train", labels()),
            ],
            "MiB of memory",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn damaged_archives_do_not_panic(at in 0..400_usize, byte in any::<u8>(), end in 0..400_usize) {
            let file = archive(
                &[("x_train", npy("|u1", false, &[1, 1, 2], &[1, 2])), ("y_train", npy("|u1", false, &[1], &[0]))],
                zip::CompressionMethod::Deflated,
            );
            let mut bytes = std::fs::read(file.path()).expect("the archive");
            let at = at % bytes.len();
            bytes[at] = byte;
            std::fs::write(file.path(), &bytes).expect("written");
            read(file.path()).ok();
            bytes.truncate(end);
            std::fs::write(file.path(), &bytes).expect("written");
            read(file.path()).ok();
        }
    }
}
