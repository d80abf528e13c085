//! Entries of the catalog. Each fact comes from the authors of the dataset or from the official files.

use modiste_core::ImageShape;

use super::info::{Checksum, DatasetInfo, FileInfo, Files, Source};
use crate::formats::cifar_names;

const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const GRAY_28: ImageShape = ImageShape::new(28, 28, 1);

const fn file(name: &'static str, size: u64, sha256: &'static str) -> FileInfo {
    FileInfo {
        name,
        inner: Checksum { size, sha256 },
        gz: None,
    }
}

const fn with_gz(file: FileInfo, size: u64, sha256: &'static str) -> FileInfo {
    FileInfo {
        gz: Some(Checksum { size, sha256 }),
        ..file
    }
}

pub(super) static CATALOG: [DatasetInfo; 4] = [
    DatasetInfo {
        name: "fashion-mnist",
        description: "photos of clothes, 10 kinds, 28x28 gray",
        classes: &FASHION_CLASSES,
        shape: GRAY_28,
        train_count: 60_000,
        test_count: 10_000,
        licence: "MIT",
        files: Files::Idx {
            train_images: with_gz(
                file(
                    "train-images-idx3-ubyte.gz",
                    47_040_016,
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                ),
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            train_labels: with_gz(
                file(
                    "train-labels-idx1-ubyte.gz",
                    60_008,
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                ),
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            test_images: with_gz(
                file(
                    "t10k-images-idx3-ubyte.gz",
                    7_840_016,
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                ),
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            test_labels: with_gz(
                file(
                    "t10k-labels-idx1-ubyte.gz",
                    10_008,
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        },
        source: Source::Files {
            mirrors: &[
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ],
            debian_package: Some("dataset-fashion-mnist"),
        },
    },
    DatasetInfo {
        name: "mnist",
        description: "handwritten digits, 28x28 gray",
        classes: &DIGITS,
        shape: GRAY_28,
        train_count: 60_000,
        test_count: 10_000,
        licence: "CC BY-SA 3.0",
        files: Files::Idx {
            train_images: with_gz(
                file(
                    "train-images-idx3-ubyte.gz",
                    47_040_016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            train_labels: with_gz(
                file(
                    "train-labels-idx1-ubyte.gz",
                    60_008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            test_images: with_gz(
                file(
                    "t10k-images-idx3-ubyte.gz",
                    7_840_016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            test_labels: with_gz(
                file(
                    "t10k-labels-idx1-ubyte.gz",
                    10_008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        },
        source: Source::Files {
            mirrors: &[
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ],
            debian_package: None,
        },
    },
    DatasetInfo {
        name: "cifar-100",
        description: "photos of 100 kinds of things, 32x32 colour",
        classes: &cifar_names::FINE,
        shape: ImageShape::new(32, 32, 3),
        train_count: 50_000,
        test_count: 10_000,
        licence: "none stated; by Krizhevsky, Nair and Hinton, to be cited as Krizhevsky 2009",
        files: Files::Cifar100 {
            train: file(
                "train.bin",
                153_700_000,
                "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
            ),
            test: file(
                "test.bin",
                30_740_000,
                "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
            ),
        },
        source: Source::Archive {
            mirrors: &["https://www.cs.toronto.edu/~kriz/"],
            name: "cifar-100-binary.tar.gz",
            packed: Checksum {
                size: 168_513_733,
                sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            },
        },
    },
    DatasetInfo {
        name: "fashion-mnist-mini",
        description: "the first 5,000 + 1,000 images of fashion-mnist, built in",
        classes: &FASHION_CLASSES,
        shape: GRAY_28,
        train_count: 5_000,
        test_count: 1_000,
        licence: "MIT",
        files: Files::Idx {
            train_images: file(
                "train-images-idx3-ubyte.gz",
                3_920_016,
                "626b8bf8433327de7912bae1d0e4c70fdcca53de33970297bf9a2205500c574a",
            ),
            train_labels: file(
                "train-labels-idx1-ubyte.gz",
                5_008,
                "86cccad95ab36653e416733235fc8fbb50b9429417f4eb2feb35e0b9a294e83c",
            ),
            test_images: file(
                "t10k-images-idx3-ubyte.gz",
                784_016,
                "7a6d8e07ea021ec5bc73135ebd0a5770799557ec6f8242d8749c4f32a3cf4643",
            ),
            test_labels: file(
                "t10k-labels-idx1-ubyte.gz",
                1_008,
                "b40abac7ec8228f434940f579deb7cf7b6e3103b5274cb91d1545771f5ef1c8b",
            ),
        },
        source: Source::Embedded,
    },
];
