//! Commands of `docs/lecture.md`, unchanged and in order.

use std::fs;
use std::path::Path;

use crate::{pictures, succeeds};

/// Returns the shell commands in a Markdown text, split into words.
fn commands(markdown: &str) -> Vec<Vec<&str>> {
    let blocks = markdown.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or("").lines());
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
#[ignore = "slow; cargo xtask test --all runs it"]
fn commands_of_lecture_succeed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lecture = fs::read_to_string(root.join("docs/lecture.md")).expect("the lecture");
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    std::os::unix::fs::symlink(root.join("datasets"), here.join("datasets")).expect("linked");
    // Labelled photos of the user.
    for (file, class) in [("8-bag.png", "bag"), ("1-trouser.png", "1")] {
        let class = here.join("wardrobe").join(class);
        fs::create_dir_all(&class).expect("a folder");
        fs::copy(pictures().join(file), class.join(file)).expect("copied");
    }
    let commands = commands(&lecture);
    assert!(commands.len() > 12, "{commands:?}");
    let mut printed = String::new();
    for command in &commands {
        let (program, arguments) = command.split_first().expect("a command");
        assert_eq!(*program, "modiste", "{command:?}");
        printed += &succeeds(here, arguments);
    }
    for expected in [
        "Total parameters: 2,374,762",
        "Trainable parameters: 936,964",
        "Total parameters: 5,259,594",
        "(None, 6, 6, 256)",
        "runs/lecture: test loss ",
        "lecture  smoke   compact  finished     5/5",
        "boot.html",
        "truth predicted",
    ] {
        assert!(printed.contains(expected), "no {expected} in {printed}");
    }
    for file in ["lecture.html", "boot.html", "answers.csv"] {
        assert!(here.join(file).exists(), "{file}");
    }
    // All linked pictures exist.
    for link in lecture.split("](lecture/").skip(1) {
        let name = link.split(')').next().expect("a name");
        assert!(root.join("docs/lecture").join(name).exists(), "{name}");
    }
}
