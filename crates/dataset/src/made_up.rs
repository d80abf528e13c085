//! Small datasets for tests, with files that are as official as those of the catalog.

use std::io::Write;
use std::path::Path;

use modiste_core::{ImageShape, Rng};

use crate::catalog::{Checksum, DatasetInfo, FileInfo, Files, Source, find};
use crate::files::digest::sha256;
use crate::formats::cifar::{Cifar100, write_cifar100};
use crate::formats::idx::{write_idx_images, write_idx_labels};
use crate::images::Images;

/// A dataset, and the bytes inside its files in the order of [`DatasetInfo::files`].
pub(crate) struct MadeUp {
    pub(crate) info: DatasetInfo,
    pub(crate) bytes: Vec<Vec<u8>>,
}

fn images(shape: ImageShape, count: usize, classes: u8) -> Images {
    let mut rng = Rng::new(count as u64);
    let pixels = (0..count * shape.size())
        .map(|_| rng.next_u64() as u8)
        .collect();
    let labels = (0..count).map(|index| index as u8 % classes).collect();
    Images::new(shape, pixels, labels).expect("a label per image")
}

fn file(name: &'static str, bytes: &[u8]) -> FileInfo {
    let inner = Checksum {
        size: bytes.len() as u64,
        sha256: sha256([bytes]).leak(),
    };
    let gz = None;
    FileInfo { name, inner, gz }
}

/// Five training and two test images of 2x3, three classes, in the files of the MNIST family.
pub(crate) fn idx() -> MadeUp {
    let shape = ImageShape::new(2, 3, 1);
    let bytes: Vec<Vec<u8>> = [images(shape, 5, 3), images(shape, 2, 3)]
        .iter()
        .flat_map(|i| {
            [
                write_idx_images(i).expect("gray"),
                write_idx_labels(i.labels()),
            ]
        })
        .collect();
    let info = DatasetInfo {
        name: "shapes",
        description: "made up",
        classes: &["circle", "square", "line"],
        shape,
        train_count: 5,
        test_count: 2,
        licence: "none",
        files: Files::Idx {
            train_images: file("train-images-idx3-ubyte.gz", &bytes[0]),
            train_labels: file("train-labels-idx1-ubyte.gz", &bytes[1]),
            test_images: file("t10k-images-idx3-ubyte.gz", &bytes[2]),
            test_labels: file("t10k-labels-idx1-ubyte.gz", &bytes[3]),
        },
        source: Source::Files {
            mirrors: &["http://example.org/"],
            debian_package: None,
        },
    };
    MadeUp { info, bytes }
}

/// Three training records and one test record.
pub(crate) fn cifar() -> MadeUp {
    let shape = ImageShape::new(32, 32, 3);
    let records = |count| {
        let images = images(shape, count, 100);
        let coarse = vec![1; count];
        write_cifar100(&Cifar100 { images, coarse }).expect("32x32x3")
    };
    let bytes = vec![records(3), records(1)];
    let info = DatasetInfo {
        name: "things",
        classes: find("cifar-100").expect("known").classes,
        shape,
        train_count: 3,
        test_count: 1,
        files: Files::Cifar100 {
            train: file("train.bin", &bytes[0]),
            test: file("test.bin", &bytes[1]),
        },
        ..idx().info
    };
    MadeUp { info, bytes }
}

impl MadeUp {
    /// Writes all files into their folder under `data`, plain.
    pub(crate) fn write(&self, data: &Path) {
        std::fs::create_dir_all(self.info.folder(data)).expect("a folder");
        for (file, bytes) in self.info.files().iter().zip(&self.bytes) {
            std::fs::write(self.info.folder(data).join(file.name), bytes).expect("written");
        }
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}
