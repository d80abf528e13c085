//! HTML pages about runs, models, photos and comparisons. Each page is one file without scripts that works offline.

mod comparison;
mod configuration;
mod data;
mod data_card;
mod explanation;
mod images;
mod labels;
mod metrics;
mod photos;
mod report;
mod training_command;

pub use comparison::comparison;
pub use data::data;
pub use explanation::{explanation, preprocessing_sheet};
pub use labels::labels;
pub use photos::photos;
pub use report::{ReportOptions, report};
pub use training_command::{CommandFor, TrainingCommand};
