//! Writes synthetic photos of clothes, to evaluate preprocessing and models on many photos:
//! `cargo run --release -p modiste-infer --example synthetic_photos -- DIR [COUNT] [SEED]`, then
//! `modiste photos DIR/product`, `DIR/home` and `DIR/wild` for the scenes shop, at home and cluttered.
//!
//! The garments are drawn with replacement from the first 1,000 test images of Fashion-MNIST, which are not
//! part of any training set.

#![allow(clippy::print_stdout, reason = "a program, not a library")]

mod photo;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use modiste_core::Rng;
use photo::{Scene, photo};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: DIR [COUNT] [SEED]")?);
    let count: usize = arguments.next().map_or(Ok(300), |count| count.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let test = modiste_dataset::fashion_mnist_mini().test;
    let scenes = [
        ("product", Scene::Product),
        ("home", Scene::Home),
        ("wild", Scene::Wild),
    ];
    for (number, (name, scene)) in (1..).zip(scenes) {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let mut rng = Rng::stream(seed, number);
        let mut labels = String::from("file,label\n");
        for index in 0..count {
            let drawn = rng.below(test.len());
            let file = format!("{index:04}.jpg");
            photo(&test.image(drawn)?, scene, &mut rng).save(folder.join(&file))?;
            labels += &format!("{file},{}\n", test.labels()[drawn]);
        }
        fs::write(folder.join("labels.csv"), labels)?;
        println!("{}: {count} photos", folder.display());
    }
    Ok(())
}
