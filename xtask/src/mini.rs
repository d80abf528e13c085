//! `mini`: creates `datasets/fashion-mnist-mini` from the official files of Fashion-MNIST.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use crate::modiste::data_folder;
use crate::workspace;

/// Official files, each with the number of entries that are copied.
const FILES: [(&str, usize); 4] = [
    ("train-images-idx3-ubyte.gz", 5_000),
    ("train-labels-idx1-ubyte.gz", 5_000),
    ("t10k-images-idx3-ubyte.gz", 1_000),
    ("t10k-labels-idx1-ubyte.gz", 1_000),
];

/// Classes in the names of the pictures.
const CLASSES: [&str; 10] = [
    "t-shirt-top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
];

/// Factor by which a picture is larger than its image, in each dimension.
const ENLARGEMENT: usize = 10;

/// Reads the four official files in the folder `fashion-mnist` of `data`, and writes their first entries and the
/// ten pictures. A file whose contents are equal is not written: another version of a compressor would change
/// its bytes.
///
/// # Errors
/// If an official file is missing or invalid, or a file cannot be written.
pub(crate) fn mini(data: Option<PathBuf>) -> Result<()> {
    let official = data_folder(data.as_deref()).join("fashion-mnist");
    let target = workspace::root().join("datasets/fashion-mnist-mini");
    for (name, count) in FILES {
        let inner = first_entries(&read_gz(&official.join(name))?, count)
            .with_context(|| official.join(name).display().to_string())?;
        let path = target.join(name);
        let same = path.exists() && read_gz(&path)? == inner;
        write_unless_same(&path, same, || gz(&inner))?;
    }

    let images = read_gz(&official.join(FILES[2].0))?;
    let labels = read_gz(&official.join(FILES[3].0))?;
    for (class, name) in CLASSES.iter().enumerate() {
        let picture = picture(first_of_class(&images, &labels, class)?);
        let path = target.join(format!("pictures/{class}-{name}.png"));
        let same = path.exists() && read_png(&path)? == picture;
        write_unless_same(&path, same, || png_bytes(&picture))?;
    }
    Ok(())
}

fn read_gz(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| {
        format!(
            "{} cannot be read; `cargo xtask download` downloads the official files",
            path.display()
        )
    })?;
    let mut inner = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut inner)
        .with_context(|| format!("{} cannot be decompressed", path.display()))?;
    Ok(inner)
}

/// Compresses bytes without a time or a name, so that equal contents give equal files.
fn gz(inner: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    encoder.write_all(inner)?;
    Ok(encoder.finish()?)
}

fn write_unless_same(
    path: &Path,
    same: bool,
    bytes: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<()> {
    let shown = workspace::relative(path).display();
    if same {
        println!("{shown}: unchanged");
        return Ok(());
    }
    fs::write(path, bytes()?).with_context(|| format!("{shown} cannot be written"))?;
    println!("{shown}: written");
    Ok(())
}

/// Parses an IDX file of bytes. Returns the sizes of its axes and its data.
fn idx(bytes: &[u8]) -> Result<(Vec<usize>, &[u8])> {
    let (magic, rest) = bytes
        .split_at_checked(4)
        .context("not an IDX file: too short")?;
    ensure!(
        magic[..3] == [0, 0, 8],
        "not an IDX file of bytes: it begins with {magic:02x?}"
    );
    let (axes, entries) = rest
        .split_at_checked(4 * usize::from(magic[3]))
        .context("the IDX file ends in its header")?;
    let axes: Vec<usize> = axes
        .as_chunks()
        .0
        .iter()
        .map(|&axis| Ok(usize::try_from(u32::from_be_bytes(axis))?))
        .collect::<Result<_>>()?;
    ensure!(
        !axes.is_empty() && axes.iter().product::<usize>() == entries.len(),
        "the axes {axes:?} do not match the {} bytes of data",
        entries.len()
    );
    Ok((axes, entries))
}

/// Returns an IDX file with the first `count` entries of another.
fn first_entries(bytes: &[u8], count: usize) -> Result<Vec<u8>> {
    let (axes, entries) = idx(bytes)?;
    ensure!(
        axes[0] >= count,
        "expected at least {count} entries, found {}",
        axes[0]
    );
    let header = 4 + 4 * axes.len();
    let mut first = bytes[..header].to_vec();
    first[4..8].copy_from_slice(&u32::try_from(count)?.to_be_bytes());
    first.extend_from_slice(&entries[..count * (entries.len() / axes[0])]);
    Ok(first)
}

/// Returns the first image of a class.
fn first_of_class<'a>(images: &'a [u8], labels: &[u8], class: usize) -> Result<Image<'a>> {
    let (axes, pixels) = idx(images)?;
    let (_, labels) = idx(labels)?;
    let [_, height, width] = axes[..] else {
        anyhow::bail!("expected 3 axes of images, found {axes:?}");
    };
    let index = labels
        .iter()
        .position(|&label| usize::from(label) == class)
        .with_context(|| format!("no image has the label {class}"))?;
    let size = height * width;
    let pixels = pixels
        .get(index * size..(index + 1) * size)
        .context("there are more labels than images")?;
    Ok(Image { width, pixels })
}

/// Gray image: `pixels` in the order `[row, column]`.
struct Image<'a> {
    width: usize,
    pixels: &'a [u8],
}

/// Gray picture: width, height, and pixels in the order `[row, column]`.
type Picture = (u32, u32, Vec<u8>);

/// Enlarges and inverts an image, so that it is dark on white like a photo.
fn picture(image: Image<'_>) -> Picture {
    let rows = image.pixels.chunks(image.width);
    let height = rows.len() * ENLARGEMENT;
    let pixels = rows
        .flat_map(|row| {
            let wide = row
                .iter()
                .flat_map(|&pixel| [255 - pixel; ENLARGEMENT])
                .collect::<Vec<u8>>();
            wide.repeat(ENLARGEMENT)
        })
        .collect();
    ((image.width * ENLARGEMENT) as u32, height as u32, pixels)
}

fn png_bytes((width, height, pixels): &Picture) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, *width, *height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// Reads a picture that [`png_bytes`] wrote. The result for any other PNG file differs from all such pictures.
fn read_png(path: &Path) -> Result<Picture> {
    let file = fs::File::open(path)?;
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info()?;
    let mut pixels = vec![
        0;
        reader
            .output_buffer_size()
            .context("the picture is too large")?
    ];
    let frame = reader.next_frame(&mut pixels)?;
    Ok((frame.width, frame.height, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three images of 2 rows and 3 columns, distinct pixels.
    fn images() -> Vec<u8> {
        let header = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3];
        header.into_iter().chain(0..18).collect()
    }

    fn labels() -> Vec<u8> {
        vec![0, 0, 8, 1, 0, 0, 0, 3, 4, 7, 7]
    }

    #[test]
    fn copies_first_entries() {
        let first = first_entries(&images(), 2).expect("two of three");
        let (axes, pixels) = idx(&first).expect("an IDX file");
        assert_eq!(axes, [2, 2, 3]);
        assert_eq!(pixels, (0..12).collect::<Vec<u8>>());
        assert_eq!(first_entries(&labels(), 1).expect("one of three")[8..], [4]);
        assert!(first_entries(&images(), 4).is_err());
    }

    #[test]
    fn rejects_invalid_idx() {
        for bad in [
            &b"\x1f\x8b\x08\x00"[..],
            b"",
            &images()[..9],
            &images()[..33],
        ] {
            assert!(idx(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn enlarges_and_inverts_first_image_of_class() {
        let (images, labels) = (images(), labels());
        let image = first_of_class(&images, &labels, 7).expect("the second");
        let (width, height, pixels) = picture(image);
        assert_eq!((width, height), (30, 20));
        // Rows 0 to 9 of the picture contain the first row of the image: 6 7 8.
        let corner = [
            pixels[0],
            pixels[9],
            pixels[10],
            pixels[29],
            pixels[9 * 30 + 29],
        ];
        assert_eq!(corner, [249, 249, 248, 247, 247]);
        assert_eq!(pixels[10 * 30], 246);
        assert!(first_of_class(&images, &labels, 5).is_err());
    }

    #[test]
    fn files_survive_round_trip() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, image) = (folder.path().join("a.gz"), folder.path().join("a.png"));
        fs::write(&file, gz(b"some bytes").expect("gzip")).expect("a file");
        assert_eq!(read_gz(&file).expect("readable"), b"some bytes");
        assert_eq!(gz(b"a").expect("gzip")[4..8], [0; 4], "the time is 0");

        let picture = (3, 2, vec![1, 2, 3, 4, 5, 6]);
        fs::write(&image, png_bytes(&picture).expect("a PNG")).expect("a file");
        assert_eq!(read_png(&image).expect("readable"), picture);
    }
}
