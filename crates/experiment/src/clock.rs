//! System clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01, UTC.
pub(crate) fn unix_seconds() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}
