//! Flags for the size of the images that a network receives.

use std::path::Path;

use anyhow::{Context, Result};
use modiste_core::ImageShape;
use modiste_experiment::{find_architecture, fitted_architecture};
use modiste_model::{Architecture, Layer};

/// Flag for the size of the images that a network receives.
#[derive(clap::Args, Default)]
pub(crate) struct InputFlags {
    /// Size of the images, such as 64 or 96x64 (height x width) [default: that of the network].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Option<[usize; 2]>,
}

impl InputFlags {
    /// Returns the network of a name or file, for images of the size and for `classes` classes; `None` keeps those of
    /// the network.
    ///
    /// # Errors
    /// If the network is not known, its file cannot be read, or its layers do not fit the size.
    pub(crate) fn network(&self, name: &Path, classes: Option<usize>) -> Result<Architecture> {
        let own = find_architecture(name)?;
        let [height, width, channels] = own.input;
        let [height, width] = self.size.unwrap_or([height, width]);
        let classes = match classes {
            Some(classes) => classes,
            // The layers need not fit the usual size.
            None => match own.layers.last() {
                Some(Layer::Dense { units, .. }) => *units,
                _ => own.plan()?.classes(),
            },
        };
        let shape = ImageShape::new(height, width, channels);
        Ok(fitted_architecture(name, shape, classes)?)
    }
}

/// Parses a side, or a height and a width.
pub(super) fn parse_size(text: &str) -> Result<[usize; 2]> {
    let side = |text: &str| {
        text.parse()
            .with_context(|| format!("`{text}` is not a number of pixels"))
    };
    match text.split_once('x') {
        None => Ok([side(text)?; 2]),
        Some((height, width)) => Ok([side(height)?, side(width)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_sizes() {
        assert_eq!(parse_size("64").expect("a side"), [64, 64]);
        assert_eq!(parse_size("96x64").expect("two sides"), [96, 64]);
        for text in ["", "x", "64x", "1.5", "64x64x3"] {
            parse_size(text).expect_err(text);
        }
    }
}
