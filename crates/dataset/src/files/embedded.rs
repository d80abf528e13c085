//! Embedded files.

/// Content of the embedded `.gz` file of this name. `datasets/fashion-mnist-mini` links to the same files.
pub(super) fn bytes(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "train-images-idx3-ubyte.gz" => {
            include_bytes!("../../fashion-mnist-mini/train-images-idx3-ubyte.gz")
        }
        "train-labels-idx1-ubyte.gz" => {
            include_bytes!("../../fashion-mnist-mini/train-labels-idx1-ubyte.gz")
        }
        "t10k-images-idx3-ubyte.gz" => {
            include_bytes!("../../fashion-mnist-mini/t10k-images-idx3-ubyte.gz")
        }
        "t10k-labels-idx1-ubyte.gz" => {
            include_bytes!("../../fashion-mnist-mini/t10k-labels-idx1-ubyte.gz")
        }
        _ => return None,
    })
}
