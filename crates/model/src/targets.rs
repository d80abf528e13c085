//! Targets of a training step: labels, and optionally soft targets.

use std::borrow::Cow;

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
    /// Numbers that are added to the logits for the loss, `[batch, classes]`; accuracy does not use them.
    pub offsets: Option<&'a [f32]>,
}

impl Targets<'_> {
    /// Logits of the loss: `logits`, `[batch, classes]`, with the offsets.
    ///
    /// # Panics
    /// If the numbers of logits and offsets differ.
    ///
    /// ```
    /// use modiste_model::Targets;
    ///
    /// let targets = Targets { offsets: Some(&[0.0, -1.5]), ..Targets::from(&[0]) };
    /// assert_eq!(*targets.adjusted(&[2.0, 3.0]), [2.0, 1.5]);
    /// ```
    pub fn adjusted<'b>(&self, logits: &'b [f32]) -> Cow<'b, [f32]> {
        let Some(offsets) = self.offsets else {
            return logits.into();
        };
        assert_eq!(logits.len(), offsets.len(), "one offset per logit");
        let sums = logits.iter().zip(offsets);
        sums.map(|(logit, offset)| logit + offset).collect()
    }
}

impl<'a> From<&'a [u16]> for Targets<'a> {
    fn from(labels: &'a [u16]) -> Self {
        Self {
            labels,
            soft: None,
            offsets: None,
        }
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
