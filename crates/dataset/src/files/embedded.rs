//! The files that are built in.

/// The `.gz` of this name, as it lies in `datasets/fashion-mnist-mini` (links lead there).
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
