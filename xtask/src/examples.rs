//! Examples of the facade.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use crate::command;
use crate::workspace::cargo;

/// Examples with their arguments. Each takes seconds.
const EXAMPLES: [(&str, &[&str]); 5] = [
    (
        "classify_photo",
        &["datasets/fashion-mnist-mini/pictures/9-ankle-boot.png"],
    ),
    ("train_fashion", &["1"]),
    ("custom_network", &["1"]),
    ("resume_run", &[]),
    ("report", &[]),
];

/// Network of the example with own images.
const NETWORK: &str = r#"{"version": 1, "name": "tiny", "layers": [
    {"kind": "conv2d", "filters": 8, "kernel_size": 3, "padding": "same"}, {"kind": "max_pool2d", "pool_size": 2},
    {"kind": "flatten"}, {"kind": "dense"}]}"#;

/// Runs all examples.
///
/// # Errors
/// If an example fails.
pub(crate) fn run() -> Result<()> {
    for (name, arguments) in EXAMPLES {
        example(name, arguments)?;
    }
    let folder = tempfile::tempdir()?;
    let [images, network] = ["images", "tiny.json"].map(|name| folder.path().join(name));
    write_images(&images)?;
    fs::write(&network, NETWORK)?;
    let photo = images.join("class 3/13.png");
    let paths = [&images, &network, &photo].map(|path| path.to_string_lossy());
    example("own_images", &paths.each_ref().map(|path| &**path))
}

fn example(name: &str, arguments: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--quiet", "-p", "modiste", "--example", name, "--"]);
    command::run(command.args(arguments))
}

/// Writes the embedded test images as PNG files into a folder per class.
fn write_images(folder: &Path) -> Result<()> {
    let read = |name: &str| -> Result<Vec<u8>> {
        let path = format!("datasets/fashion-mnist-mini/{name}.gz");
        let mut bytes = Vec::new();
        let file = File::open(&path).with_context(|| path.clone())?;
        GzDecoder::new(file).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // The headers of IDX files have 16 and 8 bytes.
    let (images, labels) = (
        read("t10k-images-idx3-ubyte")?,
        read("t10k-labels-idx1-ubyte")?,
    );
    for (number, (pixels, label)) in images[16..].chunks(28 * 28).zip(&labels[8..]).enumerate() {
        let class = folder.join(format!("class {label}"));
        fs::create_dir_all(&class)?;
        let file = File::create(class.join(format!("{number}.png")))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), 28, 28);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(pixels)?;
    }
    Ok(())
}
