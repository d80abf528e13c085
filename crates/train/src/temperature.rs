//! What a network's logits are divided by, so that its probabilities are right as often as they say.

use modiste_dataset::Images;
use modiste_kernels::cross_entropy;
use modiste_model::Network;

use crate::engine::Compute;
use crate::error::TrainError;
use crate::evaluate::logits;

/// The temperature with which `network` is best calibrated on `images`: that of the least
/// cross-entropy (Guo et al. 2017), from 0.2 to 5.
///
/// # Errors
/// Those of [`evaluate`](crate::evaluate).
pub fn fit_temperature(
    network: &Network,
    images: &Images,
    compute: &Compute,
) -> Result<f32, TrainError> {
    let logits = logits(network, images, compute)?;
    let classes = network.metadata.classes.len();
    let loss = |temperature: f32| {
        let divided: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
        cross_entropy(&divided, images.labels(), classes)
    };
    // The loss has one minimum in the inverse temperature: a search by thirds, in its logarithm.
    let (mut low, mut high) = (0.2_f32.ln(), 5.0_f32.ln());
    for _ in 0..40 {
        let (one, two) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if loss(one.exp()) < loss(two.exp()) {
            high = two;
        } else {
            low = one;
        }
    }
    Ok(f32::midpoint(low, high).exp())
}
