//! The model crate from outside: shapes, the graph against the walk, the file.

mod file;
mod graph_against_walk;
mod resolve;
mod summary;
