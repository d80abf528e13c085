//! Composition of an epoch on own images.

use modiste_train::{CutoutAugmentation, TrainConfig};

use crate::own_images::OwnImages;

/// Fraction of an epoch that consists of cut-outs, unless the recipe has one.
const CUTOUTS: f64 = 0.5;

/// Fraction of an epoch that consists of outliers, unless the recipe has one.
const OUTLIERS: f64 = 0.1;

/// Fraction of an epoch that consists of scenes, if there are cut-outs and outliers, unless the recipe has one.
const SCENES: f64 = 0.05;

/// Suits the composition of an epoch to own images: cut-outs, outliers and scenes have the share that the configuration
/// gives them, or a usual one, and none if the images have none.
pub(crate) fn compose(config: &mut TrainConfig, own: &OwnImages) {
    let has_cutouts = own.cutouts.is_some();
    let has_outliers = !own.outlier_classes.is_empty();
    let share = |fraction: f64, usual: f64, applies: bool| match applies {
        true if fraction > 0.0 => fraction,
        true => usual,
        false => 0.0,
    };
    let sampling = &mut config.sampling;
    sampling.cutouts = share(sampling.cutouts, CUTOUTS, has_cutouts);
    sampling.outliers = share(sampling.outliers, OUTLIERS, has_outliers);
    sampling.scenes = share(sampling.scenes, SCENES, has_cutouts && has_outliers);
    config.cutouts = own.cutouts.as_ref().map(|dataset| {
        let mut rendering = config
            .cutouts
            .take()
            .unwrap_or_else(CutoutAugmentation::clothes);
        // The classes of shoes are those of Fashion-MNIST.
        rendering.pairs = rendering
            .pairs
            .filter(|_| dataset.starts_with("fashion-mnist"));
        rendering
    });
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use modiste_core::Fit;
    use modiste_train::Sampling;

    use super::*;

    fn own(outliers: &[&str], cutouts: Option<&str>) -> OwnImages {
        OwnImages {
            path: PathBuf::from("photos"),
            label_column: None,
            group_column: None,
            exclude_classes: Vec::new(),
            exclude_rows: Vec::new(),
            outlier_classes: outliers.iter().map(ToString::to_string).collect(),
            cutouts: cutouts.map(Into::into),
            shape: [64, 64, 3],
            fit: Fit::Pad,
            decoder: None,
            mirror: false,
            strict: false,
        }
    }

    #[track_caller]
    fn check(own: &OwnImages, given: [f64; 3], expected: [f64; 3]) -> TrainConfig {
        let mut config = TrainConfig::default();
        let [cutouts, outliers, scenes] = given;
        config.sampling = Sampling {
            cutouts,
            outliers,
            scenes,
            ..Sampling::default()
        };
        compose(&mut config, own);
        let found = config.sampling;
        assert_eq!([found.cutouts, found.outliers, found.scenes], expected);
        config
    }

    #[test]
    fn shares_suit_the_images() {
        let none = check(&own(&[], None), [0.6, 0.2, 0.1], [0.0; 3]);
        assert_eq!(none.cutouts, None);
        check(&own(&["other"], None), [0.0; 3], [0.0, OUTLIERS, 0.0]);
        let all = own(&["other"], Some("fashion-mnist"));
        check(&all, [0.0; 3], [CUTOUTS, OUTLIERS, SCENES]);
        let kept = check(&all, [0.6, 0.2, 0.1], [0.6, 0.2, 0.1]);
        assert_eq!(kept.cutouts, Some(CutoutAugmentation::clothes()));
        let digits = check(&own(&[], Some("mnist")), [0.0; 3], [CUTOUTS, 0.0, 0.0]);
        assert_eq!(digits.cutouts.expect("a rendering").pairs, None);
    }
}
