//! Flags for own images: how a folder, a table or an array file is read and decoded.

use anyhow::{Result, ensure};
use modiste_core::Fit;
use modiste_dataset::{Color, ColumnValue, DecodeOptions, SourceOptions};
use modiste_experiment::PretrainedModel;
use modiste_infer::Preprocessing;

use super::input::parse_size;

/// Flags that choose the images and labels of a path.
#[derive(clap::Args, Default)]
pub(crate) struct SourceFlags {
    /// Own images: column of the table with the classes [default: label, class or category].
    #[arg(long, value_name = "COLUMN")]
    label_column: Option<String>,
    /// Own images: column of the table with groups, such as persons or scenes, whose images are not divided between
    /// training and test.
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Own images: leave out this class. May be given more than once.
    #[arg(long, value_name = "CLASS")]
    exclude_class: Vec<String>,
    /// Own images: leave out the lines of the table with this value, such as ambiguous=1. May be given more than once.
    #[arg(long, value_name = "COLUMN=VALUE")]
    exclude: Vec<ColumnValue>,
}

/// Flags for the form of decoded images.
#[derive(clap::Args, Default)]
pub(crate) struct FormatFlags {
    /// Own images: size of the network's input, such as 64 or 96x64 (height x width) [default: that of the images if all
    /// have the same one of at most 32 pixels a side, else 64].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Option<[usize; 2]>,
    /// Own images: auto (gray if the images are), gray or rgb [default: auto].
    #[arg(long, value_name = "COLOR")]
    color: Option<Color>,
    /// Own images: pad (keep the whole image), crop (fill the size) or stretch [default: pad].
    #[arg(long, value_name = "FIT")]
    fit: Option<Fit>,
    /// Own images: stop if a file cannot be decoded, instead of leaving it out.
    #[arg(long)]
    strict: bool,
}

impl SourceFlags {
    /// Returns the options of the source.
    pub(crate) fn options(&self) -> SourceOptions {
        SourceOptions {
            exclude_classes: self.exclude_class.clone(),
            exclude_rows: self.exclude.clone(),
            label_column: self.label_column.clone(),
            group_column: self.group.clone(),
        }
    }

    /// Checks that no flag is given, for a dataset of the catalog.
    ///
    /// # Errors
    /// If one is given.
    pub(crate) fn refuse(&self) -> Result<()> {
        ensure!(
            self.options() == SourceOptions::default(),
            "--label-column, --group, --exclude-class and --exclude are for own images: --dataset PATH"
        );
        Ok(())
    }
}

impl FormatFlags {
    /// Returns the options of the decoding, which suits the images, or the model that the training starts from. Also
    /// returns the preprocessing of that model if it decodes the files.
    ///
    /// # Errors
    /// If the model has images of another colour.
    pub(crate) fn options(
        &self,
        model: Option<&PretrainedModel>,
    ) -> Result<(DecodeOptions, Option<Preprocessing>)> {
        let color = self.color.unwrap_or_default();
        let (mut options, decoder) = match model {
            Some(model) => model.decoding(self.size, color, self.fit)?,
            None => {
                let options = DecodeOptions {
                    size: self.size,
                    color,
                    fit: self.fit.unwrap_or_default(),
                    ..DecodeOptions::default()
                };
                (options, None)
            }
        };
        options.strict = self.strict;
        Ok((options, decoder))
    }

    /// Checks that no flag is given, for a dataset of the catalog.
    ///
    /// # Errors
    /// If one is given.
    pub(crate) fn refuse(&self) -> Result<()> {
        let is_given = self.size.is_some() || self.color.is_some() || self.fit.is_some();
        ensure!(
            !is_given && !self.strict,
            "--size, --color, --fit and --strict are for own images: --dataset PATH"
        );
        Ok(())
    }
}
