//! Defines a network layer by layer, prints its summary, and trains it.
//!
//! ```sh
//! cargo run --release --example custom_network [EPOCHS]
//! ```

#![allow(clippy::print_stdout, reason = "a program, not a library")]

use modiste::{Architecture, Event, Layer, Next, Padding, TrainConfig, load_dataset, train};

fn main() -> modiste::Result<()> {
    let data = load_dataset("fashion-mnist-mini")?;

    // An architecture is data: a list of layers. Shapes are inferred, and checked before training.
    let architecture = Architecture {
        name: "small".into(),
        input: [28, 28, 1],
        layers: vec![
            Layer::conv2d(16, Padding::Same),
            Layer::batch_norm(),
            Layer::max_pool2d(2),
            Layer::conv2d(32, Padding::Same),
            Layer::max_pool2d(2),
            Layer::dropout(0.3),
            Layer::Flatten,
            Layer::logits(10),
        ],
    };
    println!("{}", architecture.summary()?);

    let epochs = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let config = TrainConfig {
        epochs: epochs.unwrap_or(3),
        schedule: "cosine+warmup:20".parse().expect("a schedule"),
        ..TrainConfig::default()
    };
    let network = train(architecture, &data, &config, &mut |event| {
        if let Event::Epoch(epoch, _) = event {
            println!(
                "epoch {}: validation accuracy {:.4}",
                epoch.epoch, epoch.val_accuracy
            );
        }
        Next::Continue
    })?;
    println!("{} parameters trained", network.parameters.trainable.len());
    Ok(())
}
