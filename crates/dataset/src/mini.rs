//! The embedded dataset.

use std::path::PathBuf;

use crate::images::Dataset;
use crate::load::{LoadOptions, load};

/// Loads the embedded dataset: the first 5,000 training and 1,000 test images of Fashion-MNIST, in the official
/// order. It needs neither disk nor network. MIT licence, copyright 2017 Zalando SE.
///
/// ```
/// let dataset = modiste_dataset::fashion_mnist_mini();
/// assert_eq!((dataset.train.len(), dataset.test.len()), (5_000, 1_000));
/// assert_eq!(dataset.train.shape().to_string(), "28x28x1");
/// ```
pub fn fashion_mnist_mini() -> Dataset {
    let options = LoadOptions {
        data: PathBuf::new(),
        allow_partial: false,
    };
    // The bytes are part of the crate, and a test below reads them.
    load("fashion-mnist-mini", &options).expect("the embedded files are valid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{FileState, file_hashes, verify};
    use std::path::Path;

    #[test]
    fn embedded_files_match_the_catalog() {
        let hashes = file_hashes("fashion-mnist-mini", Path::new("none")).expect("embedded");
        assert_eq!(hashes.len(), 4);
        assert!(hashes.iter().all(|hash| hash.official), "{hashes:?}");
        let files = verify("fashion-mnist-mini", Path::new("none")).expect("known");
        assert!(files.iter().all(|file| file.state == FileState::Official));
    }

    #[test]
    fn contains_the_first_images_of_fashion_mnist() {
        let dataset = fashion_mnist_mini();
        // The first labels of the official files.
        assert_eq!(dataset.train.labels()[..8], [9, 0, 0, 3, 0, 2, 7, 2]);
        assert_eq!(dataset.test.labels()[..8], [9, 2, 1, 1, 6, 1, 4, 6]);
        assert_eq!(dataset.classes[9], "Ankle boot");
        assert_eq!(dataset.name, "fashion-mnist-mini");
        for class in 0..10 {
            assert!(dataset.test.labels().contains(&class));
        }
    }
}
