//! Small synthetic datasets for tests. Their hashes make their files official.

use std::io::Write;
use std::path::Path;

use modiste_core::{ImageShape, Rng};

use crate::catalog::{Checksum, DatasetInfo, FileInfo, Files, Source, find};
use crate::files::digest::sha256;
use crate::formats::cifar::{Cifar100, write_cifar100};
use crate::formats::idx::{write_idx_images, write_idx_labels};
use crate::images::Images;

/// Catalog entry of a dataset, and the decompressed bytes of its files in the order of [`DatasetInfo::files`].
pub(crate) struct SyntheticDataset {
    pub(crate) info: DatasetInfo,
    pub(crate) bytes: Vec<Vec<u8>>,
}

fn images(shape: ImageShape, count: usize, classes: u16) -> Images {
    let mut rng = Rng::new(count as u64);
    let pixels = (0..count * shape.size())
        .map(|_| rng.next_u64() as u8)
        .collect();
    let labels = (0..count).map(|index| index as u16 % classes).collect();
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

/// Five training and two test images of shape 2x3 in three classes, as the four files of the MNIST family.
pub(crate) fn idx() -> SyntheticDataset {
    let shape = ImageShape::new(2, 3, 1);
    let bytes: Vec<Vec<u8>> = [images(shape, 5, 3), images(shape, 2, 3)]
        .iter()
        .flat_map(|i| {
            [
                write_idx_images(i).expect("gray"),
                write_idx_labels(i.labels()).expect("three classes"),
            ]
        })
        .collect();
    let info = DatasetInfo {
        name: "shapes",
        description: "synthetic",
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
    SyntheticDataset { info, bytes }
}

/// Three training records and one test record of CIFAR-100.
pub(crate) fn cifar() -> SyntheticDataset {
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
    SyntheticDataset { info, bytes }
}

impl SyntheticDataset {
    /// Writes all files, uncompressed, into the dataset's folder in `data`.
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
