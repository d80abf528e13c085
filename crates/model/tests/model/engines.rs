//! Checks that the kernel engine and inference agree with the candle engine.

use candle_core::{Device, Tensor};
use modiste_core::Rng;
use modiste_kernels::{SgdStep, sgd_update};
use modiste_model::{
    Architecture, CandleNetwork, Inference, InstructionSet, KernelNetwork, KernelOptions,
    NetworkPlan, Parameters,
};

pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| rng.uniform() as f32).collect()
}

/// Largest difference, relative to the largest value of `right`.
pub(crate) fn deviation(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    let largest = right
        .iter()
        .fold(1e-4_f32, |max, value| max.max(value.abs()));
    let difference = left.iter().zip(right).map(|(l, r)| (l - r).abs());
    difference.fold(0.0, f32::max) / largest
}

/// A network with one batch.
pub(crate) struct Fixture {
    pub(crate) plan: NetworkPlan,
    pub(crate) parameters: Parameters,
    pub(crate) images: Vec<f32>,
    pub(crate) labels: Vec<u16>,
    batch: usize,
}

impl Fixture {
    pub(crate) fn new(architecture: &Architecture, batch: usize) -> Self {
        let plan = architecture.plan().expect("valid network");
        let mut rng = Rng::new(5);
        let classes = plan.classes();
        Self {
            parameters: Parameters::initialize(&plan, 3),
            images: numbers(batch * plan.input.size(), 4),
            labels: (0..batch).map(|_| rng.below(classes) as u16).collect(),
            plan,
            batch,
        }
    }

    pub(crate) fn tensor(&self) -> Tensor {
        let shape = self.plan.input;
        let dimensions = (self.batch, shape.height, shape.width, shape.channels);
        Tensor::from_slice(&self.images, dimensions, &Device::Cpu).expect("matching length")
    }

    /// Loss, gradients and running statistics of one step of the candle engine.
    pub(crate) fn candle_step(
        &self,
        parameters: &Parameters,
        rng: &mut Rng,
    ) -> candle_core::Result<(f32, Vec<f32>, Vec<f32>)> {
        let candle = CandleNetwork::new(&self.plan, parameters, &Device::Cpu)?;
        let logits = candle.forward_train(&self.tensor(), rng)?;
        let labels: Vec<u32> = self.labels.iter().map(|&label| label.into()).collect();
        let labels = Tensor::new(labels, &Device::Cpu)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        let store = loss.backward()?;
        let mut gradients = Vec::new();
        for (variable, var) in candle.trainable() {
            let gradient = store
                .get(var)
                .unwrap_or_else(|| panic!("{} has no gradient", variable.name));
            gradients.extend(gradient.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok((
            loss.to_scalar()?,
            gradients,
            candle.parameters()?.running_stats,
        ))
    }
}

/// Largest relative deviations between the engines at the same weights; `logits` also applies to
/// losses.
struct Tolerances {
    logits: f32,
    gradients: f32,
}

const EXACT: Tolerances = Tolerances {
    logits: 1e-5,
    gradients: 1e-4,
};

const FAST: Tolerances = Tolerances {
    logits: 1e-4,
    gradients: 1e-2,
};

const STEP: SgdStep = SgdStep {
    learning_rate: 0.001,
    momentum: 0.9,
    nesterov: true,
    weight_decay: 0.0,
};

/// Ten steps of the candle engine: initial logits, the steps, final parameters and generator.
struct CandleRun {
    logits: Vec<f32>,
    steps: Vec<Step>,
    parameters: Parameters,
    rng: Rng,
}

struct Step {
    parameters: Parameters,
    rng: Rng,
    loss: f32,
    gradients: Vec<f32>,
}

impl CandleRun {
    fn new(fixture: &Fixture) -> candle_core::Result<Self> {
        let candle = CandleNetwork::new(&fixture.plan, &fixture.parameters, &Device::Cpu)?;
        let mut run = Self {
            logits: candle
                .forward(&fixture.tensor())?
                .flatten_all()?
                .to_vec1()?,
            steps: Vec::new(),
            parameters: fixture.parameters.clone(),
            rng: Rng::new(6),
        };
        let mut velocities = vec![0.0; fixture.plan.trainable_len()];
        for _ in 0..10 {
            let (parameters, rng) = (run.parameters.clone(), run.rng.clone());
            let (loss, gradients, statistics) =
                fixture.candle_step(&run.parameters, &mut run.rng)?;
            run.parameters.running_stats = statistics;
            let weights = &mut run.parameters.trainable;
            sgd_update(&STEP, weights, &mut velocities, &gradients);
            run.steps.push(Step {
                parameters,
                rng,
                loss,
                gradients,
            });
        }
        Ok(run)
    }
}

/// Checks logits, and the loss and every gradient at ten steps of SGD, with all kernels. With exact
/// kernels, also checks ten independent steps.
#[track_caller]
pub(crate) fn check(architecture: &Architecture, batch: usize) {
    let fixture = Fixture::new(architecture, batch);
    let candle = CandleRun::new(&fixture).expect("candle runs");
    for instructions in InstructionSet::available() {
        for exact in [true, false] {
            let options = KernelOptions {
                exact,
                instructions,
            };
            check_logits_and_steps(
                &fixture,
                &candle,
                &options,
                if exact { &EXACT } else { &FAST },
            );
            if exact {
                check_run(&fixture, &candle, &options);
            }
        }
    }
}

#[track_caller]
fn check_logits_and_steps(
    fixture: &Fixture,
    candle: &CandleRun,
    options: &KernelOptions,
    bounds: &Tolerances,
) {
    let size = fixture.batch + 1;
    let mut inference = Inference::new(fixture.plan.clone(), size, options);
    inference.load(&fixture.parameters);
    let off = deviation(inference.logits(&fixture.images), &candle.logits);
    assert!(
        off < bounds.logits,
        "{options:?}: logits are off by {off:.1e}"
    );

    let mut network = KernelNetwork::new(fixture.plan.clone(), size, options);
    let mut gradients = vec![f32::NAN; fixture.plan.trainable_len()];
    for (number, step) in candle.steps.iter().enumerate() {
        // Each step starts from candle's weights. From weights that differ by rounding, a ReLU with an
        // input near 0 could take another branch, which shows in a network with few filters.
        let metrics = network.gradients(
            &mut step.parameters.clone(),
            &fixture.images,
            &fixture.labels,
            &mut step.rng.clone(),
            &mut gradients,
        );
        let off = (metrics.loss as f32 - step.loss).abs() / step.loss.abs().max(1.0);
        assert!(
            off < bounds.logits,
            "{options:?}, step {number}: losses {} and {}",
            metrics.loss,
            step.loss
        );
        for variable in fixture.plan.variables.iter().filter(|v| v.trainable) {
            let range = variable.range.clone();
            let off = deviation(&gradients[range.clone()], &step.gradients[range]);
            assert!(
                off < bounds.gradients,
                "{options:?}, step {number}: gradient of {} is off by {off:.1e}",
                variable.name
            );
        }
    }
}

/// Checks that ten independent steps of the kernel engine lead to the same parameters.
#[track_caller]
fn check_run(fixture: &Fixture, candle: &CandleRun, options: &KernelOptions) {
    let mut network = KernelNetwork::new(fixture.plan.clone(), fixture.batch, options);
    let mut parameters = fixture.parameters.clone();
    let mut gradients = vec![f32::NAN; fixture.plan.trainable_len()];
    let mut velocities = vec![0.0; gradients.len()];
    let mut rng = Rng::new(6);
    for _ in &candle.steps {
        network.gradients(
            &mut parameters,
            &fixture.images,
            &fixture.labels,
            &mut rng,
            &mut gradients,
        );
        let weights = &mut parameters.trainable;
        sgd_update(&STEP, weights, &mut velocities, &gradients);
    }
    for (what, found, expected, bound) in [
        (
            "weights",
            &parameters.trainable,
            &candle.parameters.trainable,
            1e-3,
        ),
        (
            "running statistics",
            &parameters.running_stats,
            &candle.parameters.running_stats,
            1e-4,
        ),
    ] {
        let off = deviation(found, expected);
        assert!(off < bound, "{options:?}: {what} are off by {off:.1e}");
    }
    assert_eq!(rng, candle.rng, "both engines draw the same masks");
}
