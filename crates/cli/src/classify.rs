//! Many picture files through one classifier.

use std::path::Path;

use anyhow::{Result, ensure};
use modiste_dataset::read_picture;
use modiste_imaging::{decode_rgb, image_warning, thumbnail};
use modiste_infer::{Classifier, Prediction};
use rayon::prelude::*;

use crate::messages::say;
use modiste_core::shown;

/// How many files are prepared together: enough for all threads, and little to wait for.
const TOGETHER: usize = 64;

/// What comes of one file.
pub(crate) struct Classified {
    /// The classes, the most probable first.
    pub(crate) ranked: Vec<Prediction>,
    /// What the network saw.
    pub(crate) views: Vec<Vec<u8>>,
    /// The picture small, as a JPEG file, where that was asked for.
    pub(crate) thumbnail: Option<Vec<u8>>,
}

/// Classifies files in parallel and hands each one's answer to `each`, in their order, after a warning if
/// there is one. A file that fails does not stop the others, however it fails. `small` asks for
/// thumbnails and is the pixels of their longest edge.
///
/// # Errors
/// Those of `each`, which end it.
pub(crate) fn classify_files<F: AsRef<Path> + Sync>(
    classifier: &mut Classifier,
    files: &[F],
    small: Option<usize>,
    mut each: impl FnMut(usize, Result<Classified>) -> Result<()>,
) -> Result<()> {
    for (round, files) in files.chunks(TOGETHER).enumerate() {
        let prepared: Vec<Result<_>> = files
            .par_iter()
            .map(|file| {
                let bytes = read_picture(file.as_ref())?;
                let small = small.map(|longest| thumbnail(&decode_rgb(&bytes)?, longest));
                let views = classifier.prepare(&bytes)?;
                Ok((views, small.transpose()?, image_warning(&bytes)))
            })
            .collect();
        for (index, prepared) in prepared.into_iter().enumerate() {
            let classified = prepared.and_then(|(views, thumbnail, warning)| {
                if let Some(warning) = warning {
                    let file = shown(files[index].as_ref());
                    say(format_args!("warning: {file}: {warning}"));
                }
                Ok(Classified {
                    ranked: finite(classifier.classify_views(&views))?,
                    views,
                    thumbnail,
                })
            });
            each(round * TOGETHER + index, classified)?;
        }
    }
    Ok(())
}

/// Returns an answer whose probabilities are all finite.
///
/// # Errors
/// If a probability is NaN: finite weights may be too large to compute with.
pub(crate) fn finite(ranked: Vec<Prediction>) -> Result<Vec<Prediction>> {
    ensure!(
        ranked.iter().all(|one| one.probability.is_finite()),
        "the network's output is NaN: its weights are too large to compute with"
    );
    Ok(ranked)
}
