//! Charts, tables and HTML pages of training and classification.
//!
//! [`history_csv`] and [`parse_history_csv`] write and read one line per epoch; [`accuracy_curve`] and
//! [`loss_curve`] draw them. [`photos_page`] shows photos beside their predictions, [`picture_sheet`]
//! pictures beside each other. Functions take and return text and bytes: nothing here opens a file or
//! prints. The font of the curves is part of the crate (`assets/README.md`).
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
mod canvas;
mod chart;
mod class_tables;
mod curves;
mod curves_html;

mod error;
mod history;
mod layers_table;
mod letters;
mod maps;
mod page;
mod photos_page;
mod reliability_html;
mod sheet;
mod svg;
mod tensorboard;

pub use canvas::{CURVE_HEIGHT, CURVE_WIDTH};
pub use class_tables::{CLASS_HEADINGS, answers_table, class_rows, classes_table, confusion_table};
pub use curves::{accuracy_curve, loss_curve};
pub use curves_html::curves_html;

pub use error::Error;
pub use history::{HISTORY_HEADER, history_csv, parse_history_csv};
pub use layers_table::{LayerRow, layers_table};
pub use maps::{Colours, heat_png, maps_png, stretched};
pub use page::{Figure, Section, commands, definitions, figures, page, paragraph, text_table};
pub use photos_page::{PhotoRow, photos_page};
pub use reliability_html::reliability_html;
pub use sheet::{Cell, Column, picture_sheet};
pub use tensorboard::{tensorboard_scalars, tensorboard_start};
