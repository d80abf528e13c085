use expect_test::{Expect, expect};
use modiste_model::{Architecture, Layer, Padding, zoo};

#[track_caller]
fn check(architecture: &Architecture, expected: Expect) {
    let summary = architecture.summary().expect("valid network");
    expected.assert_eq(&summary.to_string());
}

#[test]
fn compact() {
    check(
        &zoo::compact(),
        expect![[r#"
        Model: "compact", input 28x28x1
        Layer (type)                                  Output shape            Parameters   Multiply-adds
        ================================================================================================
        conv2d (Conv2D)                               (None, 26, 26, 32)             320         194,688
        batch_normalization (BatchNormalization)      (None, 26, 26, 32)             128               0
        conv2d_1 (Conv2D)                             (None, 24, 24, 32)           9,248       5,308,416
        batch_normalization_1 (BatchNormalization)    (None, 24, 24, 32)             128               0
        max_pooling2d (MaxPooling2D)                  (None, 12, 12, 32)               0               0
        dropout (Dropout)                             (None, 12, 12, 32)               0               0
        flatten (Flatten)                             (None, 4608)                     0               0
        dense (Dense)                                 (None, 512)              2,359,808       2,359,296
        dense_1 (Dense)                               (None, 10)                   5,130           5,120
        ================================================================================================
        Total parameters: 2,374,762 (9.06 MiB)
        Trainable parameters: 2,374,634
        Non-trainable parameters: 128
        Multiply-adds per image: 7,867,520
    "#]],
    );
}

#[test]
fn vgg() {
    check(
        &zoo::vgg(),
        expect![[r#"
        Model: "vgg", input 28x28x1
        Layer (type)                                  Output shape            Parameters   Multiply-adds
        ================================================================================================
        conv2d (Conv2D)                               (None, 28, 28, 64)             640         451,584
        conv2d_1 (Conv2D)                             (None, 28, 28, 64)          36,928      28,901,376
        max_pooling2d (MaxPooling2D)                  (None, 14, 14, 64)               0               0
        conv2d_2 (Conv2D)                             (None, 14, 14, 128)         73,856      14,450,688
        conv2d_3 (Conv2D)                             (None, 12, 12, 256)        295,168      42,467,328
        max_pooling2d_1 (MaxPooling2D)                (None, 6, 6, 256)                0               0
        flatten (Flatten)                             (None, 9216)                     0               0
        dense (Dense)                                 (None, 512)              4,719,104       4,718,592
        dropout (Dropout)                             (None, 512)                      0               0
        dense_1 (Dense)                               (None, 256)                131,328         131,072
        dropout_1 (Dropout)                           (None, 256)                      0               0
        dense_2 (Dense)                               (None, 10)                   2,570           2,560
        ================================================================================================
        Total parameters: 5,259,594 (20.06 MiB)
        Trainable parameters: 5,259,594
        Non-trainable parameters: 0
        Multiply-adds per image: 91,123,200
    "#]],
    );
}

#[test]
fn residual_block() {
    let architecture = Architecture {
        name: "residual".into(),
        input: [8, 6, 2],
        layers: vec![
            Layer::Residual {
                layers: vec![
                    Layer::conv2d(4, Padding::Same),
                    Layer::conv2d(2, Padding::Same),
                ],
                shortcut: Vec::new(),
            },
            Layer::Flatten,
            Layer::logits(3),
        ],
    };
    check(
        &architecture,
        expect![[r#"
        Model: "residual", input 8x6x2
        Layer (type)                                  Output shape            Parameters   Multiply-adds
        ================================================================================================
        conv2d (Conv2D)                               (None, 8, 6, 4)                 76           3,456
        conv2d_1 (Conv2D)                             (None, 8, 6, 2)                 74           3,456
        residual (Residual)                           (None, 8, 6, 2)                  0               0
        flatten (Flatten)                             (None, 96)                       0               0
        dense (Dense)                                 (None, 3)                      291             288
        ================================================================================================
        Total parameters: 441 (0.00 MiB)
        Trainable parameters: 441
        Non-trainable parameters: 0
        Multiply-adds per image: 7,200
    "#]],
    );
    let summary = architecture.summary().expect("valid network");
    let parameters: Vec<usize> = summary
        .layers
        .iter()
        .map(|layer| layer.parameters)
        .collect();
    assert_eq!(parameters, [76, 74, 0, 0, 291]);
}

/// Programs that read the JSON rely on these names.
#[test]
fn json() {
    let summary = zoo::vgg().summary().expect("valid network");
    let json = serde_json::to_value(&summary).expect("plain data");
    assert_eq!(json["total_parameters"], 5_259_594);
    assert_eq!(json["trainable_parameters"], 5_259_594);
    assert_eq!(json["non_trainable_parameters"], 0);
    let layer = &json["layers"][1];
    assert_eq!(layer["name"], "conv2d_1");
    assert_eq!(layer["kind"], "Conv2D");
    assert_eq!(layer["output_shape"], serde_json::json!([28, 28, 64]));
    assert_eq!(layer["parameters"], 36_928);
    assert_eq!(layer["multiply_adds"], 28 * 28 * 64 * 9 * 64);
    let parameters: Vec<usize> = summary
        .layers
        .iter()
        .map(|l| l.parameters)
        .filter(|&p| p > 0)
        .collect();
    assert_eq!(
        parameters,
        [640, 36_928, 73_856, 295_168, 4_719_104, 131_328, 2_570]
    );
}

#[test]
fn resnet() {
    check(
        &zoo::resnet(),
        expect![[r#"
        Model: "resnet", input 32x32x3
        Layer (type)                                  Output shape            Parameters   Multiply-adds
        ================================================================================================
        conv2d (Conv2D)                               (None, 32, 32, 32)             864         884,736
        batch_normalization (BatchNormalization)      (None, 32, 32, 32)             128               0
        activation (Activation)                       (None, 32, 32, 32)               0               0
        conv2d_1 (Conv2D)                             (None, 32, 32, 32)           9,216       9,437,184
        batch_normalization_1 (BatchNormalization)    (None, 32, 32, 32)             128               0
        activation_1 (Activation)                     (None, 32, 32, 32)               0               0
        conv2d_2 (Conv2D)                             (None, 32, 32, 32)           9,216       9,437,184
        batch_normalization_2 (BatchNormalization)    (None, 32, 32, 32)             128               0
        residual (Residual)                           (None, 32, 32, 32)               0               0
        activation_2 (Activation)                     (None, 32, 32, 32)               0               0
        conv2d_3 (Conv2D)                             (None, 16, 16, 64)          18,432       4,718,592
        batch_normalization_3 (BatchNormalization)    (None, 16, 16, 64)             256               0
        activation_3 (Activation)                     (None, 16, 16, 64)               0               0
        conv2d_4 (Conv2D)                             (None, 16, 16, 64)          36,864       9,437,184
        batch_normalization_4 (BatchNormalization)    (None, 16, 16, 64)             256               0
        conv2d_5 (Conv2D)                             (None, 16, 16, 64)           2,048         524,288
        batch_normalization_5 (BatchNormalization)    (None, 16, 16, 64)             256               0
        residual_1 (Residual)                         (None, 16, 16, 64)               0               0
        activation_4 (Activation)                     (None, 16, 16, 64)               0               0
        conv2d_6 (Conv2D)                             (None, 8, 8, 128)           73,728       4,718,592
        batch_normalization_6 (BatchNormalization)    (None, 8, 8, 128)              512               0
        activation_5 (Activation)                     (None, 8, 8, 128)                0               0
        conv2d_7 (Conv2D)                             (None, 8, 8, 128)          147,456       9,437,184
        batch_normalization_7 (BatchNormalization)    (None, 8, 8, 128)              512               0
        conv2d_8 (Conv2D)                             (None, 8, 8, 128)            8,192         524,288
        batch_normalization_8 (BatchNormalization)    (None, 8, 8, 128)              512               0
        residual_2 (Residual)                         (None, 8, 8, 128)                0               0
        activation_6 (Activation)                     (None, 8, 8, 128)                0               0
        global_average_pooling2d (GlobalAveragePooling2D) (None, 128)                  0               0
        dense (Dense)                                 (None, 10)                   1,290           1,280
        ================================================================================================
        Total parameters: 309,994 (1.18 MiB)
        Trainable parameters: 308,650
        Non-trainable parameters: 1,344
        Multiply-adds per image: 49,120,512
    "#]],
    );
}

#[test]
fn mobile_for_large_images() {
    let mobile = zoo::build("mobile", modiste_core::ImageShape::new(224, 160, 3), 5);
    check(
        &mobile.expect("a name of the zoo"),
        expect![[r#"
        Model: "mobile", input 224x160x3
        Layer (type)                                  Output shape            Parameters   Multiply-adds
        ================================================================================================
        conv2d (Conv2D)                               (None, 112, 80, 32)            864       7,741,440
        batch_normalization (BatchNormalization)      (None, 112, 80, 32)            128               0
        activation (Activation)                       (None, 112, 80, 32)              0               0
        max_pooling2d (MaxPooling2D)                  (None, 56, 40, 32)               0               0
        depthwise_conv2d (DepthwiseConv2D)            (None, 56, 40, 32)             288         645,120
        batch_normalization_1 (BatchNormalization)    (None, 56, 40, 32)             128               0
        activation_1 (Activation)                     (None, 56, 40, 32)               0               0
        conv2d_1 (Conv2D)                             (None, 56, 40, 64)           2,048       4,587,520
        batch_normalization_2 (BatchNormalization)    (None, 56, 40, 64)             256               0
        activation_2 (Activation)                     (None, 56, 40, 64)               0               0
        depthwise_conv2d_1 (DepthwiseConv2D)          (None, 28, 20, 64)             576         322,560
        batch_normalization_3 (BatchNormalization)    (None, 28, 20, 64)             256               0
        activation_3 (Activation)                     (None, 28, 20, 64)               0               0
        conv2d_2 (Conv2D)                             (None, 28, 20, 128)          8,192       4,587,520
        batch_normalization_4 (BatchNormalization)    (None, 28, 20, 128)            512               0
        activation_4 (Activation)                     (None, 28, 20, 128)              0               0
        depthwise_conv2d_2 (DepthwiseConv2D)          (None, 28, 20, 128)          1,152         645,120
        batch_normalization_5 (BatchNormalization)    (None, 28, 20, 128)            512               0
        activation_5 (Activation)                     (None, 28, 20, 128)              0               0
        conv2d_3 (Conv2D)                             (None, 28, 20, 128)         16,384       9,175,040
        batch_normalization_6 (BatchNormalization)    (None, 28, 20, 128)            512               0
        activation_6 (Activation)                     (None, 28, 20, 128)              0               0
        depthwise_conv2d_3 (DepthwiseConv2D)          (None, 14, 10, 128)          1,152         161,280
        batch_normalization_7 (BatchNormalization)    (None, 14, 10, 128)            512               0
        activation_7 (Activation)                     (None, 14, 10, 128)              0               0
        conv2d_4 (Conv2D)                             (None, 14, 10, 256)         32,768       4,587,520
        batch_normalization_8 (BatchNormalization)    (None, 14, 10, 256)          1,024               0
        activation_8 (Activation)                     (None, 14, 10, 256)              0               0
        depthwise_conv2d_4 (DepthwiseConv2D)          (None, 14, 10, 256)          2,304         322,560
        batch_normalization_9 (BatchNormalization)    (None, 14, 10, 256)          1,024               0
        activation_9 (Activation)                     (None, 14, 10, 256)              0               0
        conv2d_5 (Conv2D)                             (None, 14, 10, 256)         65,536       9,175,040
        batch_normalization_10 (BatchNormalization)   (None, 14, 10, 256)          1,024               0
        activation_10 (Activation)                    (None, 14, 10, 256)              0               0
        depthwise_conv2d_5 (DepthwiseConv2D)          (None, 14, 10, 256)          2,304         322,560
        batch_normalization_11 (BatchNormalization)   (None, 14, 10, 256)          1,024               0
        activation_11 (Activation)                    (None, 14, 10, 256)              0               0
        conv2d_6 (Conv2D)                             (None, 14, 10, 256)         65,536       9,175,040
        batch_normalization_12 (BatchNormalization)   (None, 14, 10, 256)          1,024               0
        activation_12 (Activation)                    (None, 14, 10, 256)              0               0
        global_average_pooling2d (GlobalAveragePooling2D) (None, 256)                  0               0
        dense (Dense)                                 (None, 5)                    1,285           1,280
        ================================================================================================
        Total parameters: 208,325 (0.79 MiB)
        Trainable parameters: 204,357
        Non-trainable parameters: 3,968
        Multiply-adds per image: 51,449,600
    "#]],
    );
}
