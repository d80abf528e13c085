//! Inspection of layers: sizes of activations, dead units, norms of gradients.

use modiste_core::Rng;
use modiste_dataset::{Batches, Images};
use modiste_model::{
    Activation, Inference, KernelNetwork, KernelOptions, Network, NetworkPlan, Operation,
    PlannedLayer,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::check::check_shapes;
use crate::error::TrainError;
use crate::memory::require_inspection_memory;

/// Images per batch.
const BATCH_SIZE: usize = 100;

/// Statistics of one layer's output over a set of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerActivity {
    /// Name of the layer, such as `conv2d_1`.
    pub layer: String,
    /// Root mean square of all values.
    pub rms: f64,
    /// Fraction of values that are 0, 0 to 1.
    pub zeros: f64,
    /// Number of units: filters of a convolution, outputs of a dense layer.
    pub units: usize,
    /// Indices of the dead units of a layer with ReLU: those that are 0 everywhere for every image, so
    /// that no gradient passes and they cannot learn. `None` for a layer without ReLU.
    pub dead: Option<Vec<usize>>,
}

/// Norms of one variable and of its gradient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientNorm {
    /// Name of the variable, such as `conv2d_1/kernel`.
    pub variable: String,
    /// L2 norm of the variable.
    pub weights: f64,
    /// L2 norm of the loss's gradient with respect to the variable.
    pub gradient: f64,
}

/// Measures the output of each layer for `images` in inference mode. `Flatten` and `Dropout`, which
/// change no value, are omitted; a residual block counts as one layer.
///
/// # Errors
/// Returns [`TrainError::Architecture`], [`TrainError::Shape`] or [`TrainError::ClassCount`] if the network
/// is invalid or does not match the images, [`TrainError::Config`] if there are no images,
/// [`TrainError::InferenceMemory`] if there is not enough memory, and [`TrainError::Images`] if the images are in a file
/// that cannot be read.
///
/// ```
/// use modiste_model::{KernelOptions, Metadata, Network, zoo};
/// use modiste_train::layer_activity;
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let layers = layer_activity(&network, &data.test.first(8), &KernelOptions::default())?;
/// assert_eq!((layers[0].layer.as_str(), layers[0].units), ("conv2d", 32));
/// assert!(layers[0].rms > 0.0 && layers[0].dead.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn layer_activity(
    network: &Network,
    images: &Images,
    options: &KernelOptions,
) -> Result<Vec<LayerActivity>, TrainError> {
    let plan = checked_plan(network, images)?;
    require_inspection_memory(&plan, BATCH_SIZE, options)?;
    let mut inference = Inference::layer_by_layer(plan.clone(), BATCH_SIZE, options);
    inference.load(&network.parameters);
    let layer_of = |name: &str| plan.layers.iter().find(|layer| layer.name == name);
    let mut layer_stats: Vec<OutputStats> = inference
        .activations(0)
        .filter_map(|(name, _)| layer_of(name))
        .map(|layer| OutputStats::new(layer.output.channels()))
        .collect();
    let mut batches = Batches::in_order(images, BATCH_SIZE);
    while let Some(batch) = batches.next_batch()? {
        inference.logits(batch.images);
        for (stats, (_, values)) in layer_stats
            .iter_mut()
            .zip(inference.activations(batch.labels.len()))
        {
            let units = stats.largest.len();
            let parts: Vec<OutputStats> = values
                .par_chunks(values.len() / batch.labels.len())
                .map(|values| OutputStats::of(values, units))
                .collect();
            for part in &parts {
                stats.add(part);
            }
        }
    }
    let layers = inference.activations(0).zip(layer_stats);
    Ok(layers
        .map(|((name, _), stats)| LayerActivity {
            layer: name.to_owned(),
            rms: (stats.squares / stats.count as f64).sqrt(),
            zeros: stats.zeros as f64 / stats.count as f64,
            units: stats.largest.len(),
            dead: layer_of(name)
                .is_some_and(has_relu)
                .then(|| stats.dead_units()),
        })
        .collect())
}

/// Measures the gradient of the loss with respect to each trainable variable, in training mode with all
/// `images` as one batch. `seed` seeds dropout.
///
/// # Errors
/// Returns the errors of [`layer_activity`].
///
/// ```
/// use modiste_model::{KernelOptions, Metadata, Network, zoo};
/// use modiste_train::gradient_norms;
///
/// let data = modiste_dataset::fashion_mnist_mini();
/// let metadata = Metadata { classes: data.classes.clone(), ..Metadata::default() };
/// let network = Network::initialize(zoo::compact(), metadata, 1)?;
/// let norms = gradient_norms(&network, &data.train.first(8), &KernelOptions::default(), 1)?;
/// assert_eq!(norms[0].variable, "conv2d/kernel");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gradient_norms(
    network: &Network,
    images: &Images,
    options: &KernelOptions,
    seed: u64,
) -> Result<Vec<GradientNorm>, TrainError> {
    let plan = checked_plan(network, images)?;
    let mut gradients = vec![0.0; plan.trainable_len()];
    require_inspection_memory(&plan, images.len(), options)?;
    let mut kernels = KernelNetwork::new(plan.clone(), images.len(), options);
    let mut batches = Batches::in_order(images, images.len());
    if let Some(batch) = batches.next_batch()? {
        // A copy, because the running statistics change.
        let mut parameters = network.parameters.clone();
        let mut rng = Rng::new(seed);
        kernels.gradients(
            &mut parameters,
            batch.images,
            batch.labels,
            &mut rng,
            &mut gradients,
        );
    }
    let trainable = plan.variables.iter().filter(|variable| variable.trainable);
    Ok(trainable
        .map(|variable| GradientNorm {
            variable: variable.name.clone(),
            weights: l2_norm(network.parameters.values(variable)),
            gradient: l2_norm(&gradients[variable.range.clone()]),
        })
        .collect())
}

fn checked_plan(network: &Network, images: &Images) -> Result<NetworkPlan, TrainError> {
    let plan = network.architecture.plan()?;
    check_shapes(&plan, images, network.metadata.classes.len(), None)?;
    Ok(plan)
}

fn l2_norm(values: &[f32]) -> f64 {
    let squares = values.iter().map(|&value| f64::from(value).powi(2));
    squares.sum::<f64>().sqrt()
}

fn has_relu(layer: &PlannedLayer) -> bool {
    match layer.operation {
        Operation::Conv2d { activation, .. }
        | Operation::DepthwiseConv2d { activation, .. }
        | Operation::Activation { activation }
        | Operation::Dense { activation, .. } => {
            matches!(activation, Activation::Relu | Activation::Relu6)
        }
        Operation::BatchNorm { .. }
        | Operation::MaxPool2d { .. }
        | Operation::AveragePool2d { .. }
        | Operation::GlobalAveragePool2d { .. }
        | Operation::ZeroPadding2d { .. }
        | Operation::Dropout { .. }
        | Operation::Flatten
        | Operation::Residual { .. } => false,
    }
}

/// Sums over the output of a layer.
#[derive(Default)]
struct OutputStats {
    count: usize,
    squares: f64,
    zeros: usize,
    /// Largest value of each unit.
    largest: Vec<f32>,
}

impl OutputStats {
    fn new(units: usize) -> Self {
        Self {
            largest: vec![f32::NEG_INFINITY; units],
            ..Self::default()
        }
    }

    /// Sums over the values of one image; units are the last axis.
    fn of(values: &[f32], units: usize) -> Self {
        let mut stats = Self::new(units);
        for place in values.chunks_exact(units) {
            for (largest, &value) in stats.largest.iter_mut().zip(place) {
                *largest = largest.max(value);
                stats.squares += f64::from(value).powi(2);
                stats.zeros += usize::from(value == 0.0);
            }
        }
        stats.count = values.len();
        stats
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.squares += other.squares;
        self.zeros += other.zeros;
        for (largest, value) in self.largest.iter_mut().zip(&other.largest) {
            *largest = largest.max(*value);
        }
    }

    /// Indices of the units that were never above 0.
    fn dead_units(&self) -> Vec<usize> {
        let dead = |(unit, &largest): (usize, &f32)| (largest <= 0.0).then_some(unit);
        self.largest.iter().enumerate().filter_map(dead).collect()
    }
}
