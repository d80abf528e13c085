//! Classes of a network that is trained on own images, and the labels of the images.

use modiste_dataset::{DatasetInfo, Images, find_class};
use modiste_train::OUTLIER;

use crate::error::{Error, Result};

/// Classes of a network, and the label of each class of own images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap {
    /// Class names of the network.
    pub classes: Vec<String>,
    /// Label of the images of each own class: an index into `classes`, or [`OUTLIER`].
    labels: Vec<u16>,
}

impl ClassMap {
    /// Maps the classes `own`. Those named in `outliers` are none of the network's. If there are cut-outs, the classes of
    /// the network are theirs, in their order, and own classes are found among them by name.
    ///
    /// # Errors
    /// Returns [`Error::Setting`] if an outlier class does not exist, no class or only one is left, or a class is none
    /// of the cut-outs'.
    ///
    /// ```
    /// use modiste_experiment::ClassMap;
    ///
    /// let own = ["bag", "other", "t-shirt-top"].map(String::from);
    /// let fashion = modiste_dataset::lookup("fashion-mnist")?;
    /// let map = ClassMap::new(&own, &["other".into()], Some(fashion))?;
    /// assert_eq!((map.classes[8].as_str(), map.label(0)), ("Bag", Some(8)));
    /// assert_eq!((map.label(1), map.label(2)), (None, Some(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(own: &[String], outliers: &[String], cutouts: Option<&DatasetInfo>) -> Result<Self> {
        if let Some(unknown) = outliers.iter().find(|class| !own.contains(class)) {
            let known = own.join(", ");
            return Err(Error::setting(format!(
                "there is no class `{unknown}` to take outliers from; there are: {known}"
            )));
        }
        let is_known = |class: &&String| !outliers.contains(class);
        let classes: Vec<String> = match cutouts {
            Some(dataset) => dataset.classes.iter().map(ToString::to_string).collect(),
            None => own.iter().filter(is_known).cloned().collect(),
        };
        if classes.len() < 2 {
            return Err(Error::setting(
                "without the outliers, fewer than two classes are left",
            ));
        }
        // The last label is that of outliers.
        if classes.len() > usize::from(OUTLIER) {
            return Err(Error::setting(format!(
                "there are {} classes; a network can be trained on at most {OUTLIER}",
                classes.len()
            )));
        }
        let label = |class: &String| -> Result<u16> {
            if !is_known(&class) {
                return Ok(OUTLIER);
            }
            let index = find_class(class, &classes).map_err(|error| {
                Error::setting(format!(
                    "a class of the images is none of the cut-outs: {error}"
                ))
            })?;
            u16::try_from(index).map_err(|_| Error::setting("there are too many classes"))
        };
        let labels = match cutouts {
            Some(_) => own.iter().map(label).collect::<Result<_>>()?,
            // The own classes in their order, which needs no search among many.
            None => {
                let mut next = 0..OUTLIER;
                let labels = own.iter().map(|class| match is_known(&class) {
                    true => next.next().unwrap_or(OUTLIER),
                    false => OUTLIER,
                });
                labels.collect()
            }
        };
        Ok(Self { classes, labels })
    }

    /// Label of the images of an own class, given by its index; `None` for outliers.
    pub fn label(&self, own: u16) -> Option<u16> {
        let label = self.labels.get(usize::from(own)).copied();
        label.filter(|label| *label != OUTLIER)
    }

    /// Images with the labels of the network; outliers have the label [`OUTLIER`].
    pub(crate) fn relabelled(&self, images: &Images) -> Images {
        let labels = images.labels().iter();
        images.with_labels(
            labels
                .map(|&own| self.label(own).unwrap_or(OUTLIER))
                .collect(),
        )
    }
}

/// Separates images that belong to a class from outliers.
pub(crate) fn known_and_outliers(images: &Images) -> [Images; 2] {
    let (known, outliers): (Vec<usize>, Vec<usize>) =
        (0..images.len()).partition(|&index| images.labels()[index] != OUTLIER);
    match outliers.is_empty() {
        true => [images.clone(), images.subset(&[])],
        false => [images.subset(&known), images.subset(&outliers)],
    }
}

#[cfg(test)]
mod tests {
    use modiste_dataset::{ImageShape, lookup};

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().copied().map(String::from).collect()
    }

    #[test]
    fn outliers_leave_the_other_classes_in_order() {
        let own = names(&["bag", "hat", "other", "shoe"]);
        let map = ClassMap::new(&own, &names(&["other", "bag"]), None).expect("two classes");
        assert_eq!(map.classes, ["hat", "shoe"]);
        let labels: Vec<Option<u16>> = (0..5).map(|own| map.label(own)).collect();
        assert_eq!(labels, [None, Some(0), None, Some(1), None]);

        let shape = ImageShape::new(1, 1, 1);
        let images = Images::new(shape, vec![5, 6, 7], vec![3, 2, 1]).expect("images");
        let images = map.relabelled(&images);
        assert_eq!(images.labels(), [1, OUTLIER, 0]);
        let [known, outliers] = known_and_outliers(&images);
        assert_eq!((known.labels(), outliers.len()), (&[1, 0][..], 1));
        assert_eq!(*outliers.image(0).expect("in memory"), [6]);
    }

    #[test]
    fn errors_name_the_class() {
        let own = names(&["bag", "hat", "other"]);
        let refused = |outliers: &[&str], dataset: Option<&str>| {
            let dataset = dataset.map(|name| lookup(name).expect("a dataset"));
            let map = ClassMap::new(&own, &names(outliers), dataset);
            map.expect_err("refused").to_string()
        };
        assert!(refused(&["oter"], None).contains("no class `oter` to take outliers from"));
        assert!(refused(&["other", "hat"], None).contains("fewer than two classes"));
        let message = refused(&["other"], Some("fashion-mnist"));
        assert!(
            message.contains("none of the cut-outs") && message.contains("`hat`"),
            "{message}"
        );
    }
}
