//! Training history as CSV and curves
