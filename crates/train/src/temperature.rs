//! Temperature scaling: calibration of a network's probabilities.

use modiste_dataset::Images;
use modiste_kernels::cross_entropy;
use modiste_model::Network;

use crate::engine::Compute;
use crate::error::TrainError;
use crate::evaluate::logits;

/// Fits the temperature of `network` on `images`: the number from 0.2 to 5 by which its logits must be
/// divided for the smallest cross-entropy (Guo et al. 2017). Use images that the network was not trained
/// on. The current temperature of the network is ignored.
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
/// network.metadata.temperature = fit_temperature(&network, &held_out, &Compute::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_temperature(
    network: &Network,
    images: &Images,
    compute: &Compute,
) -> Result<f32, TrainError> {
    let logits = logits(network, images, false, compute)?;
    let classes = network.metadata.classes.len();
    let loss = |temperature: f32| {
        let divided: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
        cross_entropy(&divided, images.labels(), classes)
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
