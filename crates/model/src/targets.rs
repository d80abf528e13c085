//! Targets of a training step: labels, and optionally soft targets.

/// Targets of one batch.
///
/// A slice of labels converts to targets with a loss of sparse categorical cross-entropy.
///
/// ```
/// use modiste_model::Targets;
///
/// let targets = Targets::from(&[3, 7]);
/// assert_eq!((targets.labels, targets.soft), (&[3, 7][..], None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets<'a> {
    /// Class index of each image; accuracy counts them.
    pub labels: &'a [u16],
    /// Soft targets of the loss, `[batch, classes]`, instead of the labels. The sum of a row is the weight of its
    /// image.
    pub soft: Option<&'a [f32]>,
}

impl<'a> From<&'a [u16]> for Targets<'a> {
    fn from(labels: &'a [u16]) -> Self {
        Self { labels, soft: None }
    }
}

impl<'a, const N: usize> From<&'a [u16; N]> for Targets<'a> {
    fn from(labels: &'a [u16; N]) -> Self {
        Self::from(&labels[..])
    }
}

impl<'a> From<&'a Vec<u16>> for Targets<'a> {
    fn from(labels: &'a Vec<u16>) -> Self {
        Self::from(&labels[..])
    }
}
