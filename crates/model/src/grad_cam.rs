//! Grad-CAM: the parts of an image that speak for a class (Selvaraju et al. 2017).

use modiste_core::{OutOfMemory, require_memory};
use modiste_kernels::{MaxPool2dShape, max_pool2d_backward};

use crate::footprint::inspection_bytes;
use crate::inference::{Inference, Slot};
use crate::network::Network;
use crate::resolve::ArchitectureError;
use crate::resolved::{Operation, ResolvedLayer, Shape};
use crate::stage::{DenseStage, KernelOptions, Kind, Stage};

/// Evidence for a class at each place of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct CamMap {
    /// Rows of the last convolution's output, fewer than the image's.
    pub height: usize,
    /// Columns of the last convolution's output.
    pub width: usize,
    /// Evidence, `[row, column]`, 0 to 1; all 0 if nothing speaks for the class.
    pub values: Vec<f32>,
}

/// Why Grad-CAM could not be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GradCamError {
    /// The layers do not make a network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// It takes more memory than this process may have.
    #[error("Grad-CAM {0}")]
    Memory(OutOfMemory),
}

/// Computes Grad-CAM maps of `images`, `[batch, height, width, channels]` scaled to `[0, 1]`, each for its
/// class in `classes`: the outputs of the last convolution, weighted by the mean over each channel of the
/// logit's gradient, summed, clamped at 0 and divided by the largest value. `None` if the network has no
/// convolution.
///
/// # Errors
/// [`GradCamError`] if the network is invalid or memory is too short.
///
/// # Panics
/// If the images are not of the network's shape, or not as many as `classes`, or a class is no logit.
///
/// ```
/// use modiste_model::{KernelOptions, Metadata, Network, grad_cam, zoo};
///
/// let network = Network::initialize(zoo::compact(), Metadata::default(), 1)?;
/// let options = KernelOptions::default();
/// let maps = grad_cam(&network, &vec![0.5; 28 * 28], &[3], &options)?.expect("it has convolutions");
/// assert_eq!((maps[0].height, maps[0].width), (24, 24));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn grad_cam(
    network: &Network,
    images: &[f32],
    classes: &[usize],
    options: &KernelOptions,
) -> Result<Option<Vec<CamMap>>, GradCamError> {
    let resolved = network.architecture.resolve()?;
    let last = resolved.layers.iter().rfind(|layer| convolves(layer));
    let Some(Shape::Image(shape)) = last.map(|layer| layer.output) else {
        return Ok(None);
    };
    let batch = classes.len();
    assert_eq!(
        images.len(),
        batch * resolved.input.size(),
        "an image per class"
    );
    let bytes = inspection_bytes(&resolved, batch, options);
    require_memory(bytes).map_err(GradCamError::Memory)?;
    let mut inference = Inference::layer_by_layer(resolved, batch, options);
    inference.load(&network.parameters);
    inference.logits(images);
    let activations_and_gradient = gradient_at_last_convolution(&inference, classes);
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

fn convolves(layer: &ResolvedLayer) -> bool {
    match &layer.operation {
        Operation::Conv2d { .. } => true,
        Operation::Residual { layers } => layers.iter().any(convolves),
        _ => false,
    }
}

fn stage_convolves(stage: &Stage) -> bool {
    match &stage.kind {
        Kind::Conv(_) => true,
        Kind::Residual(block) => block.iter().any(stage_convolves),
        _ => false,
    }
}

/// Output of the last stage that convolves for the images that `inference` saw last, and the gradient of
/// each image's logit of its class with respect to it, both `[batch, height, width, channels]`.
fn gradient_at_last_convolution<'a>(
    inference: &'a Inference,
    classes: &[usize],
) -> Option<(&'a [f32], Vec<f32>)> {
    let (stages, slots) = (&inference.stages, &inference.slots);
    let index = stages.iter().rposition(stage_convolves)?;
    let batch = classes.len();
    let logits = inference.resolved().classes();
    let mut gradient = vec![0.0; batch * logits];
    for (row, &class) in gradient.chunks_exact_mut(logits).zip(classes) {
        row[class] = 1.0;
    }
    let behind = index + 1;
    let gradient = backward(
        &stages[behind..],
        &slots[behind..],
        &inference.trainable,
        batch,
        gradient,
    );
    let activations = &slots[index].output[..batch * stages[index].outputs];
    Some((activations, gradient))
}

/// Gradient at the input of `stages` from that at their output, `[batch, ...]`, as inference computes them.
fn backward(
    stages: &[Stage],
    slots: &[Slot],
    trainable: &[f32],
    batch: usize,
    mut gradient: Vec<f32>,
) -> Vec<f32> {
    for (stage, slot) in stages.iter().zip(slots).rev() {
        gradient = match &stage.kind {
            Kind::Dense(dense) => {
                let output = &slot.output[..batch * stage.outputs];
                dense_backward(dense, output, trainable, gradient)
            }
            Kind::MaxPool2d(shape) => {
                let shape = MaxPool2dShape { batch, ..*shape };
                let mut at_input = vec![0.0; batch * stage.inputs];
                let winners = &slot.bytes[..gradient.len()];
                max_pool2d_backward(&shape, &gradient, winners, &mut at_input);
                at_input
            }
            Kind::BatchNorm(norm) => {
                for pixel in gradient.chunks_exact_mut(norm.channels) {
                    for (value, scale) in pixel.iter_mut().zip(&slot.norm.scale) {
                        *value *= scale;
                    }
                }
                gradient
            }
            Kind::Residual(block) => {
                let inner = backward(block, &slot.block, trainable, batch, gradient.clone());
                gradient
                    .iter_mut()
                    .zip(inner)
                    .for_each(|(sum, value)| *sum += value);
                gradient
            }
            // Behind the last convolution there is none, and inference has no dropout.
            Kind::Conv(_) | Kind::Dropout(_) => gradient,
        };
    }
    gradient
}

fn dense_backward(
    dense: &DenseStage,
    output: &[f32],
    trainable: &[f32],
    mut gradient: Vec<f32>,
) -> Vec<f32> {
    let (inputs, outputs) = (dense.shape.inputs, dense.shape.outputs);
    if dense.relu {
        for (value, output) in gradient.iter_mut().zip(output) {
            *value = if *output > 0.0 { *value } else { 0.0 };
        }
    }
    // [inputs, outputs]
    let weight = &trainable[dense.variables.clone()][..inputs * outputs];
    let dot = |row: &[f32], gradient: &[f32]| row.iter().zip(gradient).map(|(a, b)| a * b).sum();
    gradient
        .chunks_exact(outputs)
        .flat_map(|gradient| {
            weight
                .chunks_exact(outputs)
                .map(move |row| dot(row, gradient))
        })
        .collect()
}

/// The channels of one image's activations, weighted by the mean of their gradient, as one map.
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
    use super::*;
    use crate::architecture::{Architecture, Layer, Padding};
    use crate::network::Metadata;

    fn network(layers: Vec<Layer>) -> Network {
        let architecture = Architecture {
            name: "test".into(),
            input: [2, 3, 1],
            layers,
        };
        Network::initialize(architecture, Metadata::default(), 1).expect("a network")
    }

    #[test]
    fn the_map_is_the_weighted_sum_of_the_last_maps() {
        // A 1x1 convolution to two maps, then a dense layer: everything can be done by hand.
        let conv = Layer::Conv2d {
            filters: 2,
            kernel_size: [1, 1],
            stride: 1,
            padding: Padding::Valid,
            activation: crate::Activation::Relu,
            initializer: crate::Initializer::GlorotUniform,
        };
        let mut network = network(vec![conv, Layer::Flatten, Layer::logits(2)]);
        let trainable = &mut network.parameters.trainable;
        // The maps are the image and twice the image; then the dense kernel, [place and map, class].
        trainable[..4].copy_from_slice(&[1.0, 2.0, 0.0, 0.0]);
        for place in 0..6 {
            // Class 1 wants the first map everywhere, and the second one not, a little less.
            trainable[4 + place * 4..8 + place * 4].copy_from_slice(&[0.0, 3.0, 0.0, -1.0]);
        }
        let image = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
        let maps = grad_cam(
            &network,
            &image.repeat(2),
            &[1, 0],
            &KernelOptions::default(),
        )
        .expect("a network");
        let maps = maps.expect("it has a convolution");
        assert_eq!((maps[0].height, maps[0].width), (2, 3));
        // 3 x image - 1 x 2 image is the image; divided by its largest.
        for (found, expected) in maps[0].values.iter().zip(image) {
            assert!((found - expected / 0.5).abs() < 1e-6, "{maps:?}");
        }
        assert_eq!(maps[1].values, [0.0; 6], "nothing speaks for class 0");
    }

    /// Logits from the output of the last convolution, through the stages behind it.
    fn logits_behind(inference: &Inference, index: usize, values: &[f32]) -> Vec<f32> {
        let mut values = values.to_vec();
        for (stage, slot) in inference
            .stages
            .iter()
            .zip(&inference.slots)
            .skip(index + 1)
        {
            values = match &stage.kind {
                Kind::BatchNorm(norm) => {
                    let scale = slot.norm.scale.iter().cycle();
                    let beta = &inference.trainable[norm.variables.clone()][norm.channels..];
                    // The mean of a network that was not trained is 0.
                    let shifted = values.iter().zip(scale).zip(beta.iter().cycle());
                    shifted
                        .map(|((value, scale), beta)| value * scale + beta)
                        .collect()
                }
                Kind::MaxPool2d(shape) => {
                    let shape = MaxPool2dShape { batch: 1, ..*shape };
                    let mut output = vec![0.0; stage.outputs];
                    let mut winners = vec![0; stage.outputs];
                    modiste_kernels::max_pool2d_forward(&shape, &values, &mut output, &mut winners);
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
        let resolved = network.architecture.resolve().expect("a network");
        let options = KernelOptions::default();
        let mut inference = Inference::layer_by_layer(resolved, 2, &options);
        inference.load(&network.parameters);
        let images: Vec<f32> = (0..12).map(|index| (index * 5 % 7) as f32 / 7.0).collect();
        inference.logits(&images);
        let classes = [2, 1];
        let (output, gradient) =
            gradient_at_last_convolution(&inference, &classes).expect("a convolution");
        assert_eq!((output.len(), gradient.len()), (24, 24));
        for (index, gradient) in gradient.iter().enumerate() {
            let (image, place) = (index / 12, index % 12);
            let moved = |by: f32| {
                let mut values = output[image * 12..][..12].to_vec();
                values[place] += by;
                logits_behind(&inference, 0, &values)[classes[image]]
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!(
                (slope - gradient).abs() < 1e-2,
                "{index}: {slope} {gradient}"
            );
        }
    }

    #[test]
    fn without_a_convolution_there_is_no_map() {
        let network = network(vec![Layer::Flatten, Layer::logits(2)]);
        assert_eq!(
            grad_cam(&network, &[0.0; 6], &[1], &KernelOptions::default()).expect("a network"),
            None
        );
    }
}
