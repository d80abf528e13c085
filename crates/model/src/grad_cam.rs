//! Where a network looked: Grad-CAM (Selvaraju et al. 2017).

use candle_core::{Device, Result, Tensor};

use crate::graph::Graph;
use crate::network::Network;
use crate::resolved::{Operation, ResolvedLayer, Shape};

/// How much each place of an image speaks for a class.
#[derive(Clone, Debug, PartialEq)]
pub struct CamMap {
    /// Rows: those of the layer that is looked at, fewer than the image's.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `[row, column]`, 0 to 1; all 0 where nothing speaks for the class.
    pub values: Vec<f32>,
}

fn convolves(layer: &ResolvedLayer) -> bool {
    match &layer.operation {
        Operation::Conv2d { .. } => true,
        Operation::Residual { layers } => layers.iter().any(convolves),
        _ => false,
    }
}

/// For each of `images`, `[batch, height, width, channels]` scaled to `[0, 1]`, what speaks for its
/// class in `classes`: the maps of the last convolution, weighted by the mean of the logit's gradient
/// over each map, summed, what is below zero left out, and divided by the largest. `None` of a network
/// without a convolution.
///
/// # Errors
/// What candle says, a class that is none among it.
///
/// # Panics
/// Where the images are not the network's, or not as many as the classes.
///
/// ```
/// use modiste_model::{Metadata, Network, grad_cam, zoo};
///
/// let network = Network::initialize(zoo::compact(), Metadata::default(), 1)?;
/// let maps = grad_cam(&network, &vec![0.5; 28 * 28], &[3])?.expect("it has convolutions");
/// assert_eq!((maps[0].height, maps[0].width), (24, 24));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn grad_cam(
    network: &Network,
    images: &[f32],
    classes: &[usize],
) -> Result<Option<Vec<CamMap>>> {
    let resolved = network
        .architecture
        .resolve()
        .map_err(candle_core::Error::wrap)?;
    let last = resolved.layers.iter().rposition(convolves);
    let last = last.map(|index| (index, resolved.layers[index].output));
    let Some((index, Shape::Image(shape))) = last else {
        return Ok(None);
    };
    let input = resolved.input;
    assert_eq!(
        images.len(),
        classes.len() * input.size(),
        "an image per class"
    );
    let dimensions = (classes.len(), input.height, input.width, input.channels);
    let images = Tensor::from_slice(images, dimensions, &Device::Cpu)?;
    let graph = Graph::new(&resolved, &network.parameters, &Device::Cpu)?;
    // [batch, channels, height, width]
    let [activations, gradients] = graph.gradient_at(index, &images, classes)?;
    let weights = gradients.mean_keepdim((2, 3))?;
    let maps = activations.broadcast_mul(&weights)?.sum(1)?.relu()?;
    let values = maps.flatten_all()?.to_vec1::<f32>()?;
    let map = |values: &[f32]| {
        let largest = values.iter().fold(0.0_f32, |most, &value| most.max(value));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        CamMap {
            height: shape.height,
            width: shape.width,
            values: values.iter().map(|value| value / scale).collect(),
        }
    };
    let size = shape.height * shape.width;
    Ok(Some(values.chunks_exact(size).map(map).collect()))
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
        let maps = grad_cam(&network, &image.repeat(2), &[1, 0]).expect("candle works");
        let maps = maps.expect("it has a convolution");
        assert_eq!((maps[0].height, maps[0].width), (2, 3));
        // 3 x image - 1 x 2 image is the image; divided by its largest.
        for (found, expected) in maps[0].values.iter().zip(image) {
            assert!((found - expected / 0.5).abs() < 1e-6, "{maps:?}");
        }
        assert_eq!(maps[1].values, [0.0; 6], "nothing speaks for class 0");
    }

    #[test]
    fn a_gradient_is_what_a_small_change_makes() {
        let layers = vec![
            Layer::conv2d(2, Padding::Same),
            Layer::batch_norm(),
            Layer::Flatten,
            Layer::dense(5),
            Layer::logits(3),
        ];
        let network = network(layers);
        let resolved = network.architecture.resolve().expect("a network");
        let graph = Graph::new(&resolved, &network.parameters, &Device::Cpu).expect("candle");
        let images: Vec<f32> = (0..12).map(|index| (index * 5 % 7) as f32 / 7.0).collect();
        let images = Tensor::from_slice(&images, (2, 2, 3, 1), &Device::Cpu).expect("images");
        let [output, gradient] = graph.gradient_at(0, &images, &[2, 1]).expect("a gradient");
        assert_eq!(
            (output.dims(), gradient.dims()),
            (&[2, 2, 2, 3][..], &[2, 2, 2, 3][..])
        );
        let flat = |tensor: &Tensor| tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        let (output, gradient) = (
            flat(&output).expect("values"),
            flat(&gradient).expect("values"),
        );
        let logit = |values: &[f32], image: usize, class: usize| {
            let values = Tensor::from_slice(values, (2, 2, 2, 3), &Device::Cpu).expect("values");
            let logits = graph.after(0, values).expect("logits");
            logits.to_vec2::<f32>().expect("rows")[image][class]
        };
        for index in [0, 5, 11, 12, 20, 23] {
            let image = index / 12;
            let class = [2, 1][image];
            let moved = |by: f32| {
                let mut values = output.clone();
                values[index] += by;
                logit(&values, image, class)
            };
            let slope = (moved(0.01) - moved(-0.01)) / 0.02;
            assert!(
                (slope - gradient[index]).abs() < 1e-2,
                "{index}: {slope} {}",
                gradient[index]
            );
        }
    }

    #[test]
    fn without_a_convolution_there_is_no_map() {
        let network = network(vec![Layer::Flatten, Layer::logits(2)]);
        assert_eq!(
            grad_cam(&network, &[0.0; 6], &[1]).expect("candle works"),
            None
        );
    }
}
