//! Reference numbers from Keras, and the weights and images behind them.

use std::collections::{BTreeMap, BTreeSet};

use modiste_core::Rng;
use modiste_dataset::Images;
use modiste_model::{Architecture, Layer, NetworkPlan, Parameters};
use serde::Deserialize;

/// File of reference numbers: a training configuration and its results for each network.
#[derive(Deserialize)]
pub(crate) struct Golden {
    pub(crate) seed: u64,
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    /// Decay steps and rate of an exponential schedule; the learning rate is constant if absent.
    pub(crate) decay: Option<(f64, f64)>,
    pub(crate) models: BTreeMap<String, GoldenNetwork>,
}

/// Results of Keras for one network.
#[derive(Deserialize)]
pub(crate) struct GoldenNetwork {
    /// Logits of the first inputs before training.
    pub(crate) eval_logits: Vec<Vec<f64>>,
    /// Loss of each step, before its update.
    pub(crate) losses: Vec<f64>,
    pub(crate) first_step_gradients: BTreeMap<String, Digest>,
    pub(crate) weights_after: BTreeMap<String, Digest>,
    /// Logits of the first inputs after training.
    pub(crate) eval_logits_after: Vec<Vec<f64>>,
}

/// Digest of a variable, with values in C order of Keras's shape.
#[derive(Deserialize)]
pub(crate) struct Digest {
    pub(crate) count: usize,
    pub(crate) l2: f64,
    pub(crate) first: Vec<f64>,
    pub(crate) last: Vec<f64>,
}

/// Renames variables as in a process with a single network. Keras numbers layers across a whole process,
/// so the second network of a file may start with `conv2d_2`.
///
/// # Errors
/// Returns an error if a name is not `layer/variable`.
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

/// Generator of one stream: SplitMix64 with the seed `seed * 1000003 + stream`.
fn stream(seed: u64, stream: u64) -> Rng {
    Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(stream))
}

/// Sets every dropout rate to 0, so that training is deterministic.
pub(crate) fn without_dropout(mut architecture: Architecture) -> Architecture {
    for layer in &mut architecture.layers {
        if let Layer::Dropout { rate } = layer {
            *rate = 0.0;
        }
    }
    architecture
}

/// Weights from the seed, one stream per variable starting at 1, in C order, as `keras.py` computes them.
pub(crate) fn parameters(plan: &NetworkPlan, seed: u64) -> Parameters {
    let mut parameters = Parameters::zeros(plan);
    for (index, variable) in plan.variables.iter().enumerate() {
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

/// Images of all steps: the first of Fashion-MNIST for gray networks, random ones for color networks, as
/// in `keras.py`.
///
/// # Errors
/// Returns an error if there are too few images.
pub(crate) fn images(golden: &Golden, plan: &NetworkPlan, gray: &Images) -> Result<Images, String> {
    let count = golden.steps * golden.batch;
    let shape = plan.input;
    if shape == gray.shape() {
        return match gray.len() {
            found if found < count => Err(format!(
                "{count} images are required, but there are {found}"
            )),
            _ => Ok(gray.first(count)),
        };
    }
    let mut rng = stream(golden.seed, 1000);
    let pixels = (0..count * shape.size()).map(|_| (rng.uniform() * 256.0).floor() as u8);
    let pixels = pixels.collect();
    let mut rng = stream(golden.seed, 1001);
    let classes = plan.classes() as f64;
    let labels = (0..count).map(|_| (rng.uniform() * classes).floor() as u16);
    Images::new(shape, pixels, labels.collect()).map_err(|error| error.to_string())
}
