//! Classifies a photo with the built-in network, or with a model file.
//!
//! ```sh
//! cargo run --release --example classify_photo -- shoe.jpg [model.safetensors]
//! ```

#![allow(clippy::print_stdout, reason = "a program, not a library")]

use std::path::Path;

use modiste::Classifier;

fn main() -> modiste::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(photo) = arguments.first() else {
        println!("usage: classify_photo PHOTO [MODEL]");
        return Ok(());
    };
    let mut classifier = match arguments.get(1) {
        Some(model) => Classifier::load(Path::new(model))?,
        None => Classifier::embedded(),
    };

    // The classifier decodes the photo and applies the preprocessing that is stored in the model.
    let ranked = classifier.classify(&std::fs::read(photo)?)?;
    for prediction in &ranked[..3] {
        let percent = 100.0 * prediction.probability;
        println!("{:12} {percent:5.1} %", prediction.class);
    }
    Ok(())
}
