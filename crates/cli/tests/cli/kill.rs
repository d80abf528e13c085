//! A run survives whatever happens to its process and to its disk: what is resumed ends with the
//! same bytes as what was never stopped.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use modiste_core::Rng;

use crate::{modiste, output};

/// How often a run is stopped, where the environment variable [`TIMES_VARIABLE`] says nothing else.
const TIMES: usize = 20;

/// `cargo xtask torture` asks for more.
const TIMES_VARIABLE: &str = "MODISTE_TORTURE";

/// Files up to so many blocks of 512 bytes can be written where the disk is full: the model is
/// smaller, a checkpoint larger.
const FULL_DISK_BLOCKS: usize = 8192;

/// Seeds of runs, each of which is also trained undisturbed.
const SEEDS: u64 = 4;

/// A small run with batch norm, dropout, mirrored images and a best epoch, a checkpoint each step.
fn flags(run: &str, seed: u64) -> Vec<String> {
    let flags = "train --recipe smoke --architecture closet --max-samples 80 --batch-size 16 --epochs 2 \
                 --mirror true --validation split:0.2 --offline --quiet --checkpoint-seconds 0";
    let flags = flags.split_whitespace().map(String::from);
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
    modiste(folder, &arguments)
}

/// The same command where no file can be as large as a checkpoint: writing fails as on a full disk.
fn on_a_full_disk(command: &Command) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {FULL_DISK_BLOCKS}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    limited.args(["-c", &script]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.current_dir(command.get_current_dir().expect("a folder"));
    limited.env_remove("MODISTE_DATA").env_remove("RUST_LOG");
    limited
}

/// Everything that must not depend on what happened.
#[derive(PartialEq)]
struct Result {
    model: Vec<u8>,
    best: Vec<u8>,
    /// Without the seconds.
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

/// Cuts the last checkpoint short, or changes a byte of it, where there is one and an older one.
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
#[expect(clippy::print_stdout, reason = "`cargo xtask torture` shows it")]
fn a_run_that_was_killed_anywhere_ends_with_the_same_bytes() {
    let times =
        std::env::var(TIMES_VARIABLE).map_or(TIMES, |times| times.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let undisturbed: Vec<(Result, Duration)> = (0..SEEDS)
        .map(|seed| {
            let run = format!("undisturbed-{seed}");
            let start = Instant::now();
            let output = output(&mut command(folder.path(), &flags(&run, seed)));
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stderr}");
            (result(&folder.path().join(run)), start.elapsed())
        })
        .collect();

    let mut rng = Rng::new(7);
    // How often each thing happened; all must have.
    let [mut killed, mut full, mut damaged, mut fell_back] = [0; 4];
    // How long a part takes, as it seems: other work may come and go beside the test.
    let mut duration = undisturbed[0].1;
    let mut time = 0;
    while killed < times || time < times {
        assert!(
            time < 5 * times,
            "{killed} of {time} runs were killed before their end"
        );
        let seed = time as u64 % SEEDS;
        let (expected, most) = &undisturbed[seed as usize];
        let name = format!("run-{time}");
        let run = folder.path().join(&name);
        time += 1;
        let mut parts = 1 + rng.below(3);
        loop {
            let begun = run.join("run.json").exists();
            let arguments = match begun {
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
                false => flags(&name, seed),
            };
            let mut command = command(folder.path(), &arguments);
            if parts > 0 && rng.below(3) == 0 {
                command = on_a_full_disk(&command);
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
                // What ended before it could be killed took less.
                duration = duration.mul_f64(if stopped { 1.1 } else { 0.8 }).min(*most);
                if stopped && rng.below(2) == 0 {
                    damaged += usize::from(damage(&run, &mut rng));
                }
                continue;
            }
            let ended = child.wait_with_output().expect("it ends");
            let stderr = String::from_utf8_lossy(&ended.stderr);
            fell_back += usize::from(stderr.contains("going back to what was kept before it"));
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
        assert!(found.model == expected.model, "{name}: another model");
        assert!(found.best == expected.best, "{name}: another best model");
        fs::remove_dir_all(&run).expect("removed");
    }
    println!(
        "{time} runs: {killed} times killed, {full} parts on a full disk, {damaged} checkpoints \
         damaged, {fell_back} times the last part went back to an older one"
    );
    assert!(full > 0 && damaged > 0, "{full} {damaged}");
}
