//! A network held against its reference numbers.

use std::collections::BTreeMap;
use std::fmt;

use modiste_core::Rng;
use modiste_dataset::{Batches, Images};
use modiste_model::{NetworkPlan, Variable, zoo};
use modiste_train::{
    Compute, Curve, Engine, Optimizer, OptimizerStep, Schedule, TrainError, engine,
};

use crate::golden::{self, Digest, Golden};

/// The largest deviation of one sort, and how large it may be.
pub(crate) struct Deviation {
    pub(crate) what: &'static str,
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
            what,
            largest,
            allowed,
        } = self;
        let verdict = if self.holds() { "ok" } else { "beyond" };
        write!(f, "{what:<16} {largest:.1e} of {allowed:.0e}  {verdict}")
    }
}

/// How often weights are disturbed before a network counts as off.
pub(crate) const DISTURBANCES: u64 = 48;

/// By how much at most a disturbed weight differs: the rounding of an f32 from 1 to 2, 6e-8.
const DISTURBANCE: f64 = 1.0 / (1 << 24) as f64;

/// A network held against its reference numbers.
pub(crate) struct Comparison {
    /// With the weights as they are.
    pub(crate) plain: Vec<Deviation>,
    /// Where those do not hold: which disturbance, and its deviations where it does.
    pub(crate) disturbed: Option<(u64, Vec<Deviation>)>,
}

impl Comparison {
    pub(crate) fn holds(&self) -> bool {
        self.disturbed.is_some() || holds(&self.plain)
    }
}

fn holds(deviations: &[Deviation]) -> bool {
    deviations.iter().all(Deviation::holds)
}

/// How large the two deviations may be that Winograd's method makes larger, relative.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) losses: f64,
    pub(crate) gradient_norms: f64,
}

impl Bounds {
    /// For sums that round as f32 does.
    pub(crate) const EXACT: Self = Self {
        losses: 1e-5,
        gradient_norms: 1e-4,
    };

    /// For Winograd's method.
    pub(crate) const FAST: Self = Self {
        losses: 1e-4,
        gradient_norms: 1e-3,
    };
}

/// What a comparison runs: one network of a golden file, one way to compute.
pub(crate) struct Case<'a> {
    pub(crate) golden: &'a Golden,
    pub(crate) name: &'a str,
    pub(crate) compute: &'a Compute,
    pub(crate) bounds: Bounds,
    /// The first images of Fashion-MNIST.
    pub(crate) gray: &'a Images,
}

/// Holds a network against its reference numbers.
///
/// Where an input of a rectifier, or the difference of two inputs of a maximum, is smaller than the
/// rounding of its sum, rounding decides which way the gradient goes, and the reference is one
/// of several right answers: TensorFlow with and without oneDNN parts by up to 9e-5 in the losses
/// there. So where the plain weights do not agree, weights disturbed by at most 6e-8, what an f32
/// near 1 is rounded by, may: what is wrong in itself agrees with none of them.
///
/// # Errors
/// Where the file's variables are not the network's, or the device refuses.
pub(crate) fn compare(case: &Case<'_>) -> Result<Comparison, Box<dyn std::error::Error>> {
    let plain = deviations(case, 0)?;
    if holds(&plain) {
        let disturbed = None;
        return Ok(Comparison { plain, disturbed });
    }
    for disturbance in 1..=DISTURBANCES {
        let found = deviations(case, disturbance)?;
        if holds(&found) {
            let disturbed = Some((disturbance, found));
            return Ok(Comparison { plain, disturbed });
        }
    }
    let disturbed = None;
    Ok(Comparison { plain, disturbed })
}

/// Runs the network as the golden file says and gives how far it is off. `disturbance` is the seed
/// of what is added to the weights; 0 adds nothing.
fn deviations(
    case: &Case<'_>,
    disturbance: u64,
) -> Result<Vec<Deviation>, Box<dyn std::error::Error>> {
    let Case {
        golden,
        name,
        compute,
        bounds,
        gray,
    } = *case;
    let expected = &golden.models[name];
    let architecture = zoo::find(name).ok_or_else(|| format!("no network is called `{name}`"))?;
    let plan = golden::without_dropout(architecture).plan()?;
    let images = golden::images(golden, &plan, gray)?;
    let mut parameters = golden::parameters(&plan, golden.seed);
    if disturbance > 0 {
        let mut rng = Rng::new(disturbance);
        for value in &mut parameters.trainable {
            let difference = (2.0 * rng.uniform() - 1.0) * DISTURBANCE;
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
    let logits_before = logits_off(&mut *engine, &images, &expected.eval_logits)?;
    let (mut losses, mut gradients) = (0.0_f64, Vec::new());
    let mut batches = Batches::in_order(&images, golden.batch);
    let mut step = 0;
    while let Some(batch) = batches.next_batch() {
        let rate = schedule.learning_rate(golden.learning_rate, step, golden.steps);
        let update = OptimizerStep {
            optimizer: Optimizer::Sgd {
                momentum: golden.momentum,
                nesterov: golden.nesterov,
                weight_decay: 0.0,
            },
            learning_rate: rate,
        };
        let outcome = engine.gradients(&batch, &mut Rng::new(0))?;
        losses = worse(losses, relative(outcome.loss, expected.losses[step]));
        if step == 0 {
            gradients = engine.gradient_buffer()?.to_vec();
        }
        engine.update(&update)?;
        step += 1;
    }
    let logits_after = logits_off(&mut *engine, &images, &expected.eval_logits_after)?;
    let after = engine.parameters()?;
    let of_gradients = digests_off(&plan, &expected.first_step_gradients, |variable| {
        &gradients[variable.range.clone()]
    })?;
    let of_weights = digests_off(&plan, &expected.weights_after, |variable| {
        after.values(variable)
    })?;
    let deviation = |what, largest, allowed| Deviation {
        what,
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

/// How far logits are off, of the largest expected one.
fn logits_off(
    engine: &mut dyn Engine,
    images: &Images,
    expected: &[Vec<f64>],
) -> Result<f64, TrainError> {
    let first = images.first(expected.len());
    let mut batches = Batches::in_order(&first, expected.len());
    let mut off = 0.0;
    let scale = expected
        .iter()
        .flatten()
        .fold(0.0_f64, |max, value| max.max(value.abs()));
    while let Some(batch) = batches.next_batch() {
        let found = engine.logits(batch.images)?;
        for (found, expected) in found.iter().zip(expected.iter().flatten()) {
            off = worse(off, (f64::from(*found) - expected).abs() / scale);
        }
    }
    Ok(off)
}

/// How far variables are off in their norms, and in their first and last values.
#[derive(Default)]
struct DigestsOff {
    norm: f64,
    values: f64,
}

fn digests_off<'a>(
    plan: &NetworkPlan,
    expected: &BTreeMap<String, Digest>,
    values: impl Fn(&Variable) -> &'a [f32],
) -> Result<DigestsOff, String> {
    let mut off = DigestsOff::default();
    for (name, digest) in golden::renumbered(expected)? {
        let variable = plan.variables.iter().find(|variable| variable.name == name);
        let variable = variable.ok_or_else(|| format!("the network has no variable `{name}`"))?;
        let values = values(variable);
        if values.len() != digest.count {
            return Err(format!(
                "{name} has {} values for {}",
                values.len(),
                digest.count
            ));
        }
        let norm = values
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>()
            .sqrt();
        off.norm = worse(off.norm, relative(norm, digest.l2));
        // A single value may be next to nothing: it is held against the usual size.
        let usual = (digest.l2 / (digest.count as f64).sqrt()).max(f64::MIN_POSITIVE);
        let ends = [
            (&values[..digest.first.len()], &digest.first),
            (&values[values.len() - digest.last.len()..], &digest.last),
        ];
        for (found, expected) in ends {
            for (found, expected) in found.iter().zip(expected) {
                off.values = worse(off.values, (f64::from(*found) - expected).abs() / usual);
            }
        }
    }
    Ok(off)
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE)
}

/// The larger; what is no number is worst.
fn worse(left: f64, right: f64) -> f64 {
    if right.is_nan() {
        f64::INFINITY
    } else {
        left.max(right)
    }
}
