//! Progress of decoding own images.

use std::sync::LazyLock;

use indicatif::ProgressBar;

use super::messages::bar;

static BAR: LazyLock<ProgressBar> =
    LazyLock::new(|| bar("Decoding [{bar:24}] {pos}/{len} images, {eta} left"));

/// Shows the number of decoded images and of all images on a terminal.
pub(crate) fn show_decoding(done: usize, all: usize) {
    if BAR.length() != Some(all as u64) {
        BAR.reset();
        BAR.set_length(all as u64);
    }
    BAR.set_position(done as u64);
    if done == all {
        BAR.finish_and_clear();
    }
}
