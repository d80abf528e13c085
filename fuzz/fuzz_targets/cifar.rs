//! Arbitrary bytes as a file of CIFAR-100's binary version.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modiste_dataset::read_cifar100;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(cifar) = read_cifar100(bytes) {
        assert_eq!(cifar.images.labels().len(), cifar.images.len());
    }
});
