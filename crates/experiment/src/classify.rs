//! Classification of many image files.

use std::path::Path;

use modiste_dataset::read_picture;
use modiste_imaging::{decode_rgb, image_warning, thumbnail};
use modiste_infer::{Answer, Classifier, Prediction};
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Number of files that are prepared together: enough for all threads, and few enough to show progress.
const CHUNK: usize = 64;

/// Answer for one image file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Classified {
    /// Classes, the most probable first.
    pub ranked: Vec<Prediction>,
    /// Score of the image: see [`Answer::score`].
    pub score: f32,
    /// True if the image belongs to one of the classes: see [`Answer::known`].
    pub known: bool,
    /// Inputs of the network: one per TTA view, pixels row by row.
    pub views: Vec<Vec<u8>>,
    /// Thumbnail, a JPEG file, if thumbnails were requested.
    pub thumbnail: Option<Vec<u8>>,
    /// Warning about the file, such as a truncated image.
    pub warning: Option<String>,
}

/// Classifies files in parallel and returns the answers in the order of the files, with their index. A file
/// that fails does not stop the others. `thumbnails` is the longest edge of thumbnails in pixels; `None` creates
/// no thumbnails.
///
/// # Errors
/// Each answer is [`Error::Image`] if its file cannot be read, decoded or classified.
///
/// ```
/// use modiste_experiment::classify_files;
/// use modiste_infer::{Classifier, embedded_network};
///
/// let mut classifier = Classifier::new(embedded_network())?;
/// for (_, answer) in classify_files(&mut classifier, &["missing.jpg"], None) {
///     assert!(answer.unwrap_err().to_string().starts_with("missing.jpg: "));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn classify_files<'a, F: AsRef<Path> + Sync>(
    classifier: &'a mut Classifier,
    files: &'a [F],
    thumbnails: Option<usize>,
) -> impl Iterator<Item = (usize, Result<Classified>)> + 'a {
    let chunks = files.chunks(CHUNK);
    let answers = chunks.flat_map(move |files| classify_chunk(classifier, files, thumbnails));
    answers.enumerate()
}

fn classify_chunk<F: AsRef<Path> + Sync>(
    classifier: &mut Classifier,
    files: &[F],
    thumbnails: Option<usize>,
) -> Vec<Result<Classified>> {
    let prepared: Vec<Result<_>> = files
        .par_iter()
        .map(|file| prepare(classifier, file.as_ref(), thumbnails))
        .collect();
    let classify = |(file, prepared): (&F, Result<Prepared>)| {
        let Prepared {
            views,
            thumbnail,
            warning,
        } = prepared?;
        let Answer {
            predictions: ranked,
            score,
            known,
        } = classifier.answer_views(&views);
        check_finite(&ranked).map_err(|reason| failed(file.as_ref(), reason))?;
        Ok(Classified {
            ranked,
            score,
            known,
            views,
            thumbnail,
            warning,
        })
    };
    files.iter().zip(prepared).map(classify).collect()
}

/// An image file that is ready for the network.
struct Prepared {
    views: Vec<Vec<u8>>,
    thumbnail: Option<Vec<u8>>,
    warning: Option<String>,
}

fn prepare(classifier: &Classifier, file: &Path, thumbnails: Option<usize>) -> Result<Prepared> {
    let in_file = |error: modiste_infer::Error| failed(file, error);
    let bytes = read_picture(file).map_err(|error| failed(file, error))?;
    let thumbnail = |longest| {
        let picture = decode_rgb(&bytes).map_err(|error| failed(file, error))?;
        thumbnail(&picture, longest).map_err(|error| failed(file, error))
    };
    Ok(Prepared {
        thumbnail: thumbnails.map(thumbnail).transpose()?,
        views: classifier.prepare(&bytes).map_err(in_file)?,
        warning: image_warning(&bytes).map(Into::into),
    })
}

fn failed(file: &Path, reason: impl ToString) -> Error {
    Error::Image {
        path: file.into(),
        reason: reason.to_string(),
    }
}

/// Checks that all probabilities are finite: weights may be finite and still overflow.
///
/// # Errors
/// Returns the reason if a probability is NaN.
pub(crate) fn check_finite(ranked: &[Prediction]) -> Result<(), &'static str> {
    match ranked.iter().all(|one| one.probability.is_finite()) {
        true => Ok(()),
        false => Err("the network's output is NaN: its weights are too large to compute with"),
    }
}
