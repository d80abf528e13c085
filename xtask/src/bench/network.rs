//! Networks that are measured.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command;
use crate::modiste::Modiste;

/// A network of the zoo, for images of one size.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub(crate) name: String,
    /// Height and width of the images; `None` means those of the network.
    pub(crate) size: Option<usize>,
    /// JSON file of the architecture, which the Python programs read.
    pub(crate) file: PathBuf,
}

impl Network {
    /// Parses a name such as `vgg` or `resnet-1m@64`. The file is placed into `folder`.
    ///
    /// # Errors
    /// If the size cannot be parsed.
    pub(crate) fn named(text: &str, folder: &Path) -> Result<Self> {
        let (name, size) = match text.split_once('@') {
            None => (text, None),
            Some((name, size)) => {
                let size = size.parse().with_context(|| format!("size of `{text}`"))?;
                (name, Some(size))
            }
        };
        Ok(Self {
            name: name.into(),
            size,
            file: folder.join(format!("{text}.json")),
        })
    }

    /// Writes the file of the architecture.
    ///
    /// # Errors
    /// If the network is not known or the file cannot be written.
    pub(crate) fn write(&self, modiste: &Modiste) -> Result<()> {
        let mut command = modiste.command();
        command.args(["architectures", &self.name]);
        command.args(self.size.map(|size| format!("--size={size}")));
        let text = command::output(&mut command)?;
        fs::write(&self.file, text).with_context(|| self.file.display().to_string())
    }

    /// Flags of `modiste bench`.
    pub(crate) fn flags(&self) -> impl Iterator<Item = String> {
        let size = self.size.map(|size| format!("--size={size}"));
        [format!("--architecture={}", self.name)]
            .into_iter()
            .chain(size)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.size {
            Some(size) => write!(f, " at {size}x{size}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_name_and_size() {
        let network = Network::named("resnet-1m@64", Path::new("files")).expect("a network");
        assert_eq!(network.to_string(), "resnet-1m at 64x64");
        assert_eq!(network.file, Path::new("files/resnet-1m@64.json"));
        let flags: Vec<String> = network.flags().collect();
        assert_eq!(flags, ["--architecture=resnet-1m", "--size=64"]);
        Network::named("vgg@large", Path::new("")).expect_err("a word");
    }
}
