use expect_test::{Expect, expect};
use modiste_core::ImageShape;
use modiste_model::{
    Activation, Architecture, InitialValue, Initializer, KernelOptions, Layer, Padding,
    inference_bytes, training_bytes, zoo,
};

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
        stride: [stride; 2],
        padding: Padding::Valid,
        use_bias: true,
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
            shortcut: Vec::new(),
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
        [40_000, 40_000, 1],
        vec![Layer::Flatten],
        expect!["layer 0 `input`: a side is zero or the image is too large"],
    );
    check(
        [16_000, 16_000, 1],
        vec![Layer::conv2d(3, Padding::Same), Layer::batch_norm()],
        expect![
            "layer 2 `batch_normalization`: the layers up to this one have more than 1073741824 activations per image"
        ],
    );
    check(
        [28, 28, 1],
        vec![Layer::ZeroPadding2d {
            padding: [[0, huge], [0, 0]],
        }],
        expect![
            "layer 1 `zero_padding2d`: a padding of [[0, 18446744073709551615], [0, 0]] exceeds 16"
        ],
    );
    check(
        [28, 28, 1],
        vec![Layer::MaxPool2d {
            pool_size: [2, 3],
            stride: Some([1, huge]),
            padding: Padding::Same,
        }],
        expect![
            "layer 1 `max_pooling2d`: a window of 2x3 or the stride 1x18446744073709551615 exceeds 16"
        ],
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
        ("closet", 585_066, 896),
        ("resnet", 308_650, 1_344),
        ("resnet-1m", 696_618, 2_240),
        ("mobile", 205_642, 3_968),
    ] {
        let plan = zoo::find(name).expect(name).plan().expect(name);
        assert_eq!(plan.trainable_len(), trainable, "{name}");
        assert_eq!(plan.running_stats_len(), statistics, "{name}");
    }
    assert!(zoo::names().iter().all(|name| zoo::find(name).is_some()));
    assert!(zoo::find("resnet-50").is_none());
}

/// The second convolution of VGG16 (Simonyan, Zisserman 2014) at its own resolution.
#[test]
fn accepts_vgg16_resolution() {
    check(
        [224, 224, 3],
        vec![
            Layer::conv2d(64, Padding::Same),
            Layer::conv2d(64, Padding::Same),
            Layer::GlobalAveragePool2d,
            Layer::logits(1000),
        ],
        expect!["1000 classes"],
    );
}

/// Engines check their memory before they allocate it: a file can ask for more than any machine has.
#[test]
fn memory_of_large_images_is_estimated() {
    let architecture = Architecture {
        name: "large".into(),
        input: [10_000, 10_000, 3],
        layers: vec![
            Layer::conv2d(3, Padding::Same),
            Layer::GlobalAveragePool2d,
            Layer::logits(2),
        ],
    };
    let plan = architecture.plan().expect("valid network");
    let options = KernelOptions::default();
    // 1.2 GB of outputs for each image, of which inference stores a group of eight.
    let bytes = inference_bytes(&plan, 100, &options);
    assert!((9_600_000_000..10_600_000_000).contains(&bytes), "{bytes}");
    // The estimate of a large batch is a multiple.
    assert!(inference_bytes(&plan, 1000, &options) > 9_600_000_000);
    assert!(training_bytes(&plan, 1000, &options) > 2_400_000_000_000);
    assert!(modiste_core::require_memory(training_bytes(&plan, usize::MAX, &options)).is_err());
}

#[test]
fn residual_paths_must_match() {
    let conv = |filters| Layer::conv2d(filters, Padding::Same);
    let residual =
        |layers: Vec<Layer>, shortcut: Vec<Layer>| vec![Layer::Residual { layers, shortcut }];
    check(
        [8, 8, 1],
        residual(vec![conv(2)], vec![conv(3)]),
        expect![
            "layer 1 `residual`: the output has shape 8x8x2, but the shortcut's has shape 8x8x3"
        ],
    );
    check(
        [8, 8, 1],
        residual(vec![], vec![conv(3)]),
        expect![
            "layer 1 `residual`: the output has shape 8x8x1, but the shortcut's has shape 8x8x3"
        ],
    );
    check(
        [8, 8, 1],
        residual(vec![], vec![]),
        expect!["layer 1 `residual`: the output has shape 8x8x1, but the input has shape 8x8x1"],
    );
}

#[test]
fn zoo_fits_any_size() {
    for name in ["resnet", "resnet-1m", "mobile"] {
        for (height, width, first, last) in [
            (1, 1, "1x1x32", [1, 1]),
            (8, 8, "8x8x32", [2, 2]),
            (20, 12, "20x12x32", [5, 3]),
            (32, 32, "32x32x32", [8, 8]),
            (33, 20, "17x10x32", [5, 3]),
            (64, 96, "32x48x32", [8, 12]),
            (224, 224, "112x112x32", [14, 14]),
        ] {
            let input = ImageShape::new(height, width, 1);
            let network = zoo::build(name, input, 7).expect("a name of the zoo");
            assert_eq!(zoo::find(name).expect(name).fitted(input, 7), network);
            let plan = network.plan().expect("fits any size");
            assert_eq!(plan.classes(), 7);
            assert_eq!(plan.layers[0].output.to_string(), first, "{name}");
            let pooled = plan.layers.iter().rev().nth(1).expect("a pooling");
            assert_eq!(
                pooled.input.dimensions()[..2],
                last,
                "{name} {height}x{width}"
            );
        }
    }
    // Changed layers are kept.
    let mut changed = zoo::resnet();
    changed.layers.insert(0, Layer::dropout(0.1));
    let fitted = changed.clone().fitted(ImageShape::new(64, 64, 3), 10);
    assert_eq!(fitted.layers, changed.layers);
    let error = zoo::build("vgg", ImageShape::new(2, 2, 1), 3).and_then(|vgg| vgg.plan().err());
    expect!["layer 5 `conv2d_3`: a 3x3 kernel with stride 1 does not fit the input, 1x1x128"]
        .assert_eq(&error.map_or_else(String::new, |error| error.to_string()));
}

/// Keras's `compute_fans` of a depthwise kernel counts all channels as inputs and one output.
#[test]
fn depthwise_fans() {
    let plan = zoo::mobile().plan().expect("zoo architectures are valid");
    let kernel = plan
        .variables
        .iter()
        .find(|v| v.name == "depthwise_conv2d_1/kernel");
    let kernel = kernel.expect("a variable of mobile");
    assert_eq!(kernel.shape, [3, 3, 64, 1]);
    let limit = (6.0_f64 / (3.0 * 3.0 * 64.0)).sqrt();
    assert_eq!(kernel.initial_value, InitialValue::Uniform { limit });
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
