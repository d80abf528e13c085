//! Temperature scaling: calibration of a network's probabilities.

use modiste_dataset::Images;
use modiste_kernels::cross_entropy;
use modiste_model::Network;

use crate::engine::Compute;
use crate::error::TrainError;
use crate::evaluate::{logits, mean_loss_of_two_views};

/// Fits the temperature of `network` on `images`: the number from 0.2 to 5 by which its logits must be
/// divided for the smallest cross-entropy (Guo et al. 2017). Use images that the network was not trained
/// on. The current temperature of the network is ignored. With `tta_flip`, it is that of the mean of the probabilities for
/// an image and its horizontal flip.
///
/// # Errors
/// Returns the errors of [`evaluate`](crate::evaluate()).
///
/// ```
/// use modiste_model::{Metadata, Network, zoo};
/// use modiste_train::{Compute, fit_temperature};
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let mut network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let held_out = data.train.first(8);
/// network.metadata.temperature = fit_temperature(&network, &held_out, false, &Compute::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_temperature(
    network: &Network,
    images: &Images,
    tta_flip: bool,
    compute: &Compute,
) -> Result<f32, TrainError> {
    let plain = logits(network, images, false, compute)?;
    let flipped = match tta_flip {
        true => Some(logits(network, images, true, compute)?),
        false => None,
    };
    let (classes, labels) = (network.metadata.classes.len(), images.labels());
    let loss = |temperature: f32| {
        let divided = |logits: &Vec<f32>| -> Vec<f32> {
            logits.iter().map(|logit| logit / temperature).collect()
        };
        match &flipped {
            None => cross_entropy(&divided(&plain), labels, classes),
            Some(flipped) => {
                mean_loss_of_two_views(&divided(&plain), &divided(flipped), labels, classes)
            }
        }
    };
    // The loss has a single minimum over the inverse temperature: ternary search over its logarithm.
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
