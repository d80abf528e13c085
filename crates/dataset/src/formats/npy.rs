//! Headers and integers of NumPy's `.npy` format (NEP 1).
//!
//! The header is a Python dictionary of three known keys. This reader accepts exactly that and does not recurse, so that
//! a hostile header costs neither stack nor memory.

use std::io::Read;

/// Largest accepted header, in bytes.
const MAX_HEADER: usize = 1 << 16;

/// Type and shape of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NpyHeader {
    /// Type as NumPy writes it, such as `<i8`.
    pub(crate) dtype: String,
    /// `true` if the first axis varies fastest.
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

impl NpyHeader {
    /// Reads the header at the start of a file.
    ///
    /// # Errors
    /// Returns a description of the defect.
    pub(crate) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let mut start = [0; 8];
        let failed = |error: std::io::Error| format!("its header cannot be read: {error}");
        reader.read_exact(&mut start).map_err(failed)?;
        if !start.starts_with(b"\x93NUMPY") {
            return Err("it is not a NumPy array".into());
        }
        let length = match start[6] {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length).map_err(failed)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length).map_err(failed)?;
                u32::from_le_bytes(length) as usize
            }
            version => return Err(format!("version {version} of the format is not supported")),
        };
        if length > MAX_HEADER {
            return Err(format!("its header has {length} bytes"));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(failed)?;
        let text = String::from_utf8_lossy(&text);
        parse(&text).ok_or_else(|| format!("its header is `{}`", text.trim()))
    }

    /// Number of values, or `None` if it does not fit.
    pub(crate) fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1, |count: usize, &side| count.checked_mul(side))
    }

    /// Width of an integer in bytes, and whether it is signed and big endian; `None` for other types.
    pub(crate) fn integer(&self) -> Option<Integer> {
        let mut letters = self.dtype.chars();
        let order = letters.next()?;
        let kind = letters.next()?;
        let width = letters.as_str().parse().ok()?;
        let is_integer = matches!(kind, 'i' | 'u' | 'b') && [1, 2, 4, 8].contains(&width);
        (is_integer && matches!(order, '<' | '>' | '|' | '=')).then_some(Integer {
            width,
            signed: kind == 'i',
            big_endian: order == '>',
        })
    }
}

/// Type of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer {
    pub(crate) width: usize,
    signed: bool,
    big_endian: bool,
}

impl Integer {
    /// Value of `width` bytes.
    pub(crate) fn value(self, bytes: &[u8]) -> i128 {
        let mut wide = [0; 16];
        let negative = match (self.signed, self.big_endian) {
            (false, _) => false,
            (true, true) => bytes[0] >= 0x80,
            (true, false) => bytes[self.width - 1] >= 0x80,
        };
        if negative {
            wide = [0xff; 16];
        }
        for (index, &byte) in bytes.iter().enumerate() {
            let place = if self.big_endian {
                self.width - 1 - index
            } else {
                index
            };
            wide[place] = byte;
        }
        i128::from_le_bytes(wide)
    }
}

/// Parses `{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }` with its keys in any order.
fn parse(text: &str) -> Option<NpyHeader> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, after) = quoted(rest)?;
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let after = match key {
            "descr" => {
                let (value, after) = quoted(after)?;
                dtype = Some(value.to_owned());
                after
            }
            "fortran_order" => {
                let (value, after) = match after.strip_prefix("True") {
                    Some(after) => (true, after),
                    None => (false, after.strip_prefix("False")?),
                };
                fortran_order = Some(value);
                after
            }
            "shape" => {
                let (sides, after) = after.strip_prefix('(')?.split_once(')')?;
                let sides = sides
                    .split(',')
                    .map(str::trim)
                    .filter(|side| !side.is_empty());
                shape = Some(sides.map(|side| side.parse().ok()).collect::<Option<_>>()?);
                after
            }
            _ => return None,
        };
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(NpyHeader {
        dtype: dtype?,
        fortran_order: fortran_order?,
        shape: shape?,
    })
}

/// Text between quotes at the start, and the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text
        .chars()
        .next()
        .filter(|quote| ['\'', '"'].contains(quote))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of an array of format version 1.
    pub(crate) fn npy(dtype: &str, fortran_order: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
        let order = if fortran_order { "True" } else { "False" };
        let sides: Vec<String> = shape.iter().map(|side| format!("{side},")).collect();
        let mut header = format!(
            "{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': ({}), }}",
            sides.join(" ")
        );
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn reads_headers_of_numpy() {
        let bytes = npy("|u1", false, &[60000, 28, 28], &[]);
        let header = NpyHeader::read(&mut &bytes[..]).expect("a header");
        let shape = vec![60000, 28, 28];
        assert_eq!(
            header,
            NpyHeader {
                dtype: "|u1".into(),
                fortran_order: false,
                shape
            }
        );
        assert_eq!(header.count(), Some(60000 * 28 * 28));
        let scalar = npy("<i8", true, &[], &[]);
        let header = NpyHeader::read(&mut &scalar[..]).expect("a header");
        assert_eq!((header.count(), header.fortran_order), (Some(1), true));
        for (bytes, expected) in [
            (b"\x93NUMPX\x01\x00".to_vec(), "not a NumPy array"),
            (b"\x93NUMPY\x09\x00".to_vec(), "version 9"),
            (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "cannot be read"),
            (
                b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(),
                "4294967295 bytes",
            ),
            (npy("[('a', '<i8')]", false, &[1], &[]), "its header is"),
        ] {
            let error = NpyHeader::read(&mut &bytes[..]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn reads_integers_of_any_type() {
        let value = |dtype: &str, bytes: &[u8]| {
            let header = NpyHeader {
                dtype: dtype.into(),
                fortran_order: false,
                shape: Vec::new(),
            };
            header.integer().map(|integer| integer.value(bytes))
        };
        assert_eq!(value("|u1", &[200]), Some(200));
        assert_eq!(value("|i1", &[200]), Some(-56));
        assert_eq!(value("<i4", &[0xfe, 0xff, 0xff, 0xff]), Some(-2));
        assert_eq!(value(">i2", &[1, 2]), Some(258));
        assert_eq!(value(">i2", &[0xff, 2]), Some(-254));
        assert_eq!(
            value("<u8", &[1, 0, 0, 0, 0, 0, 0, 0x80]),
            Some((1 << 63) + 1)
        );
        assert_eq!(value("|b1", &[1]), Some(1));
        for dtype in ["<f4", "<U5", "|O", "", "<i", "é", "<i3"] {
            assert_eq!(value(dtype, &[0; 8]), None, "{dtype}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_headers_do_not_panic(text in "[{}'\":, ()0-9a-zé|<]{0,60}", shape in "[0-9, ]{0,60}") {
            parse(&text);
            if let Some(header) = parse(&format!("{{'descr':'<i2','fortran_order':False,'shape':({shape})}}")) {
                header.count();
            }
        }
    }
}
