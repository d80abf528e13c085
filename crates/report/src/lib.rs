//! Charts, tables and HTML pages for training runs and predictions.
//!
//! - [`history_csv`] and [`parse_history_csv`] convert the metrics of all epochs to CSV and back.
//! - [`accuracy_curve`] and [`loss_curve`] draw them as PNG files; [`curves_html`] draws them in a page.
//! - [`page`] joins [`Section`]s to an HTML page of one file without scripts. Their bodies are [`Markup`] of
//!   the crate [`maud`], which escapes text: [`paragraph`], [`definitions`], [`figures`], [`text_table`],
//!   [`confusion_table`], [`reliability_html`] and others.
//! - [`photos_page`] shows labeled photos with their predictions.
//! - [`maps_png`], [`heatmap_png`] and [`picture_sheet`] draw arrays and images.
//! - [`tensorboard_start`] and [`tensorboard_scalars`] write TensorBoard event files.
//!
//! The functions take and return text and bytes. They open no files and print nothing. The same input gives
//! the same bytes on every machine; the font of the PNG files is part of this crate.
//!
//! ```
//! use modiste_report::{accuracy_curve, parse_history_csv};
//!
//! let history = parse_history_csv(
//!     "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n\
//!      1,0.62,0.78,0.45,0.84,0.01,12.3\n\
//!      2,0.41,0.85,0.38,0.86,0.01,12.1\n",
//! )?;
//! let png = accuracy_curve(&history)?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), modiste_report::Error>(())
//! ```

mod axis;
mod chart;
mod class_tables;
mod curves;
mod curves_html;
mod error;
mod font;
mod highlight;
mod history;
mod layers_table;
mod layout;
mod maps;
mod page;
mod photos_page;
mod plot_area;
mod quantity;
mod raster;
mod reliability_html;
mod sample_sheet;
mod scene;
mod sheet;
mod svg;
mod table;
mod tensorboard;

pub use class_tables::{
    CLASS_HEADINGS, class_rows, classes_table, confusion_table, predictions_table,
};
pub use curves::{CURVE_HEIGHT, CURVE_WIDTH, accuracy_curve, loss_curve};
pub use curves_html::curves_html;
pub use error::Error;
pub use history::{HISTORY_HEADER, history_csv, parse_history_csv};
pub use layers_table::{LayerRow, layers_table};
pub use maps::{Colormap, bilinear, heatmap_png, maps_png};
pub use maud::Markup;
pub use page::{Figure, Section, commands, definitions, details, figures, page, paragraph};
pub use photos_page::{PhotoRow, photos_page};
pub use reliability_html::reliability_html;
pub use sample_sheet::{SheetRow, sample_sheet};
pub use sheet::{Cell, Column, picture_sheet};
pub use table::text_table;
pub use tensorboard::{tensorboard_scalars, tensorboard_start};

/// The example of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
