//! Format detection from the first bytes of a file.

use image::ImageFormat;

use crate::error::Error;

/// Number of bytes from the start of a file that [`is_image`] needs.
pub const MAGIC_LENGTH: usize = 32;

/// Returns true if a file that starts with these bytes is an image, of a supported format or of an
/// unsupported one such as HEIC. `start` should have [`MAGIC_LENGTH`] bytes unless the file is shorter.
///
/// ```
/// assert!(modiste_imaging::is_image(b"\xff\xd8\xff\xe0"));
/// assert!(modiste_imaging::is_image(b"\0\0\0\x18ftypheic\0\0\0\0"));
/// assert!(!modiste_imaging::is_image(b"file,label\n"));
/// ```
pub fn is_image(start: &[u8]) -> bool {
    supported(start).is_some() || unsupported(start).is_some()
}

/// Detects the format of an image that can be decoded.
///
/// # Errors
/// Returns [`Error::UnsupportedFormat`], which names the content that was found.
pub(super) fn sniff(bytes: &[u8]) -> Result<ImageFormat, Error> {
    supported(bytes).ok_or_else(|| Error::UnsupportedFormat {
        found: match (unsupported(bytes), document(bytes)) {
            _ if bytes.is_empty() => "the file is empty".into(),
            (Some(Unsupported { format, advice }), _) => {
                format!("this is a {format} image, which cannot be decoded: {advice}")
            }
            (None, Some(document)) => format!("this is {document}, not an image"),
            (None, None) => "unsupported image format".into(),
        },
    })
}

/// Signatures of BigTIFF (64-bit offsets), which `image` decodes but does not recognize.
const BIG_TIFF: [&[u8]; 2] = [b"II\x2b\0\x08\0\0\0", b"MM\0\x2b\0\x08\0\0"];

fn supported(bytes: &[u8]) -> Option<ImageFormat> {
    if BIG_TIFF.iter().any(|magic| bytes.starts_with(magic)) {
        return Some(ImageFormat::Tiff);
    }
    if unsupported(bytes).is_some() {
        return None;
    }
    match image::guess_format(bytes).ok()? {
        // A text file may start with the two letters of the signature.
        ImageFormat::Bmp => is_bmp(bytes).then_some(ImageFormat::Bmp),
        format @ (ImageFormat::Png
        | ImageFormat::Jpeg
        | ImageFormat::WebP
        | ImageFormat::Gif
        | ImageFormat::Tiff) => Some(format),
        _ => None,
    }
}

/// Checks the length of a BMP's second header.
fn is_bmp(bytes: &[u8]) -> bool {
    const HEADER_LENGTHS: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];
    let length = bytes.get(14..18).and_then(|field| field.try_into().ok());
    length.is_some_and(|field| HEADER_LENGTHS.contains(&u32::from_le_bytes(field)))
}

/// Image format that is recognized but not decoded.
struct Unsupported {
    format: &'static str,
    /// Remedy for the user.
    advice: &'static str,
}

const CONVERT_HEIF: &str = "convert it to JPEG first, for example with heif-convert or by exporting \
                            it from a photo app";
const CONVERT: &str = "convert it to PNG or JPEG first";

fn unsupported(bytes: &[u8]) -> Option<Unsupported> {
    let found = |format, advice| Some(Unsupported { format, advice });
    if bytes.get(4..8) == Some(b"ftyp") {
        // ISO/IEC 14496-12: major brand, version, compatible brands.
        let brands = bytes[8..].chunks_exact(4);
        for brand in brands.take(6) {
            match brand {
                b"avif" | b"avis" => return found("AVIF", CONVERT_HEIF),
                b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1" => {
                    // A file with a generic brand names its codec later.
                    let avif = bytes.windows(4).take(64).any(|brand| brand == b"avif");
                    return found(if avif { "AVIF" } else { "HEIC" }, CONVERT_HEIF);
                }
                b"crx " => return found("Canon raw", CONVERT),
                _ => {}
            }
        }
        return None;
    }
    if bytes.get(8..10) == Some(b"CR") && bytes.starts_with(b"II*\0") {
        return found("Canon raw", CONVERT);
    }
    const SIGNATURES: [(&[u8], &str); 11] = [
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"8BPS\0", "Photoshop"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"IIRO", "Olympus raw"),
        (b"IIRS", "Olympus raw"),
        (b"MMOR", "Olympus raw"),
        (b"IIU\0", "Panasonic raw"),
        (b"FUJIFILMCCD-RAW", "Fujifilm raw"),
    ];
    let (_, format) = SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature))?;
    found(format, CONVERT)
}

/// Detects documents that often carry the name of an image.
fn document(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = text.trim_ascii_start();
    let start = &start[..start.len().min(16)].to_ascii_lowercase();
    const SIGNATURES: [(&[u8], &str); 8] = [
        (b"<!doctype html", "an HTML page"),
        (b"<html", "an HTML page"),
        (b"<svg", "an SVG drawing"),
        (b"<?xml", "an XML file"),
        (b"%pdf", "a PDF"),
        (b"pk\x03\x04", "a ZIP archive"),
        (b"version https:", "a Git LFS pointer"),
        (b"\x1f\x8b", "a gzip file"),
    ];
    let found = SIGNATURES.iter().find(|(sign, _)| start.starts_with(sign));
    found.map(|(_, document)| *document)
}
