//! Operation and output shape of one layer.

use modiste_core::ImageShape;
use modiste_kernels::Window;

use super::variables::VariableLayout;
use super::{MAX_ACTIVATIONS, MAX_WINDOW, checked_size};
use crate::layer::{Layer, Padding};
use crate::network_plan::{Operation, Shape};

/// Operation and output shape of a layer without inner layers, or a description of the problem.
pub(super) fn plan(
    layer: &Layer,
    name: &str,
    input: Shape,
    layout: &mut VariableLayout,
) -> Result<(Operation, Shape), String> {
    match *layer {
        Layer::Conv2d {
            filters,
            kernel_size,
            stride,
            padding,
            use_bias,
            activation,
            initializer,
        } => {
            let image = image_of(input)?;
            let [rows, columns] = kernel_windows(image, kernel_size, stride, padding)?;
            let output = image_shape(rows.output, columns.output, filters)?;
            let [height, width] = kernel_size;
            let kernel = [height, width, image.channels, filters];
            let bias = use_bias.then_some(filters);
            let operation = Operation::Conv2d {
                rows,
                columns,
                in_channels: image.channels,
                filters,
                use_bias,
                activation,
                variables: layout.kernel_and_bias(name, &kernel, bias, initializer)?,
            };
            Ok((operation, output))
        }
        Layer::DepthwiseConv2d {
            kernel_size,
            stride,
            padding,
            use_bias,
            activation,
            initializer,
        } => {
            let image = image_of(input)?;
            let channels = image.channels;
            let [rows, columns] = kernel_windows(image, kernel_size, stride, padding)?;
            let output = image_shape(rows.output, columns.output, channels)?;
            // Keras's last axis is the depth multiplier.
            let kernel = [kernel_size[0], kernel_size[1], channels, 1];
            let bias = use_bias.then_some(channels);
            let operation = Operation::DepthwiseConv2d {
                rows,
                columns,
                channels,
                use_bias,
                activation,
                variables: layout.kernel_and_bias(name, &kernel, bias, initializer)?,
            };
            Ok((operation, output))
        }
        Layer::BatchNorm { momentum, epsilon } => {
            let usable = (0.0..=1.0).contains(&momentum) && epsilon > 0.0 && epsilon.is_finite();
            if !usable {
                return Err(format!(
                    "momentum {momentum} is not in [0, 1], or epsilon {epsilon} is not positive"
                ));
            }
            let channels = input.channels();
            let [variables, running_stats] = layout.batch_norm(name, channels)?;
            let operation = Operation::BatchNorm {
                channels,
                momentum,
                epsilon,
                variables,
                running_stats,
            };
            Ok((operation, input))
        }
        Layer::Activation { activation } => Ok((Operation::Activation { activation }, input)),
        Layer::MaxPool2d {
            pool_size,
            stride,
            padding,
        }
        | Layer::AveragePool2d {
            pool_size,
            stride,
            padding,
        } => {
            let image = image_of(input)?;
            let [rows, columns] = pool_windows(image, pool_size, stride, padding)?;
            let channels = image.channels;
            let output = image_shape(rows.output, columns.output, channels)?;
            let operation = match layer {
                Layer::MaxPool2d { .. } => Operation::MaxPool2d {
                    rows,
                    columns,
                    channels,
                },
                _ => Operation::AveragePool2d {
                    rows,
                    columns,
                    channels,
                },
            };
            Ok((operation, output))
        }
        Layer::GlobalAveragePool2d => {
            let image = image_of(input)?;
            let operation = Operation::GlobalAveragePool2d {
                pixels: image.height * image.width,
                channels: image.channels,
            };
            Ok((operation, Shape::Flat(image.channels)))
        }
        Layer::ZeroPadding2d { padding } => {
            let image = image_of(input)?;
            if padding
                .as_flattened()
                .iter()
                .any(|&zeros| zeros > MAX_WINDOW)
            {
                return Err(format!("a padding of {padding:?} exceeds {MAX_WINDOW}"));
            }
            let [[above, below], [left, right]] = padding;
            let output = image_shape(
                above + image.height + below,
                left + image.width + right,
                image.channels,
            )?;
            Ok((Operation::ZeroPadding2d { padding }, output))
        }
        Layer::Dropout { rate } => {
            if !(0.0..1.0).contains(&rate) {
                return Err(format!("rate {rate} is not in [0, 1)"));
            }
            Ok((Operation::Dropout { rate }, input))
        }
        Layer::Flatten => Ok((Operation::Flatten, Shape::Flat(input.size()))),
        Layer::Dense {
            units,
            activation,
            initializer,
        } => {
            let Shape::Flat(inputs) = input else {
                return Err(format!(
                    "the input is an image, {input}: put a Flatten layer before it"
                ));
            };
            let variables =
                layout.kernel_and_bias(name, &[inputs, units], Some(units), initializer)?;
            let operation = Operation::Dense {
                inputs,
                units,
                activation,
                variables,
            };
            Ok((operation, Shape::Flat(units)))
        }
        Layer::Residual { .. } => Err("a residual block has layers of its own".into()),
    }
}

/// Windows of a convolution along the height and the width.
fn kernel_windows(
    image: ImageShape,
    [height, width]: [usize; 2],
    [down, across]: [usize; 2],
    padding: Padding,
) -> Result<[Window; 2], String> {
    let stride = shown_stride([down, across]);
    if [height, width, down, across]
        .iter()
        .any(|&side| side > MAX_WINDOW)
    {
        return Err(format!(
            "the {height}x{width} kernel or the stride {stride} exceeds {MAX_WINDOW}"
        ));
    }
    match (
        window(image.height, height, down, padding),
        window(image.width, width, across, padding),
    ) {
        (Some(rows), Some(columns)) => Ok([rows, columns]),
        _ => Err(format!(
            "a {height}x{width} kernel with stride {stride} does not fit the input, {image}"
        )),
    }
}

/// Windows of a pooling along the height and the width.
fn pool_windows(
    image: ImageShape,
    [height, width]: [usize; 2],
    stride: Option<[usize; 2]>,
    padding: Padding,
) -> Result<[Window; 2], String> {
    let [down, across] = stride.unwrap_or([height, width]);
    let size = match height == width {
        true => height.to_string(),
        false => format!("{height}x{width}"),
    };
    if [height, width, down, across]
        .iter()
        .any(|&side| side > MAX_WINDOW)
    {
        return Err(match stride {
            None => format!("a window of {size} exceeds {MAX_WINDOW}"),
            Some(stride) => format!(
                "a window of {size} or the stride {} exceeds {MAX_WINDOW}",
                shown_stride(stride)
            ),
        });
    }
    match (
        window(image.height, height, down, padding),
        window(image.width, width, across, padding),
    ) {
        (Some(rows), Some(columns)) => Ok([rows, columns]),
        _ => Err(format!(
            "a window of {size} does not fit the input, {image}"
        )),
    }
}

fn window(side: usize, kernel: usize, stride: usize, padding: Padding) -> Option<Window> {
    match padding {
        Padding::Same => Window::same(side, kernel, stride),
        Padding::Valid => Window::valid(side, kernel, stride),
    }
}

fn shown_stride([down, across]: [usize; 2]) -> String {
    match down == across {
        true => down.to_string(),
        false => format!("{down}x{across}"),
    }
}

fn image_of(shape: Shape) -> Result<ImageShape, String> {
    match shape {
        Shape::Image(image) => Ok(image),
        Shape::Flat(size) => Err(format!("the input is flat, {size} values, not an image")),
    }
}

fn image_shape(height: usize, width: usize, channels: usize) -> Result<Shape, String> {
    match checked_size(&[height, width, channels], MAX_ACTIVATIONS) {
        Some(_) => Ok(Shape::Image(ImageShape::new(height, width, channels))),
        _ => Err(format!(
            "the output, {height}x{width}x{channels}, is empty or too large"
        )),
    }
}
