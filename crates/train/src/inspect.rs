//! What a network's layers do: how large their outputs are, which units never speak, how strongly
//! gradients pull.

use modiste_core::Rng;
use modiste_dataset::{Batches, Images};
use modiste_model::{
    Activation, Inference, KernelOptions, Network, Operation, Resolved, ResolvedLayer, Walk,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::check::check_shapes;
use crate::error::TrainError;
use crate::memory::require_inspection_memory;

/// Images that are looked at together.
const BATCH_SIZE: usize = 100;

/// What one layer puts out for some images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerActivity {
    /// Its name: `conv2d_1`.
    pub layer: String,
    /// The root of the mean square of all values.
    pub rms: f64,
    /// The share of values that are 0.
    pub zeros: f64,
    /// Filters of a convolution, units of a dense layer.
    pub units: usize,
    /// Of a layer with a rectifier, the units that are 0 everywhere for every image: they let no
    /// gradient through and learn nothing.
    pub dead: Option<Vec<usize>>,
}

/// How strongly the loss pulls at one variable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradientNorm {
    /// Its name: `conv2d_1/kernel`.
    pub variable: String,
    /// The length of the vector of its numbers.
    pub weights: f64,
    /// The length of the loss's gradient at it.
    pub gradient: f64,
}

/// What each layer puts out for `images`, as inference computes it. `Flatten` and `Dropout`, which
/// change no number, are left out, and a residual block is one layer.
///
/// # Errors
/// [`TrainError::Mismatch`] where the images are not the network's, [`TrainError::Config`] where
/// there is none.
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
    let resolved = checked(network, images)?;
    require_inspection_memory(&resolved, BATCH_SIZE, options)?;
    let mut inference = Inference::layer_by_layer(resolved.clone(), BATCH_SIZE, options);
    inference.load(&network.parameters);
    let layer_of = |name: &str| resolved.layers.iter().find(|layer| layer.name == name);
    let mut tallies: Vec<Tally> = inference
        .activations(0)
        .filter_map(|(name, _)| layer_of(name))
        .map(|layer| Tally::new(layer.output.channels()))
        .collect();
    let mut batches = Batches::in_order(images, BATCH_SIZE);
    while let Some(batch) = batches.next_batch() {
        inference.logits(batch.images);
        for (tally, (_, values)) in tallies
            .iter_mut()
            .zip(inference.activations(batch.labels.len()))
        {
            let units = tally.largest.len();
            let parts: Vec<Tally> = values
                .par_chunks(values.len() / batch.labels.len())
                .map(|values| Tally::of(values, units))
                .collect();
            for part in &parts {
                tally.add(part);
            }
        }
    }
    let layers = inference.activations(0).zip(tallies);
    Ok(layers
        .map(|((name, _), tally)| LayerActivity {
            layer: name.to_owned(),
            rms: (tally.squares / tally.count as f64).sqrt(),
            zeros: tally.zeros as f64 / tally.count as f64,
            units: tally.largest.len(),
            dead: layer_of(name)
                .is_some_and(rectifies)
                .then(|| tally.silent()),
        })
        .collect())
}

/// The gradient of the loss at each variable that is trained, over all `images` as one batch, as
/// training computes it; `seed` decides dropout.
///
/// # Errors
/// As [`layer_activity`].
pub fn gradient_norms(
    network: &Network,
    images: &Images,
    options: &KernelOptions,
    seed: u64,
) -> Result<Vec<GradientNorm>, TrainError> {
    let resolved = checked(network, images)?;
    let mut gradients = vec![0.0; resolved.trainable_len()];
    require_inspection_memory(&resolved, images.len(), options)?;
    let mut walk = Walk::new(resolved.clone(), images.len(), options);
    let mut batches = Batches::in_order(images, images.len());
    if let Some(batch) = batches.next_batch() {
        // Batch norm's moving statistics change: those of a copy.
        let mut parameters = network.parameters.clone();
        let mut rng = Rng::new(seed);
        walk.gradients(
            &mut parameters,
            batch.images,
            batch.labels,
            &mut rng,
            &mut gradients,
        );
    }
    let trainable = resolved
        .variables
        .iter()
        .filter(|variable| variable.trainable);
    Ok(trainable
        .map(|variable| GradientNorm {
            variable: variable.name.clone(),
            weights: length(network.parameters.values(variable)),
            gradient: length(&gradients[variable.range.clone()]),
        })
        .collect())
}

fn checked(network: &Network, images: &Images) -> Result<Resolved, TrainError> {
    let resolved = network.architecture.resolve()?;
    check_shapes(&resolved, images, network.metadata.classes.len())?;
    Ok(resolved)
}

fn length(values: &[f32]) -> f64 {
    let squares = values.iter().map(|&value| f64::from(value).powi(2));
    squares.sum::<f64>().sqrt()
}

fn rectifies(layer: &ResolvedLayer) -> bool {
    match layer.operation {
        Operation::Conv2d { activation, .. } | Operation::Dense { activation, .. } => {
            activation == Activation::Relu
        }
        _ => false,
    }
}

/// Sums over a layer's values.
#[derive(Default)]
struct Tally {
    count: usize,
    squares: f64,
    zeros: usize,
    /// Of each unit.
    largest: Vec<f32>,
}

impl Tally {
    fn new(units: usize) -> Self {
        Self {
            largest: vec![f32::NEG_INFINITY; units],
            ..Self::default()
        }
    }

    /// Of one image's values, the unit being the last axis.
    fn of(values: &[f32], units: usize) -> Self {
        let mut tally = Self::new(units);
        for place in values.chunks_exact(units) {
            for (largest, &value) in tally.largest.iter_mut().zip(place) {
                *largest = largest.max(value);
                tally.squares += f64::from(value).powi(2);
                tally.zeros += usize::from(value == 0.0);
            }
        }
        tally.count = values.len();
        tally
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.squares += other.squares;
        self.zeros += other.zeros;
        for (largest, value) in self.largest.iter_mut().zip(&other.largest) {
            *largest = largest.max(*value);
        }
    }

    /// The units that were never above 0.
    fn silent(&self) -> Vec<usize> {
        let silent = |(unit, &largest): (usize, &f32)| (largest <= 0.0).then_some(unit);
        self.largest.iter().enumerate().filter_map(silent).collect()
    }
}
