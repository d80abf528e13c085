//! JPEG markers: frame, scans and end (ITU-T T.81, annex B).

use memchr::memchr;

/// EOI marker.
pub(super) const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

/// Structure of a JPEG from its marker segments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) width: u16,
    pub(super) height: u16,
    /// SOF marker, 0xC0 to 0xCF, which determines the coding.
    frame: u8,
    /// Bits per sample.
    precision: u8,
    progressive: bool,
    pub(super) components: Vec<Component>,
    scans: Vec<Scan>,
    /// Colour transform of the Adobe segment: 0 for none, 1 for YCbCr, 2 for YCCK.
    adobe_transform: Option<u8>,
    is_jfif: bool,
    /// Data of the first EXIF segment.
    pub(super) exif: Option<Vec<u8>>,
    pub(super) ending: Ending,
}

/// Component of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Component {
    identifier: u8,
    /// Horizontal and vertical sampling factor.
    sampling: [u8; 2],
}

/// Scan: components and range of coefficients.
#[derive(Clone, Debug, PartialEq)]
struct Scan {
    identifiers: Vec<u8>,
    first: u8,
    last: u8,
    /// Low bits that later scans add (successive approximation).
    missing_bits: u8,
}

/// Position at which the bytes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// At an end marker, or after it.
    Marked,
    /// Within the data of a scan.
    InScan,
    /// Anywhere else.
    InSegment,
}

impl Layout {
    /// Reads the markers up to the end of the bytes. Returns `None` if there is no frame or a segment is
    /// malformed.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut layout = Self {
            width: 0,
            height: 0,
            frame: 0,
            precision: 0,
            progressive: false,
            components: Vec::new(),
            scans: Vec::new(),
            adobe_transform: None,
            is_jfif: false,
            exif: None,
            ending: Ending::InSegment,
        };
        // After the SOI marker.
        let mut at = 2;
        let mut in_scan = false;
        while let Some(found) = memchr(0xff, bytes.get(at..)?) {
            at += found + 1;
            match bytes.get(at) {
                Some(0xd9) => {
                    layout.ending = Ending::Marked;
                    break;
                }
                None => break,
                // Fill byte: the next one may be the marker.
                Some(0xff) => {}
                // Stuffed 0xFF, a marker without a segment, a restart marker.
                Some(0x00 | 0x01 | 0xd0..=0xd7) => at += 1,
                Some(&marker) => {
                    in_scan = false;
                    let Some(segment) = segment(bytes, at + 1) else {
                        break;
                    };
                    at += 3 + segment.len();
                    layout.add(marker, segment)?;
                    in_scan = marker == 0xda;
                    if at > bytes.len() {
                        break;
                    }
                }
            }
        }
        if layout.ending != Ending::Marked && in_scan {
            layout.ending = Ending::InScan;
        }
        (!layout.components.is_empty()).then_some(layout)
    }

    fn add(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        match marker {
            0xe0 => self.is_jfif |= segment.starts_with(b"JFIF\0"),
            0xe1 if self.exif.is_none() && segment.starts_with(b"Exif\0\0") => {
                self.exif = Some(segment.to_vec());
            }
            0xee if segment.starts_with(b"Adobe") => {
                self.adobe_transform = segment.get(11).copied();
            }
            0xda => {
                let count = usize::from(*segment.first()?);
                let (components, rest) = segment[1..].split_at_checked(2 * count)?;
                let &[first, last, bits] = rest.first_chunk::<3>()?;
                self.scans.push(Scan {
                    identifiers: components.iter().step_by(2).copied().collect(),
                    first,
                    last,
                    missing_bits: bits & 15,
                });
            }
            // SOF markers; DHT, JPG and DAC lie in the same range.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [height, width] = [1, 3].map(|at| segment.get(at..at + 2));
                let size = |bytes: Option<&[u8]>| Some(u16::from_be_bytes(bytes?.try_into().ok()?));
                self.height = size(height)?;
                self.width = size(width)?;
                self.frame = marker;
                self.precision = *segment.first()?;
                self.progressive = matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
                let count = usize::from(*segment.get(5)?);
                let components = segment[6..].chunks_exact(3).take(count);
                self.components = components
                    .map(|component| Component {
                        identifier: component[0],
                        sampling: [component[1] >> 4, component[1] & 15],
                    })
                    .collect();
            }
            _ => {}
        }
        Some(())
    }

    /// Reason why neither decoder supports the coding; `None` if it is supported.
    pub(super) fn unsupported(&self) -> Option<&'static str> {
        match self.frame {
            0xc3 | 0xc7 | 0xcb | 0xcf => Some("lossless JPEG is not supported"),
            0xc9 | 0xca | 0xcd | 0xce => Some("arithmetic coding is not supported"),
            0xc5 | 0xc6 => Some("hierarchical JPEG is not supported"),
            _ if self.precision != 8 => Some("more than 8 bits per value are not supported"),
            _ => None,
        }
    }

    /// Returns true for the layouts that cameras and programs usually write: gray, 4:4:4, 4:2:2,
    /// 4:2:0, or four components without subsampling, with all components in the first scan.
    pub(super) fn is_common(&self) -> bool {
        let all_in_first = self
            .scans
            .first()
            .is_some_and(|scan| scan.identifiers.len() == self.components.len());
        let sampling: Vec<[u8; 2]> = self.components.iter().map(|one| one.sampling).collect();
        let usual = match sampling[..] {
            [only] => only == [1, 1],
            [luma, [1, 1], [1, 1]] => matches!(luma, [1, 1] | [2, 1] | [2, 2]),
            [[1, 1], [1, 1], [1, 1], [1, 1]] => true,
            _ => false,
        };
        all_in_first && usual
    }

    /// Returns true for layouts that jpeg-decoder 0.3.2 decodes incorrectly: a scan with a single
    /// component whose sampling factor lies between the smallest and the largest one. The decoder then
    /// expects padding blocks that such a scan does not contain.
    pub(super) fn is_misread(&self) -> bool {
        let most = [0, 1].map(|axis| {
            let factors = self.components.iter().map(|one| one.sampling[axis]);
            usize::from(factors.max().unwrap_or(1).max(1))
        });
        let size = [self.width, self.height].map(usize::from);
        let blocks_differ = |component: &Component| {
            (0..2).any(|axis| {
                let factor = usize::from(component.sampling[axis]);
                let blocks = (size[axis] * factor).div_ceil(most[axis]).div_ceil(8);
                let filled = size[axis].div_ceil(8 * most[axis]) * factor;
                blocks != filled.min(size[axis].div_ceil(8))
            })
        };
        let alone = self.scans.iter().filter(|scan| scan.identifiers.len() == 1);
        let mut components = alone.flat_map(|scan| {
            let of_scan = |one: &&Component| scan.identifiers[0] == one.identifier;
            self.components.iter().filter(of_scan)
        });
        self.components.len() > 1 && components.any(blocks_differ)
    }

    /// Returns true if the first component is luma, by the rules of libjpeg
    /// (`default_decompress_parms`).
    pub(super) fn has_luma(&self) -> bool {
        match self.components[..] {
            [_] => true,
            [first, second, third] => {
                let identifiers = [first, second, third].map(|one| one.identifier);
                match self.adobe_transform {
                    _ if self.is_jfif => true,
                    Some(transform) => transform != 0,
                    None => identifiers != *b"RGB",
                }
            }
            _ => false,
        }
    }

    /// Returns true if the scans contain every bit of every coefficient of every component.
    pub(super) fn has_all_scans(&self) -> bool {
        let has = |component: &Component, coefficient: u8| {
            self.scans.iter().any(|scan| {
                let complete = !self.progressive
                    || ((scan.first..=scan.last).contains(&coefficient) && scan.missing_bits == 0);
                complete && scan.identifiers.contains(&component.identifier)
            })
        };
        self.components
            .iter()
            .all(|component| (0..64).all(|coefficient| has(component, coefficient)))
    }
}

/// Data of the segment whose length field is at `at`; `None` if they are incomplete.
fn segment(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
    bytes.get(at + 2..at + usize::from(length).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = include_bytes!("../../tests/opencv/large-612x408.jpg");

    fn ending(bytes: &[u8]) -> Option<Ending> {
        Layout::read(bytes).map(|layout| layout.ending)
    }

    #[test]
    fn finds_the_end_marker() {
        assert_eq!(ending(WHOLE), Some(Ending::Marked));
        assert_eq!(ending(&[WHOLE, b"\0more"].concat()), Some(Ending::Marked));
        let cut = WHOLE.len() - 2;
        assert_eq!(ending(&WHOLE[..cut]), Some(Ending::InScan));
        assert_eq!(ending(&WHOLE[..cut + 1]), Some(Ending::InScan));
        for length in (0..WHOLE.len()).step_by(17) {
            assert_ne!(ending(&WHOLE[..length]), Some(Ending::Marked), "{length}");
        }
    }

    #[test]
    fn ignores_end_marker_in_segment() {
        let (start, rest) = WHOLE.split_at(2);
        let comment = [0xff, 0xfe, 0, 4, 0xff, 0xd9];
        let bytes = [start, &comment, &rest[..rest.len() - 2]].concat();
        assert_eq!(ending(&bytes), Some(Ending::InScan));
        assert_eq!(ending(&[start, &comment].concat()), None);
    }

    #[test]
    fn reads_sampling_and_colour() {
        let layout = Layout::read(WHOLE).expect("a frame");
        assert_eq!((layout.height, layout.width), (612, 408));
        assert!(layout.has_luma() && layout.is_common() && layout.has_all_scans());
    }
}
