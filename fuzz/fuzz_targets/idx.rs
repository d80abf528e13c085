//! Arbitrary bytes as the two files of an IDX dataset.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modiste_dataset::{read_idx, read_idx_images, read_idx_labels};

fuzz_target!(|files: (&[u8], &[u8])| {
    let (images, labels) = files;
    read_idx_images(images).ok();
    read_idx_labels(labels, 10).ok();
    if let Ok(dataset) = read_idx(images, labels, 10) {
        assert_eq!(dataset.labels().len(), dataset.len());
    }
});
