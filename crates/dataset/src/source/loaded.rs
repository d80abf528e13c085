//! Decoded images of a source, and their parts.

use modiste_core::Fit;

use super::fingerprint::Fingerprint;
use super::listing::{BadFile, Listing, Part, SourceWarning};
use crate::images::{Dataset, Images};
use crate::parts::{SplitFractions, SplitIndices, split_parts};

/// Decoded images of a source.
#[derive(Clone, Debug)]
pub struct LoadedImages {
    /// Listing of the decoded images: one sample per image, in the same order.
    pub listing: Listing,
    /// All images, of all parts.
    pub images: Images,
    /// Way in which they were brought to their shape; `None` if a [`FileDecoder`](crate::FileDecoder) did it.
    pub fit: Option<Fit>,
    /// Files and lines of a table that were left out.
    pub bad: Vec<BadFile>,
    /// Fingerprint of the contents, including the files that were left out.
    pub fingerprint: Fingerprint,
    /// `true` if the images came from the cache.
    pub from_cache: bool,
    /// Warnings of the listing and of the decoding.
    pub warnings: Vec<SourceWarning>,
}

/// Training, validation and test images, and where they come from.
#[derive(Clone, Debug)]
pub struct Splits {
    /// Class names; a label is an index into them.
    pub classes: Vec<String>,
    /// Images to train on.
    pub train: Images,
    /// Images that are measured after each epoch.
    pub validation: Images,
    /// Images to evaluate on.
    pub test: Images,
    /// Indices of the images of each part among all.
    pub indices: SplitIndices,
}

impl LoadedImages {
    /// Splits the images into training, validation and test images.
    ///
    /// The parts that the source gives are kept. A missing test part is `fraction` of the training images, and a missing
    /// validation part is `fraction` of the remaining ones. Both are drawn at random, class by class, and groups are not
    /// divided: see [`split_parts`]. The same seed gives the same parts.
    pub fn split_stratified(&self, fraction: f64, seed: u64) -> Dataset {
        let splits = self.split_by(SplitFractions::both(fraction), seed);
        Dataset {
            name: self.listing.name.clone(),
            classes: splits.classes,
            train: splits.train,
            // Without validation images, the test images are measured after each epoch.
            validation: Some(splits.validation).filter(|images| !images.is_empty()),
            test: splits.test,
            fit: self.fit,
        }
    }

    /// Splits the images as [`split_stratified`](Self::split_stratified) does, with a fraction for each part.
    pub fn split_by(&self, fractions: SplitFractions, seed: u64) -> Splits {
        let samples = &self.listing.samples;
        let labels: Vec<u16> = samples.iter().map(|sample| sample.label).collect();
        let parts: Vec<Option<Part>> = samples.iter().map(|sample| sample.part).collect();
        let groups: Vec<Option<u32>> = samples.iter().map(|sample| sample.group).collect();
        let indices = split_parts(&labels, &parts, &groups, fractions, seed);
        Splits {
            classes: self.listing.classes.clone(),
            train: self.images.subset(&indices.train),
            validation: self.images.subset(&indices.validation),
            test: self.images.subset(&indices.test),
            indices,
        }
    }
}
