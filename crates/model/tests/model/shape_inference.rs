use expect_test::{Expect, expect};
use modiste_model::{Activation, Architecture, Initializer, Layer, Padding, zoo};

#[track_caller]
fn check(input: [usize; 3], layers: Vec<Layer>, expected: Expect) {
    let architecture = Architecture {
        name: "test".into(),
        input,
        layers,
    };
    let text = match architecture.plan() {
        Ok(plan) => format!("{} classes", plan.classes()),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&text);
}

fn conv(kernel_size: [usize; 2], stride: usize, filters: usize) -> Layer {
    Layer::Conv2d {
        filters,
        kernel_size,
        stride,
        padding: Padding::Valid,
        activation: Activation::Relu,
        initializer: Initializer::GlorotUniform,
    }
}

#[test]
fn errors_name_the_layer() {
    check(
        [4, 4, 1],
        vec![
            Layer::max_pool2d(2),
            Layer::max_pool2d(2),
            Layer::max_pool2d(2),
        ],
        expect!["layer 3 `max_pooling2d_2`: a window of 2 does not fit the input, 1x1x1"],
    );
    check(
        [28, 28, 1],
        vec![Layer::dense(10)],
        expect!["layer 1 `dense`: the input is an image, 28x28x1: put a Flatten layer before it"],
    );
    check(
        [28, 28, 1],
        vec![Layer::Flatten, Layer::conv2d(3, Padding::Same)],
        expect!["layer 2 `conv2d`: the input is flat, 784 values, not an image"],
    );
    check(
        [2, 28, 1],
        vec![Layer::conv2d(3, Padding::Valid)],
        expect!["layer 1 `conv2d`: a 3x3 kernel with stride 1 does not fit the input, 2x28x1"],
    );
    check(
        [8, 8, 1],
        vec![Layer::dropout(1.0)],
        expect!["layer 1 `dropout`: rate 1 is not in [0, 1)"],
    );
    check(
        [8, 8, 1],
        vec![Layer::dropout(f32::NAN)],
        expect!["layer 1 `dropout`: rate NaN is not in [0, 1)"],
    );
    check(
        [8, 8, 1],
        vec![Layer::Residual {
            layers: vec![Layer::conv2d(2, Padding::Same)],
        }],
        expect!["layer 1 `residual`: the output has shape 8x8x2, but the input has shape 8x8x1"],
    );
    check(
        [8, 8, 1],
        vec![Layer::conv2d(2, Padding::Same)],
        expect!["layer 1 `conv2d`: the network ends in 8x8x2: add a Dense layer"],
    );
    check(
        [8, 8, 1],
        vec![],
        expect!["layer 0 `input`: the network has no layers"],
    );
}

/// Sizes as a hostile model file could specify them.
#[test]
fn rejects_oversized_layers() {
    let huge = usize::MAX;
    check(
        [huge, huge, 3],
        vec![Layer::Flatten],
        expect!["layer 0 `input`: a side is zero or the image is too large"],
    );
    check(
        [28, 28, 1],
        vec![conv([3, 3], 1, huge)],
        expect!["layer 1 `conv2d`: the output, 26x26x18446744073709551615, is empty or too large"],
    );
    check(
        [28, 28, 1],
        vec![conv([huge, 3], huge, 3)],
        expect![
            "layer 1 `conv2d`: the 18446744073709551615x3 kernel or the stride 18446744073709551615 exceeds 16"
        ],
    );
    check(
        [28, 28, 1],
        vec![conv([0, 3], 1, 3)],
        expect!["layer 1 `conv2d`: a 0x3 kernel with stride 1 does not fit the input, 28x28x1"],
    );
    check(
        [28, 28, 1],
        vec![conv([3, 3], 0, 3)],
        expect!["layer 1 `conv2d`: a 3x3 kernel with stride 0 does not fit the input, 28x28x1"],
    );
    check(
        [28, 28, 1],
        vec![Layer::max_pool2d(0)],
        expect!["layer 1 `max_pooling2d`: a window of 0 does not fit the input, 28x28x1"],
    );
    check(
        [28, 28, 1],
        vec![Layer::Flatten, Layer::dense(1 << 20)],
        expect!["layer 2 `dense`: kernel of shape [784, 1048576] is empty or too large"],
    );
    check(
        [4000, 4000, 1],
        vec![Layer::conv2d(1, Padding::Same)],
        expect!["layer 1 `conv2d`: the patches are too large"],
    );
    let many = vec![Layer::Flatten; 1001];
    check(
        [2, 2, 1],
        many,
        expect!["layer 1001 `flatten_1000`: more than 1000 layers"],
    );
}

#[test]
fn infers_pool_and_flatten_shapes() {
    let plan = zoo::vgg().plan().expect("zoo architectures are valid");
    let shapes: Vec<String> = plan
        .layers
        .iter()
        .map(|layer| layer.output.to_string())
        .collect();
    assert_eq!(shapes[1..3], ["28x28x64", "14x14x64"]);
    assert_eq!(shapes[4..7], ["12x12x256", "6x6x256", "9216"]);
    check([7, 7, 256], vec![Layer::Flatten], expect!["12544 classes"]);
}

#[test]
fn zoo_parameter_counts() {
    for (name, trainable, statistics) in [
        ("compact", 2_374_634, 128),
        ("vgg", 5_259_594, 0),
        ("bnvgg", 936_964, 384),
    ] {
        let plan = zoo::find(name).expect(name).plan().expect(name);
        assert_eq!(plan.trainable_len(), trainable, "{name}");
        assert_eq!(plan.running_stats_len(), statistics, "{name}");
    }
    assert!(zoo::names().iter().all(|name| zoo::find(name).is_some()));
    assert!(zoo::find("resnet").is_none());
}

#[test]
fn variables_are_contiguous() {
    let plan = zoo::bnvgg().plan().expect("zoo architectures are valid");
    for trainable in [true, false] {
        let mut end = 0;
        for variable in plan.variables.iter().filter(|v| v.trainable == trainable) {
            assert_eq!(variable.range.start, end, "{}", variable.name);
            assert_eq!(
                variable.range.len(),
                variable.shape.iter().product::<usize>()
            );
            end = variable.range.end;
        }
    }
}
