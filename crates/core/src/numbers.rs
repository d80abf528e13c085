//! Formatting of numbers for messages.

/// Formats a number with at most six significant digits.
///
/// ```
/// use modiste_core::significant;
///
/// assert_eq!(significant(f64::from(0.3_f32)), "0.3");
/// assert_eq!(significant(1e9), "1000000000");
/// assert_eq!(significant(1.234_567_89e-7), "1.23457e-7");
/// ```
pub fn significant(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    match rounded.abs() {
        size if rounded == 0.0 || (1e-4..1e12).contains(&size) => rounded.to_string(),
        size if size.is_finite() => format!("{rounded:e}"),
        _ => value.to_string(),
    }
}

/// Formats a loss or an accuracy with four decimals and at most six digits: fewer decimals from
/// 100, and an exponent from a million, for losses that diverge.
///
/// ```
/// use modiste_core::four_decimals;
///
/// assert_eq!(four_decimals(0.41237), "0.4124");
/// assert_eq!(four_decimals(1234.5678), "1234.57");
/// assert_eq!(four_decimals(-2.5e300), "-2.50000e300");
/// ```
pub fn four_decimals(value: f64) -> String {
    // The rounded value decides: 99.999996 has as many digits as 100.
    let size = format!("{:.5e}", value.abs()).parse().unwrap_or(f64::NAN);
    match size {
        100.0..1e6 => {
            let decimals = 5 - size.log10().floor() as usize;
            format!("{value:.decimals$}")
        }
        1e6.. => format!("{value:.5e}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_six_digits_at_most() {
        for (value, expected) in [
            (0.0, "0.0000"),
            (99.999_94, "99.9999"),
            (99.999_96, "100.000"),
            (100.0, "100.000"),
            (-999.9996, "-1000.00"),
            (123_456.7, "123457"),
            (999_999.4, "999999"),
            (999_999.6, "1.00000e6"),
            (1e300, "1.00000e300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(four_decimals(value), expected);
        }
    }
}
