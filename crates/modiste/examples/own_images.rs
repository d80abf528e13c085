//! Trains a network from a JSON file on a folder of images, evaluates it, saves it, and classifies a photo.
//!
//! ```sh
//! cargo run --release --example own_images [FOLDER [NETWORK.json [PHOTO]]]
//! ```

#![allow(clippy::print_stdout, reason = "a program, not a library")]

use modiste::{Architecture, Classifier, Event, ImageFolder, Next, evaluate, find_recipe, train};

fn main() -> modiste::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut path = |usual: &str| arguments.next().unwrap_or_else(|| usual.into());
    let data = ImageFolder::open(path("photos"))?
        .load()?
        .split_stratified(0.1, 1);
    let architecture = Architecture::from_json(&std::fs::read_to_string(path("network.json"))?)?;
    let config = find_recipe("images")?.train_config(&data);
    let network = train(architecture, &data, &config, &mut |event| {
        if let Event::Epoch(epoch, _) = event {
            println!("epoch {}: {:.4}", epoch.epoch, epoch.val_accuracy);
        }
        Next::Continue
    })?;
    println!("{}", evaluate(&network, &data)?.report());
    let file = std::env::temp_dir().join("own-images.safetensors");
    network.save(&file)?;
    let ranked = Classifier::load(&file)?.classify(&std::fs::read(path("new.jpg"))?)?;
    println!(
        "{}: {:.1} %",
        ranked[0].class,
        100.0 * ranked[0].probability
    );
    Ok(())
}
