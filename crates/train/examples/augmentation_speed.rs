//! Time of augmentation per batch of 100 images, against a training step of `compact`.
//!
//! ```sh
//! cargo run --release -p modiste-train --example augmentation_speed
//! ```

use std::time::Instant;

use modiste_core::{ImageShape, Rng};
use modiste_dataset::Images;
use modiste_train::{
    Augmentation, Compute, CutoutAugmentation, TrainConfig, TrainData, bench, median, preview,
    preview_cutouts,
};

const BATCH_SIZE: usize = 100;
const REPETITIONS: usize = 40;

#[allow(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = modiste_model::zoo::compact().plan()?;
    let steps = bench(&network, BATCH_SIZE, 10, &Compute::default())?.steps;
    println!("step of compact, 28x28x1: {:.2} ms", median(&steps));
    for shape in [ImageShape::new(28, 28, 1), ImageShape::new(64, 64, 3)] {
        let mut rng = Rng::new(1);
        let pixels = (0..BATCH_SIZE * shape.size()).map(|_| rng.next_u64() as u8);
        let images = Images::new(shape, pixels.collect(), vec![0; BATCH_SIZE])?;
        let data = TrainData {
            train: &images,
            validation: &images,
            cutouts: None,
            pictures: None,
        };
        let config = |name| TrainConfig {
            batch_size: BATCH_SIZE,
            augmentation: Augmentation::preset(name, shape),
            ..TrainConfig::default()
        };
        // In turn, so that load of the machine affects all alike.
        let names = ["none", "light", "strong"];
        let mut times = names.map(|_| Vec::new());
        for seed in 0..REPETITIONS {
            for (name, times) in names.iter().zip(&mut times) {
                let config = TrainConfig {
                    seed: seed as u64,
                    ..config(name)
                };
                let start = Instant::now();
                preview(&config, data, 1)?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        let none = median(&times[0]);
        for (name, times) in names.iter().zip(&times).skip(1) {
            let best = times.iter().copied().fold(f64::INFINITY, f64::min);
            let own = median(times) - none;
            let per_image = 1e3 * own / BATCH_SIZE as f64;
            println!(
                "{shape}, {name}: {own:.2} ms per batch beyond reading it ({none:.2} ms), {per_image:.1} us per image \
                 (fastest batch {best:.2} ms)"
            );
        }
    }
    let photos = ImageShape::new(64, 64, 3);
    println!(
        "cut-outs, {photos}: {:.1} us per image",
        cutout_micros(photos)?
    );
    Ok(())
}

/// Median time to render a cut-out, in microseconds of all threads together.
fn cutout_micros(shape: ImageShape) -> Result<f64, Box<dyn std::error::Error>> {
    let mut rng = Rng::new(2);
    let pixels = (0..BATCH_SIZE * shape.size()).map(|_| rng.next_u64() as u8);
    let images = Images::new(shape, pixels.collect(), vec![0; BATCH_SIZE])?;
    let cutouts = modiste_dataset::fashion_mnist_mini()
        .train
        .first(BATCH_SIZE);
    let data = TrainData {
        train: &images,
        validation: &images,
        cutouts: Some(&cutouts),
        pictures: None,
    };
    let indices: Vec<usize> = (0..BATCH_SIZE).collect();
    let mut times = Vec::new();
    for seed in 0..REPETITIONS {
        let config = TrainConfig {
            seed: seed as u64,
            cutouts: Some(CutoutAugmentation::clothes()),
            ..TrainConfig::default()
        };
        let start = Instant::now();
        preview_cutouts(&config, data, &indices)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&times) / BATCH_SIZE as f64)
}
