//! `mutate`: robustness check of the binary with damaged files of every format.
//!
//! Each file is a copy of a file in the repository with bytes that are changed, repeated, removed or truncated.
//! For each, the binary must print a result or an error message within limits of time and memory, and must not
//! report an internal error.

mod damage;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;

use self::damage::{Random, damaged};
use crate::modiste::Modiste;
use crate::workspace;

/// Maximum address space of the binary in KiB.
const MEMORY: u64 = 1 << 20;

/// Maximum duration of a call in seconds.
const SECONDS: u64 = 120;

/// Number of images per call.
const TOGETHER: usize = 250;

/// Number of images for each file of another format.
const IMAGES_PER_FILE: usize = 25;

/// Checks `count` damaged images, and one table, model and dataset per [`IMAGES_PER_FILE`] images.
///
/// # Errors
/// If a call ends without a result and without an error message.
pub(crate) fn mutate(count: usize, seed: u64) -> Result<()> {
    let folder = tempfile::tempdir().context("a temporary folder is needed")?;
    let modiste = Modiste::build(folder.path().join("data"))?;
    let mut random = Random(seed);
    let (read, refused) = images(&modiste, folder.path(), count, &mut random)?;
    println!("images: {read} decoded, {refused} rejected");
    let others = count.div_ceil(IMAGES_PER_FILE);
    let counts = [
        (
            "tables of labels",
            tables(&modiste, folder.path(), others, &mut random)?,
        ),
        (
            "models",
            models(&modiste, folder.path(), others, &mut random)?,
        ),
        (
            "datasets",
            datasets(&modiste, folder.path(), others, &mut random)?,
        ),
    ];
    for (what, accepted) in counts {
        println!(
            "{what}: {accepted} accepted, {} rejected",
            others - accepted
        );
    }
    Ok(())
}

fn images(
    modiste: &Modiste,
    folder: &Path,
    count: usize,
    random: &mut Random,
) -> Result<(usize, usize)> {
    let imaging = workspace::root().join("crates/imaging/tests");
    let mut samples = Vec::new();
    for place in ["cases/photos", "cases/jpeg", "opencv"] {
        for path in files(&imaging.join(place))? {
            let bytes = fs::read(&path)?;
            let is_image = !["csv", "json", "md"]
                .iter()
                .any(|kind| path.extension() == Some(kind.as_ref()));
            if is_image && bytes.len() < 100_000 {
                samples.push((path, bytes));
            }
        }
    }
    let (mut read, mut refused) = (0, 0);
    let mut left = count;
    while left > 0 {
        let together = left.min(TOGETHER);
        left -= together;
        let place = folder.join("images");
        fs::create_dir(&place)?;
        for number in 0..together {
            let (path, bytes) = &samples[random.below(samples.len())];
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            fs::write(
                place.join(format!("{number:03}-{name}")),
                damaged(bytes, random),
            )?;
        }
        let output = run(modiste, &["predict", "--json", "--top", "1"], &place)?;
        let answers: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| explained("the output is not JSON", &output, &place))?;
        let answers = answers.as_array().context("the output is not an array")?;
        ensure!(
            answers.len() == together,
            explained("a result is missing", &output, &place)
        );
        let failed = answers
            .iter()
            .filter(|answer| answer["error"].is_string())
            .count();
        refused += failed;
        read += together - failed;
        fs::remove_dir_all(&place)?;
    }
    Ok((read, refused))
}

fn tables(modiste: &Modiste, folder: &Path, count: usize, random: &mut Random) -> Result<usize> {
    let cases = workspace::root().join("crates/cli/tests/cases/labels");
    let tables: Vec<Vec<u8>> = fs::read_dir(&cases)?
        .flatten()
        .map(|entry| fs::read(entry.path().join("labels.csv")))
        .collect::<Result<_, _>>()?;
    let place = folder.join("labels");
    fs::create_dir(&place)?;
    let picture = workspace::pictures().join("9-ankle-boot.png");
    for name in ["a.jpg", "b.jpg"] {
        fs::copy(&picture, place.join(name))?;
    }
    accepted(count, || {
        let table = &tables[random.below(tables.len())];
        fs::write(place.join("labels.csv"), damaged(table, random))?;
        run(modiste, &["photos"], &place)
    })
}

fn models(modiste: &Modiste, folder: &Path, count: usize, random: &mut Random) -> Result<usize> {
    let model = fs::read(workspace::root().join("models/fashion-mnist.safetensors"))?;
    // Only the header is damaged: the weights behind it have no structure.
    let length = model
        .first_chunk::<8>()
        .context("the model has no header")?;
    let header = 8 + usize::try_from(u64::from_le_bytes(*length))?;
    let place = folder.join("damaged.safetensors");
    accepted(count, || {
        let mut bytes = damaged(&model[..header], random);
        bytes.extend(&model[header..]);
        fs::write(&place, bytes)?;
        run(modiste, &["summary"], &place)
    })
}

fn datasets(modiste: &Modiste, folder: &Path, count: usize, random: &mut Random) -> Result<usize> {
    let place = folder.join("damaged");
    let mini = workspace::root().join("datasets/fashion-mnist-mini");
    let names = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];
    let (mut packed, mut plain) = (Vec::new(), Vec::new());
    for name in names {
        let bytes = fs::read(mini.join(format!("{name}.gz")))?;
        let mut inside = Vec::new();
        GzDecoder::new(&bytes[..]).read_to_end(&mut inside)?;
        packed.push((format!("fashion-mnist/{name}.gz"), bytes));
        plain.push((format!("fashion-mnist/{name}"), inside));
    }
    // Three records of CIFAR-100: two labels and 32x32x3 pixels.
    let record = |at: usize| if at % 3074 < 2 { 3 } else { at as u8 };
    let cifar: Vec<u8> = (0..3 * 3074).map(record).collect();
    let cifar = ["train", "test"].map(|name| (format!("cifar-100/{name}.bin"), cifar.clone()));
    accepted(count, || {
        fs::remove_dir_all(&place).ok();
        let (files, dataset) = match random.below(3) {
            0 => (&packed[..], "fashion-mnist"),
            1 => (&plain[..], "fashion-mnist"),
            _ => (&cifar[..], "cifar-100"),
        };
        let spoiled = random.below(files.len());
        for (number, (name, bytes)) in files.iter().enumerate() {
            let path = place.join(name);
            fs::create_dir_all(path.parent().context("the path has no parent")?)?;
            match number == spoiled {
                true => fs::write(path, damaged(bytes, random))?,
                false => fs::write(path, bytes)?,
            }
        }
        let run_folder = place.join("run");
        let run_folder = run_folder.to_str().context("the path is not UTF-8")?;
        let flags = [
            "train",
            "--offline",
            "--allow-partial",
            "--augment",
            "none",
            "--epochs",
            "1",
        ];
        let sizes = [
            "--max-samples",
            "1",
            "--batch-size",
            "1",
            "--architecture",
            "compact",
        ];
        let paths = ["--run", run_folder, "--dataset", dataset, "--data"];
        run(modiste, &[&flags[..], &sizes, &paths].concat(), &place)
    })
}

/// Returns how many of `count` calls succeed.
fn accepted(count: usize, mut call: impl FnMut() -> Result<Output>) -> Result<usize> {
    let mut accepted = 0;
    for _ in 0..count {
        accepted += usize::from(call()?.status.success());
    }
    Ok(accepted)
}

/// Runs the binary on `path` within the limits.
///
/// # Errors
/// If it reports an internal error, or ends with another exit code than 0, or 1 with an error message.
fn run(modiste: &Modiste, arguments: &[&str], path: &Path) -> Result<Output> {
    let binary = modiste.command();
    let mut command = Command::new("sh");
    let script = format!("ulimit -v {MEMORY}; exec timeout {SECONDS} \"$0\" \"$@\"");
    command
        .args(["-c", &script])
        .arg(binary.get_program())
        .args(arguments)
        .arg(path);
    let output = command.output().context("sh cannot be run")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0 | 1)
            if stderr.contains("internal error") || stderr.contains("memory allocation") =>
        {
            bail!(explained("internal error", &output, path))
        }
        Some(0) => {}
        Some(1) if stderr.contains("error: ") => {}
        _ => bail!(explained("unexpected exit", &output, path)),
    }
    Ok(output)
}

/// Returns an error message, and copies the files to a folder that is not removed.
fn explained(what: &str, output: &Output, path: &Path) -> String {
    let kept = std::env::temp_dir().join("modiste-mutate");
    fs::remove_dir_all(&kept).ok();
    if fs::create_dir_all(&kept).is_ok() {
        let paths = match path.is_dir() {
            true => files(path).unwrap_or_default(),
            false => vec![path.to_owned()],
        };
        for path in paths {
            fs::copy(&path, kept.join(path.file_name().unwrap_or_default())).ok();
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!(
        "{what} ({}); the files are in {}:\n{stderr}",
        output.status,
        kept.display()
    )
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}
