use expect_test::{Expect, expect};
use modiste_model::{Activation, Architecture, Initializer, Layer, Padding, layer_line, zoo};
use proptest::prelude::*;

use crate::random_architectures::layer;

/// Checks the error of a file with `layers`.
#[track_caller]
fn check(layers: &str, expected: Expect) {
    check_file(
        &format!("{{\"version\": 1,\n\"layers\": [\n{layers}\n]}}"),
        expected,
    );
}

#[track_caller]
fn check_file(text: &str, expected: Expect) {
    let message = match Architecture::from_json(text) {
        Ok(architecture) => format!("accepted: {architecture:?}"),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&message);
}

#[test]
fn omitted_fields_have_defaults() {
    let text = r#"{"version": 1, "layers": [
        {"kind": "Conv2D", "filters": 4, "kernel_size": [3, 5]},
        {"kind": "depthwise_conv2d", "kernel_size": 3, "strides": [2, 1], "activation": "swish"},
        {"kind": "batch_normalization"},
        {"kind": "max_pooling2d"},
        {"kind": "average_pool2d", "pool_size": 3, "stride": 1, "padding": "same"},
        {"kind": "zero_padding2d", "padding": [1, 2]},
        {"kind": "residual", "layers": [{"kind": "dropout", "rate": 0.5}]},
        {"kind": "global_average_pool2d"},
        {"kind": "dense", "kernel_initializer": "he_uniform"}
    ]}"#;
    let expected = Architecture {
        name: "custom".into(),
        input: [32, 32, 3],
        layers: vec![
            Layer::Conv2d {
                filters: 4,
                kernel_size: [3, 5],
                stride: [1, 1],
                padding: Padding::Valid,
                use_bias: true,
                activation: Activation::Linear,
                initializer: Initializer::GlorotUniform,
            },
            Layer::DepthwiseConv2d {
                kernel_size: [3, 3],
                stride: [2, 1],
                padding: Padding::Valid,
                use_bias: true,
                activation: Activation::Silu,
                initializer: Initializer::GlorotUniform,
            },
            Layer::BatchNorm {
                momentum: 0.9,
                epsilon: 1e-3,
            },
            Layer::max_pool2d(2),
            Layer::AveragePool2d {
                pool_size: [3, 3],
                stride: Some([1, 1]),
                padding: Padding::Same,
            },
            Layer::ZeroPadding2d {
                padding: [[1, 1], [2, 2]],
            },
            Layer::Residual {
                layers: vec![Layer::dropout(0.5)],
                shortcut: vec![],
            },
            Layer::GlobalAveragePool2d,
            Layer::logits(10).with_he_uniform(),
        ],
    };
    assert_eq!(Architecture::from_json(text).expect("valid"), expected);
}

#[test]
fn errors_name_layer_and_line() {
    check(
        r#"{"kind": "conv", "filters": 3}"#,
        expect!["line 3: layer 1 has no known kind `conv`: did you mean `conv2d`?"],
    );
    check(
        r#"{"kind": "transformer"}"#,
        expect![
            "line 3: layer 1 has no known kind `transformer`: expected conv2d, depthwise_conv2d, batch_norm, activation, max_pool2d, average_pool2d, global_average_pool2d, zero_padding2d, dropout, flatten, dense, residual"
        ],
    );
    check(
        r#"{"kind": "flatten"},
{"kind": "dense", "unit": 3}"#,
        expect!["line 4: layer 2 `dense` has no field `unit`: did you mean `units`?"],
    );
    check(
        r#"{"kind": "dense",
  "units": "ten"}"#,
        expect![[r#"line 4: `units` of layer 1 `dense` should be a whole number, but is "ten""#]],
    );
    check(
        r#"{"kind": "dense", "units": -3}"#,
        expect!["line 3: `units` of layer 1 `dense` should be a whole number, but is -3"],
    );
    check(
        r#"{"kind": "dense", "units": 3, "activation": "softmax"}"#,
        expect![[
            r#"line 3: `activation` of layer 1 `dense` should be one of `linear`, `relu`, `relu6`, `silu`, `gelu`, `hard_swish`, `swish`, `hard_silu` (the softmax is part of the loss), but is "softmax""#
        ]],
    );
    check(
        r#"{"kind": "flatten", "x": 1}"#,
        expect!["line 3: layer 1 `flatten` has no field `x`: it has no fields"],
    );
    check(
        r#"{"kind": "dense"}, {"kind": "flatten"}"#,
        expect!["line 3: layer 1 `dense` needs the field `units`"],
    );
    check(
        r#"{"filters": 3}"#,
        expect!["line 3: layer 1 needs the field `kind`"],
    );
    check(
        r#"[1, 2]"#,
        expect!["line 3: layer 1 should be an object, `{...}`, but is [1, 2]"],
    );
    check(
        r#"{"kind": "dropout", "rate": 0.1,
"rate": 0.2}"#,
        expect!["line 4: layer 1 has the field `rate` twice"],
    );
    check(
        r#"{"kind": "residual", "layers": [
  {"kind": "residual", "layers": [
    {"kind": "conv2d", "filters": 3, "kernel_size": 3, "padding": "sane"}
  ]}
]}"#,
        expect![[
            r#"line 5: `padding` of layer 3 `conv2d` should be one of `same`, `valid`, but is "sane""#
        ]],
    );
    check(
        r#"{"kind": "residual", "layers": [{"kind": "flatten"}], "shortcut": [
  {"kind": "batch_norm", "momentum": true}]}"#,
        expect!["line 4: `momentum` of layer 3 `batch_norm` should be a number, but is true"],
    );
}

#[test]
fn errors_of_the_whole_file() {
    check_file(
        "",
        expect!["not JSON: EOF while parsing a value at line 1 column 0"],
    );
    check_file(
        "{\n\"version\": 1,\n]",
        expect!["not JSON: key must be a string at line 3 column 1"],
    );
    check_file(
        "[]",
        expect!["line 1: an architecture should be an object, `{...}`, but is []"],
    );
    check_file(
        "{\"layers\": []}",
        expect![[
            r#"line 1: the architecture has no version, but this version of Modiste reads version 1: `"version": 1`"#
        ]],
    );
    check_file(
        "{\n\"version\": 2, \"layers\": []}",
        expect![[
            r#"line 2: the architecture has version 2, but this version of Modiste reads version 1: `"version": 1`"#
        ]],
    );
    check_file(
        "{\"version\": 1, \"name\": \"a\"}",
        expect!["line 1: an architecture needs the field `layers`"],
    );
    check_file(
        "{\"version\": 1, \"layers\": {}}",
        expect!["line 1: `layers` of an architecture should be a list, `[...]`, but is {}"],
    );
    check_file(
        "{\"version\": 1, \"layer\": [], \"layers\": []}",
        expect!["line 1: an architecture has no field `layer`: did you mean `layers`?"],
    );
    check_file(
        "{\"version\": 1, \"input\": [28, 28], \"layers\": []}",
        expect![
            "line 1: `input` of an architecture should be three whole numbers: height, width and channels, but is [28, 28]"
        ],
    );
}

#[test]
fn shapes_are_checked_if_the_input_is_stated() {
    let text = r#"{"version": 1, "input": [4, 4, 1], "layers": [
        {"kind": "residual", "layers": [
            {"kind": "dropout", "rate": 0.5}
        ]},
        {"kind": "max_pool2d", "pool_size": 5},
        {"kind": "flatten"}, {"kind": "dense"}]}"#;
    check_file(
        text,
        expect!["line 5: layer 3 `max_pooling2d`: a window of 5 does not fit the input, 4x4x1"],
    );
    assert_eq!(
        [1, 2, 3, 6].map(|index| layer_line(text, index)),
        [Some(2), Some(3), Some(5), None]
    );
    let without_input = text.replace("\"input\": [4, 4, 1],", "");
    assert!(Architecture::from_json(&without_input).is_ok());
}

/// The parser does not recurse as deep as a hostile file asks for.
#[test]
fn rejects_deep_nesting() {
    let open = r#"{"kind": "residual", "layers": ["#.repeat(100_000);
    let close = "]}".repeat(100_000);
    check(
        &format!("{open}{close}"),
        expect!["line 3: residual blocks are nested more than 16 deep"],
    );
}

#[test]
fn accepts_byte_order_mark() {
    let text = format!("\u{feff}{}", zoo::compact().to_json());
    assert_eq!(
        Architecture::from_json(&text).expect("valid"),
        zoo::compact()
    );
}

#[test]
fn writes_one_layer_per_line() {
    let architecture = Architecture {
        name: "tiny \"quoted\"".into(),
        input: [8, 9, 1],
        layers: vec![
            Layer::Residual {
                layers: vec![Layer::batch_norm()],
                shortcut: vec![Layer::dropout(0.25)],
            },
            Layer::max_pool2d(2),
            Layer::Flatten,
            Layer::logits(3),
        ],
    };
    expect![[r#"
        {
          "version": 1,
          "name": "tiny \"quoted\"",
          "input": [8, 9, 1],
          "layers": [
            {"kind": "residual", "layers": [
              {"kind": "batch_norm", "momentum": 0.99, "epsilon": 0.001}
            ], "shortcut": [
              {"kind": "dropout", "rate": 0.25}
            ]},
            {"kind": "max_pool2d", "pool_size": 2},
            {"kind": "flatten"},
            {"kind": "dense", "units": 3, "activation": "linear", "initializer": "glorot_uniform"}
          ]
        }
    "#]]
    .assert_eq(&architecture.to_json());
}

#[test]
fn zoo_round_trips() {
    for name in zoo::names() {
        let architecture = zoo::find(name).expect(name);
        assert_eq!(
            Architecture::from_json(&architecture.to_json()),
            Ok(architecture)
        );
    }
}

proptest! {
    #[test]
    fn random_architectures_round_trip(
        name in ".{0,12}",
        layers in prop::collection::vec(layer(true), 0..6),
    ) {
        let architecture = Architecture { name, input: [8, 9, 2], layers };
        // Without the input, shapes are not checked.
        let text = architecture.to_json().replacen("\"input\"", "\"inputs\"", 1);
        prop_assert!(Architecture::from_json(&text).is_err());
        let text = architecture.to_json().replacen("  \"input\": [8, 9, 2],\n", "", 1);
        let read = Architecture::from_json(&text);
        let expected = Architecture { input: [32, 32, 3], ..architecture };
        prop_assert_eq!(read, Ok(expected));
    }

    #[test]
    fn damaged_files_do_not_panic(
        position in any::<prop::sample::Index>(),
        replacement in prop::sample::select(vec!["", "{", "}", "[", "]", "\"", "0", "-", ",", ":", "é", "null"]),
    ) {
        let mut text = zoo::resnet().to_json();
        let start = position.index(text.len() - 1);
        text.replace_range(start..=start, replacement);
        let _ = Architecture::from_json(&text);
    }
}
