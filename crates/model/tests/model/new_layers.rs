//! Depthwise convolutions, pooling, activations, zero padding and shortcuts on both engines.

use modiste_model::{Activation, Architecture, Initializer, Layer, Padding};

use crate::engines::check;

fn with(input: [usize; 3], layers: Vec<Layer>) -> Architecture {
    Architecture {
        name: "test".into(),
        input,
        layers,
    }
}

fn conv(filters: usize, kernel_size: [usize; 2], stride: [usize; 2], use_bias: bool) -> Layer {
    Layer::Conv2d {
        filters,
        kernel_size,
        stride,
        padding: Padding::Same,
        use_bias,
        activation: Activation::Linear,
        initializer: Initializer::GlorotUniform,
    }
}

fn depthwise(
    kernel_size: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    use_bias: bool,
    activation: Activation,
) -> Layer {
    Layer::DepthwiseConv2d {
        kernel_size,
        stride,
        padding,
        use_bias,
        activation,
        initializer: Initializer::GlorotUniform,
    }
}

fn norm() -> Layer {
    Layer::BatchNorm {
        momentum: 0.9,
        epsilon: 1e-3,
    }
}

fn relu() -> Layer {
    Layer::activation(Activation::Relu)
}

#[test]
fn depthwise_convolutions() {
    check(
        &with(
            [11, 8, 5],
            vec![
                depthwise([3, 3], [2, 2], Padding::Same, true, Activation::Relu),
                depthwise([2, 3], [1, 2], Padding::Valid, false, Activation::Silu),
                norm(),
                relu(),
                depthwise([5, 5], [1, 1], Padding::Same, false, Activation::Linear),
                norm(),
                relu(),
                conv(7, [1, 1], [1, 1], false),
                norm(),
                relu(),
                Layer::GlobalAveragePool2d,
                Layer::logits(4),
            ],
        ),
        3,
    );
}

#[test]
fn pooling_and_padding() {
    check(
        &with(
            [9, 13, 2],
            vec![
                Layer::ZeroPadding2d {
                    padding: [[1, 0], [2, 3]],
                },
                conv(6, [3, 3], [1, 1], true),
                Layer::AveragePool2d {
                    pool_size: [3, 2],
                    stride: Some([2, 1]),
                    padding: Padding::Same,
                },
                relu(),
                Layer::MaxPool2d {
                    pool_size: [3, 3],
                    stride: Some([2, 2]),
                    padding: Padding::Same,
                },
                Layer::AveragePool2d {
                    pool_size: [2, 3],
                    stride: None,
                    padding: Padding::Valid,
                },
                Layer::dropout(0.3),
                Layer::GlobalAveragePool2d,
                Layer::logits(3),
            ],
        ),
        4,
    );
}

/// 2x2 max pooling with padding keeps an odd last row, unlike the fused pooling.
#[test]
fn padded_2x2_pool_after_convolution() {
    check(
        &with(
            [7, 5, 1],
            vec![
                Layer::conv2d(5, Padding::Same),
                norm(),
                Layer::MaxPool2d {
                    pool_size: [2, 2],
                    stride: None,
                    padding: Padding::Same,
                },
                Layer::Flatten,
                Layer::logits(3),
            ],
        ),
        3,
    );
}

#[test]
fn activations_of_layers() {
    let with_activation = |filters, activation| Layer::Conv2d {
        filters,
        kernel_size: [3, 3],
        stride: [1, 1],
        padding: Padding::Valid,
        use_bias: true,
        activation,
        initializer: Initializer::GlorotUniform,
    };
    let dense = |activation| Layer::Dense {
        units: 12,
        activation,
        initializer: Initializer::GlorotUniform,
    };
    check(
        &with(
            [10, 9, 2],
            vec![
                with_activation(6, Activation::Gelu),
                with_activation(6, Activation::HardSwish),
                norm(),
                Layer::activation(Activation::Silu),
                with_activation(5, Activation::Relu6),
                Layer::activation(Activation::Linear),
                Layer::Flatten,
                dense(Activation::Silu),
                dense(Activation::Gelu),
                Layer::batch_norm(),
                Layer::activation(Activation::HardSwish),
                Layer::logits(3),
            ],
        ),
        5,
    );
}

#[test]
fn bias_and_strides_per_axis() {
    check(
        &with(
            [9, 12, 3],
            vec![
                conv(6, [3, 3], [1, 2], false),
                relu(),
                norm(),
                conv(6, [3, 3], [1, 1], false),
                norm(),
                conv(8, [1, 1], [2, 1], true),
                relu(),
                Layer::max_pool2d(2),
                conv(8, [3, 3], [1, 1], false),
                relu(),
                Layer::max_pool2d(2),
                Layer::Flatten,
                Layer::logits(4),
            ],
        ),
        3,
    );
}

#[test]
fn projection_shortcuts() {
    let basic = |filters, stride: usize| Layer::Residual {
        layers: vec![
            conv(filters, [3, 3], [stride; 2], false),
            norm(),
            relu(),
            conv(filters, [3, 3], [1, 1], false),
            norm(),
        ],
        shortcut: match stride {
            1 => vec![],
            _ => vec![conv(filters, [1, 1], [stride; 2], false), norm()],
        },
    };
    check(
        &with(
            [9, 10, 3],
            vec![
                conv(6, [3, 3], [1, 1], false),
                norm(),
                relu(),
                basic(6, 1),
                relu(),
                basic(8, 2),
                relu(),
                basic(8, 1),
                relu(),
                Layer::GlobalAveragePool2d,
                Layer::logits(4),
            ],
        ),
        4,
    );
}

/// The block may be the first layer, whose input needs no gradient, and end the network.
#[test]
fn residual_block_at_both_ends() {
    let first = Layer::Residual {
        layers: vec![Layer::conv2d(4, Padding::Same)],
        shortcut: vec![conv(4, [1, 1], [1, 1], true)],
    };
    let last = Layer::Residual {
        layers: vec![Layer::dense(6), Layer::logits(3)],
        shortcut: vec![Layer::GlobalAveragePool2d, Layer::logits(3)],
    };
    let last_flat = Layer::Residual {
        layers: vec![Layer::logits(3)],
        shortcut: vec![],
    };
    let identity = Layer::Residual {
        layers: vec![conv(2, [3, 3], [1, 1], false)],
        shortcut: vec![],
    };
    check(
        &with(
            [5, 4, 2],
            vec![
                first,
                Layer::GlobalAveragePool2d,
                Layer::logits(3),
                last_flat,
            ],
        ),
        3,
    );
    check(
        &with(
            [5, 4, 2],
            vec![identity, Layer::GlobalAveragePool2d, Layer::logits(3)],
        ),
        3,
    );
    let plan = with([5, 4, 2], vec![last]).plan();
    assert!(plan.is_err(), "a dense layer needs a flat input");
}
