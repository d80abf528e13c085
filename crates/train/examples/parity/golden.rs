//! Reference numbers from Keras, and the weights and data that they were computed with.

use std::collections::{BTreeMap, BTreeSet};

use modiste_core::Rng;
use modiste_dataset::Images;
use modiste_model::{Architecture, Layer, Parameters, Resolved};
use serde::Deserialize;

/// A file of reference numbers: what was run, and what came out for each network.
#[derive(Deserialize)]
pub(crate) struct Golden {
    pub(crate) seed: u64,
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    /// Decay steps and rate of an exponential schedule; constant where absent.
    pub(crate) decay: Option<(f64, f64)>,
    pub(crate) models: BTreeMap<String, GoldenNetwork>,
}

/// What Keras computed for one network.
#[derive(Deserialize)]
pub(crate) struct GoldenNetwork {
    /// Of the first inputs, before training.
    pub(crate) eval_logits: Vec<Vec<f64>>,
    /// Of each step, before its update.
    pub(crate) losses: Vec<f64>,
    pub(crate) first_step_gradients: BTreeMap<String, Digest>,
    pub(crate) weights_after: BTreeMap<String, Digest>,
    /// Of the first inputs, after training.
    pub(crate) eval_logits_after: Vec<Vec<f64>>,
}

/// A variable in few numbers, its values in C order of Keras's shape.
#[derive(Deserialize)]
pub(crate) struct Digest {
    pub(crate) count: usize,
    pub(crate) l2: f64,
    pub(crate) first: Vec<f64>,
    pub(crate) last: Vec<f64>,
}

/// The variables under the names that a network alone would have. Keras counts layers through a
/// whole process, so a file's second network may begin with `conv2d_2`.
///
/// # Errors
/// Where a name is not `layer/variable`.
pub(crate) fn renumbered(
    digests: &BTreeMap<String, Digest>,
) -> Result<Vec<(String, &Digest)>, String> {
    let mut parts = Vec::new();
    for (name, digest) in digests {
        let (layer, variable) = name
            .split_once('/')
            .ok_or_else(|| format!("`{name}` is not layer/variable"))?;
        let numbered = layer
            .rsplit_once('_')
            .and_then(|(kind, number)| Some((kind, number.parse::<usize>().ok()? + 1)));
        parts.push((numbered.unwrap_or((layer, 0)), variable, digest));
    }
    let layers: BTreeSet<(&str, usize)> = parts.iter().map(|(layer, ..)| *layer).collect();
    let renumbered = parts.into_iter().map(|((kind, number), variable, digest)| {
        let name = match layers.range((kind, 0)..(kind, number)).count() {
            0 => format!("{kind}/{variable}"),
            earlier => format!("{kind}_{earlier}/{variable}"),
        };
        (name, digest)
    });
    Ok(renumbered.collect())
}

/// The generator of one stream: SplitMix64 started at `seed * 1000003 + stream`.
fn stream(seed: u64, stream: u64) -> Rng {
    Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(stream))
}

/// The network with every dropout rate zero, so that nothing is random.
pub(crate) fn without_dropout(mut architecture: Architecture) -> Architecture {
    for layer in &mut architecture.layers {
        if let Layer::Dropout { rate } = layer {
            *rate = 0.0;
        }
    }
    architecture
}

/// Weights by the formula: the streams count the variables from 1, each in C order.
pub(crate) fn parameters(resolved: &Resolved, seed: u64) -> Parameters {
    let mut parameters = Parameters::zeros(resolved);
    for (index, variable) in resolved.variables.iter().enumerate() {
        let mut rng = stream(seed, index as u64 + 1);
        let (_, kind) = variable.name.split_once('/').unwrap_or_default();
        let fan_in: usize = variable.shape.iter().rev().skip(1).product();
        let limit = (6.0 / fan_in as f64).sqrt();
        for value in parameters.values_mut(variable) {
            let u = rng.uniform();
            *value = match kind {
                "kernel" => (2.0 * u - 1.0) * limit,
                "gamma" => 0.75 + 0.5 * u,
                "moving_mean" => 0.0,
                "moving_variance" => 1.0,
                _ => (2.0 * u - 1.0) * 0.1,
            } as f32;
        }
    }
    parameters
}

/// The inputs of all steps: the first of Fashion-MNIST for gray networks, the formula's for colour.
///
/// # Errors
/// Where there are too few images.
pub(crate) fn images(
    golden: &Golden,
    resolved: &Resolved,
    gray: &Images,
) -> Result<Images, String> {
    let count = golden.steps * golden.batch;
    let shape = resolved.input;
    if shape == gray.shape() {
        return match gray.len() {
            found if found < count => Err(format!("{count} images are needed, there are {found}")),
            _ => Ok(gray.first(count)),
        };
    }
    let mut rng = stream(golden.seed, 1000);
    let pixels = (0..count * shape.size()).map(|_| (rng.uniform() * 256.0).floor() as u8);
    let pixels = pixels.collect();
    let mut rng = stream(golden.seed, 1001);
    let classes = resolved.classes() as f64;
    let labels = (0..count).map(|_| (rng.uniform() * classes).floor() as u16);
    Images::new(shape, pixels, labels.collect()).map_err(|error| error.to_string())
}
