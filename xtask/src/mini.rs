//! `mini`: makes `datasets/fashion-mnist-mini` from the official files of Fashion-MNIST.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use crate::modiste::data_folder;
use crate::workspace;

/// The official files and how many entries of each are taken.
const FILES: [(&str, usize); 4] = [
    ("train-images-idx3-ubyte.gz", 5_000),
    ("train-labels-idx1-ubyte.gz", 5_000),
    ("t10k-images-idx3-ubyte.gz", 1_000),
    ("t10k-labels-idx1-ubyte.gz", 1_000),
];

/// The classes, as the pictures are named.
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

/// How often each pixel of an image is repeated in its picture, each way.
const ENLARGEMENT: usize = 10;

/// Reads the four official files in `data`'s `fashion-mnist` and writes their first entries and the
/// ten pictures. A file that holds the same already is left as it is: another version of a
/// compressor would change its bytes without changing anything.
///
/// # Errors
/// Where an official file is missing or is not what it should be, or one cannot be written.
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
            "{} cannot be read; `cargo xtask download` gets the official files",
            path.display()
        )
    })?;
    let mut inner = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut inner)
        .with_context(|| format!("{} cannot be decompressed", path.display()))?;
    Ok(inner)
}

/// The same bytes for the same content: no time, no name, the best compression.
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
        println!("{shown}: holds the same already");
        return Ok(());
    }
    fs::write(path, bytes()?).with_context(|| format!("{shown} cannot be written"))?;
    println!("{shown}: written");
    Ok(())
}

/// An IDX file of bytes: the sizes of its axes, and what follows them.
fn idx(bytes: &[u8]) -> Result<(Vec<usize>, &[u8])> {
    let (magic, rest) = bytes
        .split_at_checked(4)
        .context("no IDX file: too short")?;
    ensure!(
        magic[..3] == [0, 0, 8],
        "no IDX file of bytes: it begins with {magic:02x?}"
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
        "axes {axes:?} do not fit the {} bytes that follow",
        entries.len()
    );
    Ok((axes, entries))
}

/// An IDX file of the first `count` entries of another.
fn first_entries(bytes: &[u8], count: usize) -> Result<Vec<u8>> {
    let (axes, entries) = idx(bytes)?;
    ensure!(
        axes[0] >= count,
        "{count} entries are wanted, {} there",
        axes[0]
    );
    let header = 4 + 4 * axes.len();
    let mut first = bytes[..header].to_vec();
    first[4..8].copy_from_slice(&u32::try_from(count)?.to_be_bytes());
    first.extend_from_slice(&entries[..count * (entries.len() / axes[0])]);
    Ok(first)
}

/// The pixels of the first image of a class, `[row, column]`.
fn first_of_class<'a>(images: &'a [u8], labels: &[u8], class: usize) -> Result<Image<'a>> {
    let (axes, pixels) = idx(images)?;
    let (_, labels) = idx(labels)?;
    let [_, height, width] = axes[..] else {
        anyhow::bail!("images have 3 axes, not {axes:?}");
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

/// A gray image in memory.
struct Image<'a> {
    width: usize,
    pixels: &'a [u8],
}

/// A gray picture in memory: width, height, pixels.
type Picture = (u32, u32, Vec<u8>);

/// As someone would photograph it: dark on white, and large enough to look at.
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

/// A picture of ours. Another kind of PNG gives something that equals no picture of ours.
fn read_png(path: &Path) -> Result<Picture> {
    let file = fs::File::open(path)?;
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("too large a picture")?];
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
    fn the_first_entries_are_an_idx_file_again() {
        let first = first_entries(&images(), 2).expect("two of three");
        let (axes, pixels) = idx(&first).expect("an IDX file");
        assert_eq!(axes, [2, 2, 3]);
        assert_eq!(pixels, (0..12).collect::<Vec<u8>>());
        assert_eq!(first_entries(&labels(), 1).expect("one of three")[8..], [4]);
        assert!(first_entries(&images(), 4).is_err());
    }

    #[test]
    fn what_is_no_idx_file_is_refused() {
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
    fn a_picture_is_the_first_of_its_class_enlarged_and_inverted() {
        let (images, labels) = (images(), labels());
        let image = first_of_class(&images, &labels, 7).expect("the second");
        let (width, height, pixels) = picture(image);
        assert_eq!((width, height), (30, 20));
        // Rows 0 to 9 show the image's first row: 6 7 8.
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
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, image) = (folder.path().join("a.gz"), folder.path().join("a.png"));
        fs::write(&file, gz(b"some bytes").expect("gzip")).expect("a file");
        assert_eq!(read_gz(&file).expect("the same"), b"some bytes");
        assert_eq!(gz(b"a").expect("gzip")[4..8], [0; 4], "no time of making");

        let made = (3, 2, vec![1, 2, 3, 4, 5, 6]);
        fs::write(&image, png_bytes(&made).expect("a PNG")).expect("a file");
        assert_eq!(read_png(&image).expect("the same"), made);
    }
}
