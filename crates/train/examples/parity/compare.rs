//! Comparison of a network with its reference numbers.

use std::collections::BTreeMap;
use std::fmt;

use modiste_core::Rng;
use modiste_dataset::{Batches, Images};
use modiste_model::{NetworkPlan, Variable, zoo};
use modiste_train::{
    Compute, Curve, Engine, Optimizer, OptimizerStep, Schedule, TrainError, engine,
};

use crate::golden::{self, Digest, Golden};

/// Largest deviation of one quantity, and its bound.
pub(crate) struct Deviation {
    pub(crate) quantity: &'static str,
    pub(crate) largest: f64,
    pub(crate) allowed: f64,
}

impl Deviation {
    pub(crate) fn holds(&self) -> bool {
        self.largest <= self.allowed
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            quantity,
            largest,
            allowed,
        } = self;
        let verdict = if self.holds() { "ok" } else { "exceeded" };
        write!(
            f,
            "{quantity:<16} {largest:.1e} of {allowed:.0e}  {verdict}"
        )
    }
}

/// Number of perturbations of the weights that are tried before a comparison fails.
pub(crate) const PERTURBATIONS: u64 = 48;

/// Largest perturbation of a weight: 6e-8, the rounding error of an f32 between 1 and 2.
const PERTURBATION: f64 = 1.0 / (1 << 24) as f64;

/// Result of a comparison.
pub(crate) struct Comparison {
    /// Deviations with the original weights.
    pub(crate) plain: Vec<Deviation>,
    /// If those exceed their bounds: the first perturbation within the bounds, and its deviations.
    pub(crate) perturbed: Option<(u64, Vec<Deviation>)>,
}

impl Comparison {
    pub(crate) fn holds(&self) -> bool {
        self.perturbed.is_some() || holds(&self.plain)
    }
}

fn holds(deviations: &[Deviation]) -> bool {
    deviations.iter().all(Deviation::holds)
}

/// Relative bounds of the two quantities that depend on the convolution method.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) losses: f64,
    pub(crate) gradient_norms: f64,
}

impl Bounds {
    /// Bounds for direct convolution.
    pub(crate) const EXACT: Self = Self {
        losses: 1e-5,
        gradient_norms: 1e-4,
    };

    /// Bounds for Winograd convolution.
    pub(crate) const FAST: Self = Self {
        losses: 1e-4,
        gradient_norms: 1e-3,
    };
}

/// Input of a comparison: one network of a golden file, and the engine to compare.
pub(crate) struct Case<'a> {
    pub(crate) golden: &'a Golden,
    pub(crate) name: &'a str,
    pub(crate) compute: &'a Compute,
    pub(crate) bounds: Bounds,
    /// The first images of Fashion-MNIST.
    pub(crate) gray: &'a Images,
}

/// Compares a network with its reference numbers.
///
/// If an input of ReLU, or the difference between two inputs of max pooling, is smaller than the rounding
/// error of its sum, rounding decides where the gradient goes, and several results are correct: the losses
/// of TensorFlow with and without oneDNN differ by up to 9e-5 in that case. If the original weights do not
/// agree, the comparison therefore tries weights that are perturbed by at most 6e-8, the rounding error of
/// an f32 near 1. An actual error disagrees with all of them.
///
/// # Errors
/// Returns an error if the variables of the file are not the network's, or the device fails.
pub(crate) fn compare(case: &Case<'_>) -> Result<Comparison, Box<dyn std::error::Error>> {
    let plain = deviations(case, 0)?;
    if holds(&plain) {
        let perturbed = None;
        return Ok(Comparison { plain, perturbed });
    }
    for perturbation in 1..=PERTURBATIONS {
        let found = deviations(case, perturbation)?;
        if holds(&found) {
            let perturbed = Some((perturbation, found));
            return Ok(Comparison { plain, perturbed });
        }
    }
    let perturbed = None;
    Ok(Comparison { plain, perturbed })
}

/// Runs the training of the golden file and returns its deviations. `perturbation` is the seed of the
/// perturbation of the weights; 0 leaves them unchanged.
fn deviations(
    case: &Case<'_>,
    perturbation: u64,
) -> Result<Vec<Deviation>, Box<dyn std::error::Error>> {
    let Case {
        golden,
        name,
        compute,
        bounds,
        gray,
    } = *case;
    let expected = &golden.models[name];
    let architecture = zoo::find(name).ok_or_else(|| format!("unknown architecture `{name}`"))?;
    let plan = golden::without_dropout(architecture).plan()?;
    let images = golden::images(golden, &plan, gray)?;
    let mut parameters = golden::parameters(&plan, golden.seed);
    if perturbation > 0 {
        let mut rng = Rng::new(perturbation);
        for value in &mut parameters.trainable {
            let difference = (2.0 * rng.uniform() - 1.0) * PERTURBATION;
            *value = (f64::from(*value) + difference) as f32;
        }
    }
    let size = golden.batch.max(expected.eval_logits.len());
    let mut engine = engine(compute, &plan, &parameters, size)?;
    let schedule = Schedule {
        warmup_steps: 0,
        curve: match golden.decay {
            Some((steps, rate)) => Curve::Exponential {
                decay_steps: steps as usize,
                decay_rate: rate,
                staircase: false,
            },
            None => Curve::Constant,
        },
    };
    let logits_before = logit_deviation(&mut *engine, &images, &expected.eval_logits)?;
    let (mut losses, mut gradients) = (0.0_f64, Vec::new());
    let mut batches = Batches::in_order(&images, golden.batch);
    let mut step = 0;
    while let Some(batch) = batches.next_batch()? {
        let rate = schedule.learning_rate(golden.learning_rate, step, golden.steps);
        let update = OptimizerStep {
            optimizer: Optimizer::Sgd {
                momentum: golden.momentum,
                nesterov: golden.nesterov,
                weight_decay: 0.0,
            },
            learning_rate: rate,
        };
        let metrics = engine.gradients(&batch, &mut Rng::new(0))?;
        losses = worse(losses, relative(metrics.loss, expected.losses[step]));
        if step == 0 {
            gradients = engine.gradient_buffer()?.to_vec();
        }
        engine.update(&update)?;
        step += 1;
    }
    let logits_after = logit_deviation(&mut *engine, &images, &expected.eval_logits_after)?;
    let after = engine.parameters()?;
    let of_gradients = digest_deviation(&plan, &expected.first_step_gradients, |variable| {
        &gradients[variable.range.clone()]
    })?;
    let of_weights = digest_deviation(&plan, &expected.weights_after, |variable| {
        after.values(variable)
    })?;
    let deviation = |quantity, largest, allowed| Deviation {
        quantity,
        largest,
        allowed,
    };
    Ok(vec![
        deviation("losses", losses, bounds.losses),
        deviation("gradient norms", of_gradients.norm, bounds.gradient_norms),
        deviation("gradient values", of_gradients.values, 1e-2),
        deviation("weight norms", of_weights.norm, 1e-4),
        deviation("weight values", of_weights.values, 1e-2),
        deviation("logits", worse(logits_before, logits_after), 1e-3),
    ])
}

/// Largest deviation of logits, relative to the largest expected one.
fn logit_deviation(
    engine: &mut dyn Engine,
    images: &Images,
    expected: &[Vec<f64>],
) -> Result<f64, TrainError> {
    let first = images.first(expected.len());
    let mut batches = Batches::in_order(&first, expected.len());
    let mut deviation = 0.0;
    let scale = expected
        .iter()
        .flatten()
        .fold(0.0_f64, |max, value| max.max(value.abs()));
    while let Some(batch) = batches.next_batch()? {
        let found = engine.logits(batch.images)?;
        for (found, expected) in found.iter().zip(expected.iter().flatten()) {
            deviation = worse(deviation, (f64::from(*found) - expected).abs() / scale);
        }
    }
    Ok(deviation)
}

/// Largest relative deviations of variables: of their norms, and of their first and last values.
#[derive(Default)]
struct DigestDeviation {
    norm: f64,
    values: f64,
}

fn digest_deviation<'a>(
    plan: &NetworkPlan,
    expected: &BTreeMap<String, Digest>,
    values: impl Fn(&Variable) -> &'a [f32],
) -> Result<DigestDeviation, String> {
    let mut deviation = DigestDeviation::default();
    for (name, digest) in golden::renumbered(expected)? {
        let variable = plan.variables.iter().find(|variable| variable.name == name);
        let variable = variable.ok_or_else(|| format!("the network has no variable `{name}`"))?;
        let values = values(variable);
        if values.len() != digest.count {
            return Err(format!(
                "{name} has {} values, expected {}",
                values.len(),
                digest.count
            ));
        }
        let norm = values
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt();
        deviation.norm = worse(deviation.norm, relative(norm, digest.l2));
        // A single value may be close to 0, so deviations are relative to the root mean square.
        let rms = (digest.l2 / (digest.count as f64).sqrt()).max(f64::MIN_POSITIVE);
        let ends = [
            (&values[..digest.first.len()], &digest.first),
            (&values[values.len() - digest.last.len()..], &digest.last),
        ];
        for (found, expected) in ends {
            for (found, expected) in found.iter().zip(expected) {
                deviation.values =
                    worse(deviation.values, (f64::from(*found) - expected).abs() / rms);
            }
        }
    }
    Ok(deviation)
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE)
}

/// Maximum of two deviations, where NaN counts as infinite.
fn worse(left: f64, right: f64) -> f64 {
    if right.is_nan() {
        f64::INFINITY
    } else {
        left.max(right)
    }
}
