//! Killed processes, full disks and damaged checkpoints: a resumed run ends with the same bytes as a run that was
//! never stopped.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use modiste_core::Rng;
use tempfile::TempDir;

use super::own_images::write_image;
use crate::{modiste, output};

/// Number of kills, unless the environment variable [`TIMES_VARIABLE`] sets another.
const TIMES: usize = 20;

/// Environment variable that `cargo xtask torture` sets.
const TIMES_VARIABLE: &str = "MODISTE_TORTURE";

/// Maximum file size on a simulated full disk, in blocks of 512 bytes: the model is smaller, a checkpoint larger.
const FULL_DISK_BLOCKS: usize = 8192;

/// Number of seeds. A reference run is trained for each.
const SEEDS: u64 = 4;

/// Small run with batch norm, dropout, flipped images, a best epoch, and a checkpoint after each step.
const CATALOG: &str = "train --recipe smoke --architecture closet --max-samples 80 --batch-size 16 --epochs 2 \
                       --horizontal-flip true --validation split:0.2 --offline --quiet --checkpoint-seconds 0";

/// Small run on a folder of images, with mixup, CutMix and averaged weights.
const OWN_IMAGES: &str = "train --dataset images --augment strong --ema 0.9 --batch-size 16 --epochs 2 --quiet \
                          --checkpoint-seconds 0";

/// Returns the flags of a run.
fn flags(settings: &str, run: &str, seed: u64) -> Vec<String> {
    let flags = settings.split_whitespace().map(String::from);
    flags
        .chain([
            "--seed".into(),
            seed.to_string(),
            "--run".into(),
            run.into(),
        ])
        .collect()
}

fn command(folder: &Path, arguments: &[String]) -> Command {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = modiste(folder, &arguments);
    command.env("MODISTE_CACHE", folder.join(CACHE));
    command
}

/// Folder of the cache of decoded images.
const CACHE: &str = "cache";

/// Limits the file size for a command, so that writing a checkpoint fails as on a full disk.
fn on_full_disk(command: &Command) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {FULL_DISK_BLOCKS}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    limited.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    limited.args(["-c", &script]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.current_dir(command.get_current_dir().expect("a folder"));
    limited.env_remove("MODISTE_DATA").env_remove("RUST_LOG");
    limited
}

/// Results that must not depend on interruptions.
#[derive(PartialEq)]
struct Result {
    model: Vec<u8>,
    best: Vec<u8>,
    /// Lines without the column of seconds.
    history: Vec<String>,
}

fn result(run: &Path) -> Result {
    let read =
        |name: &str| fs::read(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let history = String::from_utf8(read("history.csv")).expect("text");
    let columns = |line: &str| line.rsplit_once(',').map(|(rest, _)| rest.to_owned());
    Result {
        model: read("model.safetensors"),
        best: read("best.safetensors"),
        history: history.lines().filter_map(columns).collect(),
    }
}

/// Truncates the last checkpoint or changes a byte of it, if there is an older one. Returns whether it did.
fn damage(run: &Path, rng: &mut Rng) -> bool {
    let [last, previous] =
        ["last", "previous"].map(|name| run.join(format!("checkpoints/{name}.safetensors")));
    if !previous.exists() {
        return false;
    }
    let Ok(mut bytes) = fs::read(&last) else {
        return false;
    };
    let place = rng.below(bytes.len());
    match rng.below(2) {
        0 => bytes.truncate(place),
        _ => bytes[place] ^= 0x10,
    }
    fs::write(&last, bytes).expect("damaged");
    true
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn killed_runs_resume_bit_identically() {
    let folder = tempfile::tempdir().expect("a folder");
    kill_and_resume(&folder, CATALOG);
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn killed_runs_on_own_images_resume_bit_identically() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..80 {
        let class = ["dark", "light"][number % 2];
        let path = folder.path().join(format!("images/{class}/{number}.png"));
        write_image(&path, [20, 180][number % 2], number);
    }
    kill_and_resume(&folder, OWN_IMAGES);
}

/// Kills runs with these settings at random instants, in a folder that contains their images, and checks their results.
#[expect(
    clippy::print_stdout,
    reason = "`cargo xtask torture` prints the counts"
)]
fn kill_and_resume(folder: &TempDir, settings: &str) {
    let times =
        std::env::var(TIMES_VARIABLE).map_or(TIMES, |times| times.parse().expect("a number"));
    let reference: Vec<(Result, Duration)> = (0..SEEDS)
        .map(|seed| {
            let run = format!("reference-{seed}");
            let start = Instant::now();
            let output = output(&mut command(folder.path(), &flags(settings, &run, seed)));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stderr}");
            (result(&folder.path().join(run)), start.elapsed())
        })
        .collect();

    let mut rng = Rng::new(7);
    // Number of occurrences of each event.
    let [mut killed, mut full, mut damaged, mut fell_back] = [0; 4];
    // Estimated duration of a part. It depends on the load of the machine.
    let mut duration = reference[0].1;
    let mut time = 0;
    while killed < times || time < times {
        assert!(
            time < 5 * times,
            "{killed} of {time} runs were killed before their end"
        );
        let seed = time as u64 % SEEDS;
        let (expected, most) = &reference[seed as usize];
        let name = format!("run-{time}");
        let run = folder.path().join(&name);
        time += 1;
        let mut parts = 1 + rng.below(3);
        loop {
            // Half of the parts decode the images again.
            if rng.below(2) == 0 {
                let _ = fs::remove_dir_all(folder.path().join(CACHE));
            }
            let has_started = run.join("run.json").exists();
            let arguments = match has_started {
                true => [
                    "train",
                    "--quiet",
                    "--checkpoint-seconds",
                    "0",
                    "--resume",
                    &name,
                ]
                .map(String::from)
                .to_vec(),
                false => flags(settings, &name, seed),
            };
            let mut command = command(folder.path(), &arguments);
            if parts > 0 && rng.below(3) == 0 {
                command = on_full_disk(&command);
                full += 1;
            }
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("modiste starts");
            if parts > 0 {
                parts -= 1;
                std::thread::sleep(duration.mul_f64(rng.uniform()));
                child.kill().expect("killed, or at its end");
                let stopped = child
                    .wait_with_output()
                    .expect("it ends")
                    .status
                    .code()
                    .is_none();
                killed += usize::from(stopped);
                // A part that ended before it could be killed took less time.
                duration = duration.mul_f64(if stopped { 1.1 } else { 0.8 }).min(*most);
                if stopped && rng.below(2) == 0 {
                    damaged += usize::from(damage(&run, &mut rng));
                }
                continue;
            }
            let ended = child.wait_with_output().expect("it ends");
            let stderr = String::from_utf8_lossy(&ended.stderr);
            fell_back += usize::from(stderr.contains("using the checkpoint before it"));
            let finished = stderr.contains("is finished: nothing is left to train");
            assert!(ended.status.success() || finished, "{name}: {stderr}");
            break;
        }
        let found = result(&run);
        assert!(
            found.history == expected.history,
            "{name}: {:?}",
            found.history
        );
        assert!(found.model == expected.model, "{name}: the model differs");
        assert!(
            found.best == expected.best,
            "{name}: the best epoch's model differs"
        );
        fs::remove_dir_all(&run).expect("removed");
    }
    println!(
        "{time} runs: {killed} kills, {full} parts on a full disk, {damaged} damaged checkpoints, {fell_back} of \
         which the last part replaced by the checkpoint before"
    );
    assert!(full > 0 && damaged > 0, "{full} {damaged}");
}
