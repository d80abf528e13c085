//! Whether a JPEG file is whole.

/// Whether a JPEG's data ends before its end marker: a decoder would fill what is missing with gray.
///
/// Segments are skipped by their length; the data of a scan has no marker in it but those that
/// restart it (ITU-T T.81, annex B).
pub(crate) fn ends_early(bytes: &[u8]) -> bool {
    /// What follows 0xFF: filling, an escaped 0xFF, a restart; a lone marker; a scan ends at the next.
    const FILL: u8 = 0xff;
    const ESCAPED: u8 = 0x00;
    const LONE: u8 = 0x01;
    const END: u8 = 0xd9;
    // Behind the start marker.
    let mut at = 2;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|&byte| byte == FILL))
    {
        at += found + 1;
        match bytes.get(at) {
            Some(&END) => return false,
            None => return true,
            // This byte may be the one before a marker.
            Some(&FILL) => {}
            Some(&ESCAPED | &LONE | 0xd0..=0xd7) => at += 1,
            Some(_) => {
                let Some(&[high, low]) = bytes.get(at + 1..at + 3) else {
                    return true;
                };
                at += 1 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = include_bytes!("../tests/opencv/large-612x408.jpg");

    #[test]
    fn every_cut_is_told() {
        assert!(!ends_early(WHOLE));
        for length in (0..WHOLE.len()).step_by(17).chain([WHOLE.len() - 1]) {
            assert!(ends_early(&WHOLE[..length]), "{length} bytes");
        }
    }

    #[test]
    fn an_end_within_a_segment_or_after_it_is_not_the_pictures() {
        let comment = [0xff, 0xd8, 0xff, 0xfe, 0, 4, 0xff, 0xd9];
        assert!(ends_early(&comment));
        let scan = [0xff, 0xda, 0, 2, 7, 0xff, 0x00, 0xff, 0xd3, 9, 0xff];
        assert!(ends_early(&[&comment[..], &scan].concat()));
        assert!(!ends_early(
            &[&comment[..], &scan, &[0xff, 0xd9, 1, 2]].concat()
        ));
    }
}
