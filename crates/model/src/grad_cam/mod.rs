//! Grad-CAM: the parts of an image that support a class (Selvaraju et al. 2017).

mod backward;

use crate::footprint::inspection_bytes;
use crate::fused_op::KernelOptions;
use crate::inference::Inference;
use crate::network::Network;
use crate::network_plan::{Operation, PlannedLayer, Shape};
use crate::shape_inference::ArchitectureError;
use backward::Backward;
use modiste_core::{OutOfMemory, require_memory};

/// Grad-CAM map: evidence for a class at each place of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct CamMap {
    /// Rows, as many as the last convolution's output has.
    pub height: usize,
    /// Columns, as many as the last convolution's output has.
    pub width: usize,
    /// Evidence, `[row, column]`, 0 to 1; all 0 if nothing supports the class.
    pub values: Vec<f32>,
}

/// Error of [`grad_cam`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GradCamError {
    /// The architecture is invalid.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The computation needs more memory than this process may use.
    #[error("Grad-CAM {0}")]
    Memory(OutOfMemory),
}

/// Computes Grad-CAM maps of `images`, `[batch, height, width, channels]` scaled to `[0, 1]`, one for
/// the class of each image in `classes`. Returns `None` if the network has no convolution.
///
/// A map is the sum over the channels of the last convolution's output, or of that of the activation layer
/// after it, each weighted by the mean gradient of the class's logit over that channel. It is clamped at 0
/// and divided by its largest value.
///
/// # Errors
/// Returns [`GradCamError`] if the architecture is invalid or the computation needs too much memory.
///
/// # Panics
/// If `images` does not contain one image of the network's input shape per class, or a class has no
/// logit.
///
/// ```
/// use modiste_model::{KernelOptions, Metadata, Network, grad_cam, zoo};
///
/// let network = Network::initialize(zoo::compact(), Metadata::default(), 1)?;
/// let options = KernelOptions::default();
/// let maps = grad_cam(&network, &vec![0.5; 28 * 28], &[3], &options)?.expect("compact has convolutions");
/// assert_eq!((maps[0].height, maps[0].width), (24, 24));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn grad_cam(
    network: &Network,
    images: &[f32],
    classes: &[usize],
    options: &KernelOptions,
) -> Result<Option<Vec<CamMap>>, GradCamError> {
    let plan = network.architecture.plan()?;
    let Some(Shape::Image(shape)) = observed_layer(&plan.layers).map(|layer| layer.output) else {
        return Ok(None);
    };
    let batch = classes.len();
    assert_eq!(
        images.len(),
        batch * plan.input.size(),
        "one image per class"
    );
    let bytes = inspection_bytes(&plan, batch, options);
    require_memory(bytes).map_err(GradCamError::Memory)?;
    let mut inference = Inference::layer_by_layer(plan, batch, options);
    inference.load(&network.parameters);
    inference.logits(images);
    let activations_and_gradient = gradient_at_observed_layer(&inference, classes);
    let size = shape.height * shape.width * shape.channels;
    let maps = activations_and_gradient.map(|(activations, gradient)| {
        let images = activations
            .chunks_exact(size)
            .zip(gradient.chunks_exact(size));
        let map = |(activations, gradient)| CamMap {
            height: shape.height,
            width: shape.width,
            values: map(activations, gradient, shape.channels),
        };
        images.map(map).collect()
    });
    Ok(maps)
}

/// Layer whose output a map shows: the last one with a convolution, or the activation after it, with or
/// without batch norm between them.
fn observed_layer(layers: &[PlannedLayer]) -> Option<&PlannedLayer> {
    let index = layers.iter().rposition(has_convolution)?;
    let follows = |offset: usize| layers.get(index + offset).map(|layer| &layer.operation);
    let offset = match (follows(1), follows(2)) {
        (Some(Operation::Activation { .. }), _) => 1,
        (Some(Operation::BatchNorm { .. }), Some(Operation::Activation { .. })) => 2,
        _ => 0,
    };
    layers.get(index + offset)
}

fn has_convolution(layer: &PlannedLayer) -> bool {
    match &layer.operation {
        Operation::Conv2d { .. } | Operation::DepthwiseConv2d { .. } => true,
        Operation::Residual { layers, shortcut } => {
            layers.iter().chain(shortcut).any(has_convolution)
        }
        _ => false,
    }
}

/// Output of the observed layer for the last images of `inference`, and the gradient of the class's logit
/// with respect to it, both `[batch, height, width, channels]`.
fn gradient_at_observed_layer<'a>(
    inference: &'a Inference,
    classes: &[usize],
) -> Option<(&'a [f32], Vec<f32>)> {
    let (ops, buffers) = (&inference.ops, &inference.buffers);
    let layers = &inference.plan().layers;
    let layer = observed_layer(layers)?;
    // A linear activation has no operation: its input is its output.
    let end = layers.iter().position(|other| other.name == layer.name)?;
    let index = layers[..=end]
        .iter()
        .rev()
        .find_map(|layer| ops.iter().rposition(|op| op.name == layer.name))?;
    let batch = classes.len();
    let logits = inference.plan().classes();
    let mut gradient = vec![0.0; batch * logits];
    for (row, &class) in gradient.chunks_exact_mut(logits).zip(classes) {
        row[class] = 1.0;
    }
    let next = index + 1;
    let activations = &buffers[index].output[..batch * ops[index].outputs];
    let backward = Backward {
        trainable: &inference.trainable,
        instructions: inference.instructions,
        batch,
    };
    let gradient = backward.run(&ops[next..], &buffers[next..], activations, gradient);
    Some((activations, gradient))
}

/// Grad-CAM map of one image: its channels, weighted by their mean gradients.
fn map(activations: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    let places = (activations.len() / channels) as f32;
    let mut weights = vec![0.0; channels];
    for pixel in gradient.chunks_exact(channels) {
        for (weight, value) in weights.iter_mut().zip(pixel) {
            *weight += value / places;
        }
    }
    let evidence = |pixel: &[f32]| {
        let sum: f32 = pixel.iter().zip(&weights).map(|(a, b)| a * b).sum();
        sum.max(0.0)
    };
    let mut values: Vec<f32> = activations.chunks_exact(channels).map(evidence).collect();
    let largest = values.iter().copied().fold(0.0, f32::max);
    if largest > 0.0 {
        values.iter_mut().for_each(|value| *value /= largest);
    }
    values
}

#[cfg(test)]
mod tests {
    use modiste_kernels::MaxPool2dShape;

    use super::*;
    use crate::architecture::Architecture;
    use crate::fused_op::Kind;
    use crate::layer::{Layer, Padding};
    use crate::network::Metadata;

    fn network(layers: Vec<Layer>) -> Network {
        let architecture = Architecture {
            name: "test".into(),
            input: [2, 3, 1],
            layers,
        };
        Network::initialize(architecture, Metadata::default(), 1).expect("valid network")
    }

    #[test]
    fn map_is_weighted_sum_of_channels() {
        // A 1x1 convolution with two filters, then a dense layer: small enough to compute by hand.
        let conv = Layer::Conv2d {
            filters: 2,
            kernel_size: [1, 1],
            stride: [1, 1],
            padding: Padding::Valid,
            use_bias: true,
            activation: crate::Activation::Relu,
            initializer: crate::Initializer::GlorotUniform,
        };
        let mut network = network(vec![conv, Layer::Flatten, Layer::logits(2)]);
        let trainable = &mut network.parameters.trainable;
        // The channels are the image and twice the image. The dense kernel is [place and channel, class].
        trainable[..4].copy_from_slice(&[1.0, 2.0, 0.0, 0.0]);
        for place in 0..6 {
            // The first channel supports class 1 everywhere; the second one opposes it, less strongly.
            trainable[4 + place * 4..8 + place * 4].copy_from_slice(&[0.0, 3.0, 0.0, -1.0]);
        }
        let image = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
        let maps = grad_cam(
            &network,
            &image.repeat(2),
            &[1, 0],
            &KernelOptions::default(),
        )
        .expect("valid network");
        let maps = maps.expect("the network has a convolution");
        assert_eq!((maps[0].height, maps[0].width), (2, 3));
        // 3 * image - 1 * 2 * image is the image, which is divided by its largest value.
        for (found, expected) in maps[0].values.iter().zip(image) {
            assert!((found - expected / 0.5).abs() < 1e-6, "{maps:?}");
        }
        assert_eq!(maps[1].values, [0.0; 6], "nothing supports class 0");
    }

    /// Logits from the output of the last convolution, computed by plain loops.
    fn logits_after(inference: &Inference, index: usize, values: &[f32]) -> Vec<f32> {
        let mut values = values.to_vec();
        for (op, buffers) in inference.ops.iter().zip(&inference.buffers).skip(index + 1) {
            values = match &op.kind {
                Kind::BatchNorm(norm) => {
                    let scale = buffers.norm.scale.iter().cycle();
                    let beta = &inference.trainable[norm.variables.clone()][norm.channels..];
                    // The running mean of an untrained network is 0.
                    let shifted = values.iter().zip(scale).zip(beta.iter().cycle());
                    shifted
                        .map(|((value, scale), beta)| value * scale + beta)
                        .collect()
                }
                Kind::MaxPool2d(shape) => {
                    let shape = MaxPool2dShape { batch: 1, ..*shape };
                    let mut output = vec![0.0; op.outputs];
                    let mut argmax = vec![0; op.outputs];
                    modiste_kernels::max_pool2d_forward(&shape, &values, &mut output, &mut argmax);
                    output
                }
                Kind::Dense(dense) => {
                    let (inputs, outputs) = (dense.shape.inputs, dense.shape.outputs);
                    let (weight, bias) =
                        inference.trainable[dense.variables.clone()].split_at(inputs * outputs);
                    let sum = |output: usize| {
                        let sum: f32 = (0..inputs)
                            .map(|input| values[input] * weight[input * outputs + output])
                            .sum();
                        let sum = sum + bias[output];
                        if dense.relu { sum.max(0.0) } else { sum }
                    };
                    (0..outputs).map(sum).collect()
                }
                kind => panic!("{kind:?}"),
            };
        }
        values
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let layers = vec![
            Layer::conv2d(2, Padding::Same),
            Layer::batch_norm(),
            Layer::max_pool2d(2),
            Layer::Flatten,
            Layer::dense(5),
            Layer::logits(3),
        ];
        let network = network(layers);
        let plan = network.architecture.plan().expect("valid network");
        let options = KernelOptions::default();
        let mut inference = Inference::layer_by_layer(plan, 2, &options);
        inference.load(&network.parameters);
        let images: Vec<f32> = (0..12).map(|index| (index * 5 % 7) as f32 / 7.0).collect();
        inference.logits(&images);
        let classes = [2, 1];
        let (output, gradient) = gradient_at_observed_layer(&inference, &classes)
            .expect("the network has a convolution");
        assert_eq!((output.len(), gradient.len()), (24, 24));
        for (index, gradient) in gradient.iter().enumerate() {
            let (image, place) = (index / 12, index % 12);
            let moved = |by: f32| {
                let mut values = output[image * 12..][..12].to_vec();
                values[place] += by;
                logits_after(&inference, 0, &values)[classes[image]]
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!(
                (slope - gradient).abs() < 1e-2,
                "{index}: {slope} {gradient}"
            );
        }
    }

    #[test]
    fn returns_none_without_convolution() {
        let network = network(vec![Layer::Flatten, Layer::logits(2)]);
        assert_eq!(
            grad_cam(&network, &[0.0; 6], &[1], &KernelOptions::default()).expect("valid network"),
            None
        );
    }
}
