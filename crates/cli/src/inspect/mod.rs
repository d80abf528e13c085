//! Sections of a page about a network: configuration, metrics and images.

mod facts;
mod numbers;
mod pictures;

pub(crate) use facts::{model_facts, run_facts};
pub(crate) use numbers::{calibration, classes, confusion, layers, scores};
pub(crate) use pictures::{attention, cam, feature_maps, filters, heat, mistakes, overlays};
