//! Frequencies of the classes in each source of training images, for logit adjustment.

use crate::sampling::{OUTLIER, Pools, Sampling, class_draws};

/// Frequencies of the classes among the training images and among the cut-outs, as an epoch draws them, to the power of
/// the adjustment's factor and normalized.
///
/// One image of each class is added to the draws of an epoch (Laplace): photos of a class that only cut-outs have are rare,
/// not impossible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassPriors {
    /// Of the training images, and of the cut-outs.
    sources: [Vec<f64>; 2],
    /// Index of the first cut-out.
    first_cutout: usize,
    uniform: Vec<f64>,
}

impl ClassPriors {
    pub(crate) fn new(sampling: &Sampling, pools: Pools<'_>, classes: usize, factor: f64) -> Self {
        let powers = |draws: Vec<usize>| {
            let powers = draws
                .into_iter()
                .map(|count| (count as f64 + 1.0).powf(factor));
            let powers: Vec<f64> = powers.collect();
            let sum: f64 = powers.iter().sum();
            powers.into_iter().map(|power| power / sum).collect()
        };
        Self {
            sources: class_draws(sampling, pools, classes).map(powers),
            first_cutout: pools.images.len(),
            uniform: vec![1.0 / classes as f64; classes],
        }
    }

    /// Prior of the source of an image. An image that belongs to no class says nothing about them.
    pub(crate) fn of(&self, index: usize, label: u16) -> &[f64] {
        match label {
            OUTLIER => &self.uniform,
            _ => &self.sources[usize::from(index >= self.first_cutout)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Balance;

    #[test]
    fn frequencies_are_those_of_the_draws() {
        let images: Vec<u16> = [vec![0; 60], vec![1; 20], vec![OUTLIER; 9]].concat();
        let cutouts: Vec<u16> = (0..30).map(|index| index % 3).collect();
        let pools = Pools {
            images: &images,
            cutouts: &cutouts,
        };
        let sampling = Sampling {
            balance: Balance::None,
            cutouts: 0.5,
            ..Sampling::default()
        };
        let priors = ClassPriors::new(&sampling, pools, 3, 1.0);
        assert_eq!(priors.of(5, 1), [61.0 / 83.0, 21.0 / 83.0, 1.0 / 83.0]);
        // 80 cut-outs fill up the classes: 0, 30 and 50.
        assert_eq!(priors.of(89, 1), [1.0 / 83.0, 31.0 / 83.0, 51.0 / 83.0]);
        assert_eq!(priors.of(5, OUTLIER), [1.0 / 3.0; 3]);
        let half = ClassPriors::new(&sampling, pools, 3, 0.5);
        let ratio = half.of(5, 1)[0] / half.of(5, 1)[2];
        assert!((ratio - 61.0_f64.sqrt()).abs() < 1e-9, "{ratio}");
        for prior in [half.of(0, 0), priors.of(0, 0), priors.of(100, 0)] {
            assert!((prior.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
