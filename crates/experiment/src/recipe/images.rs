//! Own images of a recipe: photos that the repository contains.

use std::path::{Path, PathBuf};

use modiste_dataset::{Color, DecodeOptions, ImageSource, SourceOptions};
use modiste_model::Preprocessing;
use serde::Serialize;

use crate::data::DEFAULT_FOLDER;
use crate::error::{Error, Result};
use crate::own_images::{OwnImages, column_values};

/// Photos that a recipe trains on beside cut-outs: a table in the folder of the datasets, and how it is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipeImages {
    /// Path of the table in the folder of the datasets.
    pub path: &'static str,
    /// Dataset of the catalog whose training images are cut-outs, and whose classes are those of the network.
    pub cutouts: &'static str,
    /// Lines of the table that are left out, as `column=value`.
    pub exclude_rows: Vec<&'static str>,
    /// Names of classes whose images belong to none of the network's classes.
    pub outlier_classes: Vec<&'static str>,
    /// Height and width of the decoded images, which are RGB.
    pub size: [usize; 2],
    /// Averages the predictions of the model for a photo and its mirror image.
    pub mirror: bool,
}

impl RecipeImages {
    /// Name of the folder of the photos, which is the name of the dataset in records and models.
    pub fn folder(&self) -> &'static str {
        let (folder, _) = self.path.split_once('/').unwrap_or((self.path, ""));
        folder
    }

    /// Returns the path of the table: in the folder of the datasets `data`, else in `datasets`, as in the repository.
    ///
    /// # Errors
    /// Returns [`Error::RecipeImages`] if it is in neither.
    pub fn find(&self, data: &Path) -> Result<PathBuf> {
        let places = [data, Path::new(DEFAULT_FOLDER)].map(|folder| folder.join(self.path));
        let found = places.iter().find(|place| place.is_file());
        found.cloned().ok_or_else(|| Error::RecipeImages {
            path: places[0].clone(),
        })
    }

    /// Lists the photos, which are in the folder of the datasets `data` or in `datasets`. What `options` leave out is left
    /// out beside the lines of the recipe; the size and the colour that `decode` leaves open are those of the recipe.
    /// `decoder` is as in [`OwnImages::open`].
    ///
    /// # Errors
    /// Returns the errors of [`find`](Self::find) and of [`OwnImages::open`].
    pub fn open(
        &self,
        data: &Path,
        options: &SourceOptions,
        decode: &DecodeOptions,
        decoder: Option<Preprocessing>,
    ) -> Result<(OwnImages, ImageSource)> {
        let mut options = options.clone();
        let rows = column_values(self.exclude_rows.iter().copied())?;
        options.exclude_rows.extend(rows);
        let decode = DecodeOptions {
            size: decode.size.or(Some(self.size)),
            color: match decode.color {
                Color::Auto => Color::Rgb,
                given => given,
            },
            ..decode.clone()
        };
        let (mut own, source) = OwnImages::open(self.find(data)?, &options, &decode, decoder)?;
        // A class may be left out.
        let listed = &source.listing().classes;
        let outliers = self.outlier_classes.iter().map(ToString::to_string);
        own.outlier_classes = outliers.filter(|class| listed.contains(class)).collect();
        own.cutouts = Some(self.cutouts.into());
        own.mirror = self.mirror;
        Ok((own, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::recipe::find_recipe;

    fn datasets() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets")
    }

    #[test]
    fn plans_for_the_photos_of_the_repository() {
        let recipe = find_recipe("photos-64").expect("a recipe");
        let plan = Plan::for_recipe(&recipe, &datasets()).expect("a plan");
        plan.check().expect("valid");
        assert_eq!(plan.config.train, recipe.config.train);
        assert_eq!(plan.dataset, "clothing-photos");
        assert_eq!(plan.architecture.input, [64, 64, 3]);
        let own = plan.own_images.expect("own images");
        assert_eq!(own.outlier_classes, ["other"]);
        assert_eq!(own.exclude_rows, ["ambiguous=1"]);
        assert!(own.mirror && own.cutouts.is_some());
        let refused = Plan::new(&recipe, None, None).expect_err("own images");
        assert!(
            refused.to_string().contains("folder of the datasets"),
            "{refused}"
        );
    }

    #[test]
    fn leaves_out_what_is_asked_for() {
        let images = find_recipe("photos-64").expect("a recipe").images;
        let options = SourceOptions {
            exclude_classes: vec!["other".into()],
            exclude_rows: vec!["kids=1".parse().expect("a value")],
            ..SourceOptions::default()
        };
        let decode = DecodeOptions {
            size: Some([32, 48]),
            ..DecodeOptions::default()
        };
        let images = images.expect("photos");
        let opened = images.open(&datasets(), &options, &decode, None);
        let (own, _) = opened.expect("a table");
        assert_eq!(own.exclude_rows, ["kids=1", "ambiguous=1"]);
        assert!(own.outlier_classes.is_empty());
        assert_eq!(own.shape, [32, 48, 3]);
        let missing = images.find(Path::new("nowhere")).expect_err("not there");
        let missing = missing.to_string();
        assert!(
            missing.contains("nowhere/clothing-photos/index.csv"),
            "{missing}"
        );
    }
}
