//! Exponential moving average of parameters.

use rayon::prelude::*;

use crate::parallel::{CHUNK, check_len};

/// Moves each average towards its value: `average += (1 - decay) * (value - average)`.
///
/// ```
/// let mut average = [1.0, 2.0];
/// modiste_kernels::update_average(&mut average, &[3.0, 2.0], 0.75);
/// assert_eq!(average, [1.5, 2.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn update_average(average: &mut [f32], values: &[f32], decay: f64) {
    check_len("values", values.len(), average.len());
    let rate = (1.0 - decay) as f32;
    average
        .par_chunks_mut(CHUNK)
        .zip(values.par_chunks(CHUNK))
        .for_each(|(average, values)| {
            for (average, value) in average.iter_mut().zip(values) {
                *average += rate * (value - *average);
            }
        });
}
