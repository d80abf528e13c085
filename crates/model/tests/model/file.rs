use std::path::{Path, PathBuf};

use modiste_model::{
    Activation, Architecture, FileError, Initializer, Layer, Metadata, Network, Padding, Precision,
    Preprocessing,
};
use proptest::prelude::*;

fn network(filters: usize, classes: usize, seed: u64) -> Network {
    let architecture = Architecture {
        name: "tiny".into(),
        input: [5, 4, 1],
        layers: vec![
            Layer::Residual {
                layers: vec![
                    Layer::batch_norm(),
                    Layer::Conv2d {
                        filters: 1,
                        kernel_size: [3, 3],
                        stride: [1, 1],
                        padding: Padding::Same,
                        use_bias: true,
                        activation: Activation::Linear,
                        initializer: Initializer::HeUniform,
                    },
                ],
                shortcut: Vec::new(),
            },
            Layer::conv2d(filters, Padding::Valid),
            Layer::Flatten,
            Layer::dropout(0.5),
            Layer::logits(classes),
        ],
    };
    let metadata = Metadata {
        dataset: "boots".into(),
        classes: (0..classes).map(|class| format!("class {class}")).collect(),
        preprocessing: Some(Preprocessing::fashion()),
        training: serde_json::json!({"epochs": 3, "seed": seed}),
        temperature: 1.25,
        ..Metadata::default()
    };
    Network::initialize(architecture, metadata, seed).expect("valid network")
}

#[test]
fn thresholds_are_stored_and_checked() {
    let mut network = network(2, 3, 1);
    network.metadata.threshold = Some(-1.5);
    network.metadata.set_thresholds = (1..=99).map(|percent| 1.0 / percent as f32).collect();
    let read = load(&network.to_bytes().expect("bytes")).expect("valid");
    assert_eq!(read.metadata, network.metadata);
    type Change = fn(&mut Metadata);
    let wrong: [(Change, &str); 2] = [
        (
            |metadata| metadata.set_thresholds.truncate(98),
            "not 99 probabilities",
        ),
        (
            |metadata| metadata.set_thresholds[3] = 1.5,
            "not 99 probabilities",
        ),
    ];
    for (change, expected) in wrong {
        let mut network = network.clone();
        change(&mut network.metadata);
        let error = load(&network.to_bytes().expect("bytes")).expect_err("refused");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

fn bytes() -> Vec<u8> {
    network(2, 3, 1).to_bytes().expect("bytes")
}

/// Writes `bytes` to a file and loads it.
fn load(bytes: &[u8]) -> Result<Network, FileError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, bytes).expect("written");
    Network::load(&path)
}

/// Checks that loading `bytes` fails with a message that contains `expected`.
#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    let message = load(bytes).expect_err("rejected").to_string();
    assert!(
        message.contains(expected),
        "`{message}` does not contain `{expected}`"
    );
}

/// A file with the header `header` and `data` zero bytes.
fn file_with(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// A valid file in whose header the first `from` is replaced by `to`.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let good = bytes();
    let size = u64::from_le_bytes(good[..8].try_into().expect("8 bytes")) as usize;
    let header = std::str::from_utf8(&good[8..8 + size]).expect("JSON");
    assert!(header.contains(from), "{header}");
    let mut bad = file_with(&header.replacen(from, to, 1), 0);
    bad.extend(&good[8 + size..]);
    bad
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn save_load_round_trips(filters in 1..9_usize, classes in 1..5_usize, seed: u64) {
        let network = network(filters, classes, seed);
        let bytes = network.to_bytes().expect("bytes");
        prop_assert_eq!(&bytes, &network.to_bytes().expect("the same bytes"));
        prop_assert_eq!(load(&bytes).expect("valid model"), network);
    }

    #[test]
    fn rejects_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn changed_byte_does_not_panic(position in 0..10_000_usize, value: u8) {
        let mut bytes = bytes();
        let position = position % bytes.len();
        bytes[position] = value;
        let _ = load(&bytes);
    }

    #[test]
    fn rejects_truncated_file(length in 0..10_000_usize) {
        let bytes = bytes();
        let length = length % bytes.len();
        prop_assert!(load(&bytes[..length]).is_err());
    }
}

#[test]
fn f16_halves_file_and_round_trips() {
    let whole = network(4, 3, 1);
    let mut half = whole.clone();
    half.round_to(Precision::F16);
    let pairs = || {
        let before = whole.parameters.trainable.iter();
        before.zip(&half.parameters.trainable)
    };
    assert!(pairs().any(|(before, after)| before != after));
    for (before, after) in pairs() {
        assert!(
            (before - after).abs() <= before.abs() / 2048.0,
            "{before} became {after}"
        );
    }
    let bytes = half.to_bytes().expect("bytes");
    assert_eq!(load(&bytes).expect("valid model"), half);
    let numbers = whole.parameters.trainable.len() + whole.parameters.running_stats.len();
    let data = |bytes: &[u8]| {
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
        bytes.len() - 8 - header as usize
    };
    assert_eq!(data(&bytes), 2 * numbers);
    assert_eq!(data(&whole.to_bytes().expect("bytes")), 4 * numbers);
}

#[test]
fn reads_from_memory() {
    let bytes = bytes();
    let name = Path::new("built-in");
    assert_eq!(
        Network::from_bytes(name, &bytes).expect("valid model"),
        network(2, 3, 1)
    );
    let error = Network::from_bytes(name, &bytes[..50])
        .expect_err("truncated")
        .to_string();
    assert!(
        error.starts_with("built-in is truncated or damaged"),
        "{error}"
    );
}

#[test]
fn missing_temperature_is_one() {
    let network =
        load(&changed(r#",\"temperature\":1.25"#, "")).expect("file without a temperature");
    assert_eq!(network.metadata.temperature, 1.0);
    check(&changed("1.25", "-1.5"), "temperature");
    check(&changed("1.25", "0.0"), "temperature");
}

#[test]
fn preprocessing_is_checked_on_load() {
    check(
        &changed(r#"\"step\":\"gray\""#, r#"\"step\":\"paint\""#),
        "is not supported by this version: unknown variant `paint`",
    );
    check(
        &changed(r#"\"sigma\":1.0"#, r#"\"sigma\":0.0"#),
        "step 8, sharpen: sigma is 0",
    );
    check(
        &changed(
            r#"\"preprocessing\":{"#,
            r#"\"preprocessing\":{\"preset\":\"x\","#,
        ),
        "model.safetensors: the preprocessing {",
    );
    let mut network = network(2, 3, 1);
    network.metadata.preprocessing = None;
    let bytes = network.to_bytes().expect("bytes");
    assert_eq!(load(&bytes).expect("a model"), network);
    let renamed = changed(r#"\"preprocessing\":"#, r#"\"preprocessing before\":"#);
    let without = load(&renamed).expect("a model without preprocessing");
    assert_eq!(without.metadata.preprocessing, None);
}

/// The file of `network` with `value` as the first number of `variable`.
fn with_number(network: &Network, variable: &str, value: f32) -> Vec<u8> {
    let mut network = network.clone();
    let plan = network.architecture.plan().expect("valid network");
    let variable = plan.variables.iter().find(|v| v.name == variable);
    network.parameters.values_mut(variable.expect("a variable"))[0] = value;
    network.to_bytes().expect("bytes")
}

#[test]
fn rejects_invalid_numbers() {
    let mut whole = network(2, 3, 1);
    let mut half = whole.clone();
    half.round_to(Precision::F16);
    whole.metadata.temperature = 1.0;
    for network in [&whole, &half] {
        let variables = network
            .architecture
            .plan()
            .expect("valid network")
            .variables;
        for variable in variables {
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let bytes = with_number(network, &variable.name, value);
                let expected = format!(
                    "model.safetensors: {} has the value {value} at index 0",
                    variable.name
                );
                check(&bytes, &expected);
            }
        }
        let variance = "batch_normalization/moving_variance";
        check(
            &with_number(network, variance, -0.5),
            "moving_variance has the value -0.5 at index 0, but should have no negative values",
        );
        load(&with_number(network, variance, 0.0)).expect("a variance of 0");
        load(&with_number(
            network,
            "batch_normalization/moving_mean",
            -0.5,
        ))
        .expect("a negative mean");
    }
    check(&changed("1.25", "1e39"), "the temperature is inf");
    check(
        &changed(r#"\"epochs\":3"#, r#"\"epochs\":1e999"#),
        "its description is damaged (number out of range",
    );
    check(
        &changed(r#"\"epsilon\":"#, r#"\"epsilon\":1e39,\"x\":"#),
        "its description is damaged",
    );
}

#[test]
fn save_rejects_invalid_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    let message = |network: &Network| network.save(&path).expect_err("rejected").to_string();
    let mut bad = network(2, 3, 1);
    bad.parameters.trainable[0] = f32::NAN;
    assert!(message(&bad).contains("gamma has the value NaN"));
    let mut bad = network(2, 3, 1);
    bad.metadata.temperature = f32::NAN;
    assert!(message(&bad).contains("the temperature is NaN"));
    assert!(!path.exists());
    network(2, 3, 1).save(&path).expect("written");
}

#[test]
fn variables_have_keras_names_and_shapes() {
    let bytes = bytes();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let mut shapes: Vec<String> = tensors
        .iter()
        .map(|(name, view)| format!("{name} {:?}", view.shape()))
        .collect();
    shapes.sort();
    expect_test::expect![[r#"
        batch_normalization/beta [1]
        batch_normalization/gamma [1]
        batch_normalization/moving_mean [1]
        batch_normalization/moving_variance [1]
        conv2d/bias [1]
        conv2d/kernel [3, 3, 1, 1]
        conv2d_1/bias [2]
        conv2d_1/kernel [3, 3, 1, 2]
        dense/bias [3]
        dense/kernel [12, 3]"#]]
    .assert_eq(&shapes.join("\n"));
}

#[test]
fn errors_name_the_problem() {
    let good = bytes();
    check(b"", "it has only 0 bytes");
    check(
        b"# A text file that is long enough\n",
        "does not begin like a safetensors file",
    );
    check(&good[..good.len() - 1], "is truncated or damaged");
    check(&good[..100], "is truncated or damaged");
    check(&[&good[..], b"more"].concat(), "is truncated or damaged");
    check(&file_with("{\"a", 0), "is not a safetensors header");
    check(&file_with("{}", 0), "has no entry `modiste`");
    check(
        &file_with(r#"{"__metadata__":{"format":"pt"}}"#, 0),
        "has no entry `modiste`",
    );
    check(
        &changed(r#"format_version\":1"#, r#"format_version\":2"#),
        "format version 2, but this version of Modiste reads up to 1",
    );
    check(
        &changed(r#"\"units\":3"#, r#"\"units\":4"#),
        "dense/kernel should be F32 [12, 4], but is F32 [12, 3]",
    );
    check(
        &changed(r#"\"units\":3"#, r#"\"units\":268435456"#),
        "empty or too large",
    );
    check(
        &changed("conv2d_1/bias", "conv2d_2/bias"),
        "conv2d_1/bias should be F32 [2], but is missing",
    );
    check(
        &changed(r#"\"class 2\""#, r#"\"class 2\",\"more\""#),
        "4 class names for 3 logits",
    );
    check(&changed("dropout", "dropin"), "its description is damaged");
    check(&changed("F32", "I32"), "but is I32");
}

#[test]
fn reports_missing_files_and_folders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let message = |path: &Path| Network::load(path).expect_err("rejected").to_string();
    assert!(message(&folder.path().join("none")).contains("No such file"));
    assert!(message(folder.path()).contains("it is a folder"));
    let unwritable: PathBuf = folder.path().join("none").join("model.safetensors");
    assert!(matches!(
        network(1, 2, 3).save(&unwritable),
        Err(FileError::Io { .. })
    ));
}

#[test]
fn f16_saturates() {
    let mut network = network(4, 10, 1);
    network.parameters.trainable[0] = 1e6;
    network.parameters.trainable[1] = -1e6;
    network.round_to(Precision::F16);
    assert_eq!(network.parameters.trainable[..2], [65504.0, -65504.0]);
}
