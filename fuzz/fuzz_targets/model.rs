//! Arbitrary bytes as a model file.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use modiste_infer::Classifier;
use modiste_model::Network;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(network) = Network::from_bytes(Path::new("fuzzed.safetensors"), bytes) {
        Classifier::new(network).ok();
    }
});
