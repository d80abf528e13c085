//! Trains the example network on 5,000 embedded images of Fashion-MNIST, evaluates it, and saves it.
//!
//! ```sh
//! cargo run --release --example train_fashion [EPOCHS]
//! ```

#![allow(clippy::print_stdout, reason = "a program, not a library")]

use modiste::{Event, Next, TrainConfig, evaluate, load_dataset, train, zoo};

fn main() -> modiste::Result<()> {
    // `fashion-mnist` is the whole dataset, which the feature `download` downloads.
    let data = load_dataset("fashion-mnist-mini")?;
    let epochs = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let config = TrainConfig {
        epochs: epochs.unwrap_or(5),
        batch_size: 50,
        learning_rate: 0.03,
        ..TrainConfig::default()
    };

    // The callback receives every step and epoch. It may stop the training.
    let network = train(zoo::compact(), &data, &config, &mut |event| {
        if let Event::Epoch(epoch, _) = event {
            println!(
                "epoch {}: loss {:.4}, validation accuracy {:.4}",
                epoch.epoch, epoch.loss, epoch.val_accuracy
            );
        }
        Next::Continue
    })?;

    let measured = evaluate(&network, &data)?;
    println!("{}\n\n{}", measured.report(), measured.confusion);

    // One file contains the layers, the weights, the class names and the preprocessing of photos.
    let path = std::env::temp_dir().join("clothes.safetensors");
    network.save(&path)?;
    println!("saved: {}", path.display());
    Ok(())
}
