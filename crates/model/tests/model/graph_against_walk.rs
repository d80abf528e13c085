use candle_core::{Device, Tensor};
use modiste_core::Rng;
use modiste_kernels::{SgdStep, sgd_update};
use modiste_model::{
    Activation, Architecture, Graph, Inference, Initializer, InstructionSet, KernelOptions, Layer,
    Padding, Parameters, Resolved, Walk, zoo,
};

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..count).map(|_| rng.uniform() as f32).collect()
}

/// The largest difference, of the largest value.
fn deviation(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    let largest = right
        .iter()
        .fold(1e-4_f32, |max, value| max.max(value.abs()));
    let difference = left.iter().zip(right).map(|(l, r)| (l - r).abs());
    difference.fold(0.0, f32::max) / largest
}

struct Both {
    resolved: Resolved,
    parameters: Parameters,
    images: Vec<f32>,
    labels: Vec<u16>,
    batch: usize,
}

impl Both {
    fn new(architecture: &Architecture, batch: usize) -> Self {
        let resolved = architecture.resolve().expect("a network");
        let mut rng = Rng::new(5);
        let classes = resolved.classes();
        Self {
            parameters: Parameters::initialize(&resolved, 3),
            images: numbers(batch * resolved.input.size(), 4),
            labels: (0..batch).map(|_| rng.below(classes) as u16).collect(),
            resolved,
            batch,
        }
    }

    fn tensor(&self) -> Tensor {
        let shape = self.resolved.input;
        let dimensions = (self.batch, shape.height, shape.width, shape.channels);
        Tensor::from_slice(&self.images, dimensions, &Device::Cpu).expect("as many values")
    }

    /// Loss, gradients and moving statistics of the graph.
    fn graph_step(
        &self,
        parameters: &Parameters,
        rng: &mut Rng,
    ) -> candle_core::Result<(f32, Vec<f32>, Vec<f32>)> {
        let graph = Graph::new(&self.resolved, parameters, &Device::Cpu)?;
        let logits = graph.forward_train(&self.tensor(), rng)?;
        let labels: Vec<u32> = self.labels.iter().map(|&label| label.into()).collect();
        let labels = Tensor::new(labels, &Device::Cpu)?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        let store = loss.backward()?;
        let mut gradients = Vec::new();
        for (variable, var) in graph.trainable() {
            let gradient = store
                .get(var)
                .unwrap_or_else(|| panic!("{} has none", variable.name));
            gradients.extend(gradient.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok((loss.to_scalar()?, gradients, graph.parameters()?.statistics))
    }
}

/// How far two ways to compute may part at the same weights: in the logits and the loss, and in the
/// gradients.
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

/// Ten steps of the graph: from where, what came of each, and where they lead.
struct GraphRun {
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

impl GraphRun {
    fn new(both: &Both) -> candle_core::Result<Self> {
        let graph = Graph::new(&both.resolved, &both.parameters, &Device::Cpu)?;
        let mut run = Self {
            logits: graph.forward(&both.tensor())?.flatten_all()?.to_vec1()?,
            steps: Vec::new(),
            parameters: both.parameters.clone(),
            rng: Rng::new(6),
        };
        let mut velocities = vec![0.0; both.resolved.trainable_len()];
        for _ in 0..10 {
            let (parameters, rng) = (run.parameters.clone(), run.rng.clone());
            let (loss, gradients, statistics) = both.graph_step(&run.parameters, &mut run.rng)?;
            run.parameters.statistics = statistics;
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

/// Logits, and losses and every gradient along ten steps of SGD agree, whatever the kernels; with
/// exact ones so do ten steps gone alone.
#[track_caller]
fn check(architecture: &Architecture, batch: usize) {
    let both = Both::new(architecture, batch);
    let graph = GraphRun::new(&both).expect("the graph runs");
    for instructions in InstructionSet::available() {
        for exact in [true, false] {
            let options = KernelOptions {
                exact,
                instructions,
            };
            check_logits_and_steps(&both, &graph, &options, if exact { &EXACT } else { &FAST });
            if exact {
                check_run(&both, &graph, &options);
            }
        }
    }
}

#[track_caller]
fn check_logits_and_steps(
    both: &Both,
    graph: &GraphRun,
    options: &KernelOptions,
    bounds: &Tolerances,
) {
    let size = both.batch + 1;
    let mut inference = Inference::new(both.resolved.clone(), size, options);
    inference.load(&both.parameters);
    let off = deviation(inference.logits(&both.images), &graph.logits);
    assert!(
        off < bounds.logits,
        "{options:?}: logits are off by {off:.1e}"
    );

    let mut walk = Walk::new(both.resolved.clone(), size, options);
    let mut gradients = vec![f32::NAN; both.resolved.trainable_len()];
    for (number, step) in graph.steps.iter().enumerate() {
        // From the graph's weights: where they differ by their rounding, a rectifier whose input is
        // next to nothing falls either way, and with a handful of filters that shows.
        let outcome = walk.gradients(
            &mut step.parameters.clone(),
            &both.images,
            &both.labels,
            &mut step.rng.clone(),
            &mut gradients,
        );
        let off = (outcome.loss as f32 - step.loss).abs() / step.loss.abs().max(1.0);
        assert!(
            off < bounds.logits,
            "{options:?}, step {number}: losses {} and {}",
            outcome.loss,
            step.loss
        );
        for variable in both.resolved.variables.iter().filter(|v| v.trainable) {
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

/// Ten steps of the walk by itself lead where the graph's lead.
#[track_caller]
fn check_run(both: &Both, graph: &GraphRun, options: &KernelOptions) {
    let mut walk = Walk::new(both.resolved.clone(), both.batch, options);
    let mut parameters = both.parameters.clone();
    let mut gradients = vec![f32::NAN; both.resolved.trainable_len()];
    let mut velocities = vec![0.0; gradients.len()];
    let mut rng = Rng::new(6);
    for _ in &graph.steps {
        walk.gradients(
            &mut parameters,
            &both.images,
            &both.labels,
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
            &graph.parameters.trainable,
            1e-3,
        ),
        (
            "statistics",
            &parameters.statistics,
            &graph.parameters.statistics,
            1e-4,
        ),
    ] {
        let off = deviation(found, expected);
        assert!(off < bound, "{options:?}: {what} are off by {off:.1e}");
    }
    assert_eq!(rng, graph.rng, "both drew the same masks");
}

fn with(input: [usize; 3], layers: Vec<Layer>) -> Architecture {
    Architecture {
        name: "test".into(),
        input,
        layers,
    }
}

fn conv(kernel_size: [usize; 2], stride: usize, padding: Padding, activation: Activation) -> Layer {
    Layer::Conv2d {
        filters: 5,
        kernel_size,
        stride,
        padding,
        activation,
        initializer: Initializer::HeUniform,
    }
}

/// The networks of the zoo with fewer filters: the same layers in a fraction of the time.
fn narrow(mut architecture: Architecture) -> Architecture {
    for layer in &mut architecture.layers {
        match layer {
            Layer::Conv2d { filters, .. } => *filters /= 8,
            Layer::Dense { units, .. } if *units > 100 => *units /= 16,
            _ => {}
        }
    }
    architecture
}

#[test]
fn the_lectures_networks() {
    check(&narrow(zoo::compact()), 3);
    check(&narrow(zoo::vgg()), 3);
    check(&narrow(zoo::bnvgg()), 2);
}

#[test]
fn strides_and_kernels_of_every_sort() {
    check(
        &with(
            [9, 12, 2],
            vec![
                conv([3, 3], 2, Padding::Same, Activation::Relu),
                conv([1, 1], 1, Padding::Valid, Activation::Linear),
                conv([5, 2], 1, Padding::Same, Activation::Relu),
                conv([2, 3], 2, Padding::Valid, Activation::Linear),
                Layer::Flatten,
                Layer::logits(4),
            ],
        ),
        3,
    );
}

#[test]
fn pools_that_do_not_divide_and_dropout_on_images() {
    check(
        &with(
            [11, 10, 1],
            vec![
                conv([3, 3], 1, Padding::Same, Activation::Relu),
                Layer::max_pool2d(3),
                Layer::dropout(0.4),
                Layer::batch_norm(),
                Layer::max_pool2d(2),
                Layer::Flatten,
                Layer::Flatten,
                Layer::dense(9),
                Layer::batch_norm(),
                Layer::logits(3),
            ],
        ),
        5,
    );
}

#[test]
fn blocks_within_blocks() {
    let inner = Layer::Residual {
        layers: vec![
            Layer::batch_norm(),
            conv([3, 3], 1, Padding::Same, Activation::Relu),
        ],
    };
    check(
        &with(
            [6, 5, 1],
            vec![
                conv([3, 3], 1, Padding::Same, Activation::Relu),
                Layer::Residual {
                    layers: vec![
                        Layer::dropout(0.2),
                        inner,
                        conv([3, 3], 1, Padding::Same, Activation::Linear),
                    ],
                },
                Layer::Residual {
                    layers: vec![Layer::dropout(0.5)],
                },
                Layer::max_pool2d(2),
                Layer::Flatten,
                Layer::Residual {
                    layers: vec![Layer::dense(30)],
                },
                Layer::logits(4),
            ],
        ),
        4,
    );
}

/// A batch shorter than the buffers, as the last of an epoch is.
#[test]
fn a_short_batch_gives_what_a_walk_of_its_size_gives() {
    let both = Both::new(&narrow(zoo::bnvgg()), 3);
    let outcome = |batch_size| {
        let mut walk = Walk::new(both.resolved.clone(), batch_size, &KernelOptions::default());
        let mut parameters = both.parameters.clone();
        let mut gradients = vec![f32::NAN; both.resolved.trainable_len()];
        let outcome = walk.gradients(
            &mut parameters,
            &both.images,
            &both.labels,
            &mut Rng::new(1),
            &mut gradients,
        );
        (outcome, gradients, parameters)
    };
    assert!(outcome(3) == outcome(20));
}

/// What is inspected layer by layer is what the folded kernels compute.
#[test]
fn inference_layer_by_layer_agrees_with_the_graph() {
    for architecture in [zoo::compact(), zoo::closet()] {
        let resolved = architecture.resolve().expect("a network of the zoo");
        let parameters = Parameters::initialize(&resolved, 3);
        let images: Vec<f32> = (0..2 * 28 * 28)
            .map(|i| (i * 7 % 11) as f32 / 11.0)
            .collect();
        let options = KernelOptions::default();
        let mut inference = Inference::layer_by_layer(resolved.clone(), 4, &options);
        inference.load(&parameters);
        let logits = inference.logits(&images).to_vec();
        let names: Vec<&str> = inference.activations(2).map(|(name, _)| name).collect();
        let silent = ["flatten", "dropout"];
        let expected: Vec<&str> = resolved
            .layers
            .iter()
            .map(|layer| layer.name.as_str())
            .filter(|name| !silent.iter().any(|silent| name.starts_with(silent)))
            .collect();
        assert_eq!(names, expected);
        let graph = Graph::new(&resolved, &parameters, &Device::Cpu).expect("candle");
        let tensor = Tensor::from_slice(&images, (2, 28, 28, 1), &Device::Cpu).expect("images");
        let reference = graph
            .forward(&tensor)
            .expect("logits")
            .flatten_all()
            .expect("flat");
        let reference = reference.to_vec1::<f32>().expect("values");
        for (found, expected) in logits.iter().zip(&reference) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        let first = resolved.layers[0].output.size();
        let (_, output) = inference.activations(2).next().expect("a layer");
        assert_eq!(output.len(), 2 * first);
        assert!(
            output.iter().all(|&value| value >= 0.0),
            "behind the rectifier"
        );
    }
}
