//! Tells the program which commit it is built from, where it is built from a checkout.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A package from a registry lies in no checkout of this project, though perhaps in another's.
    let ours = Path::new("../../ARCHITECTURE.md").exists();
    let Some(commit) = git(&["rev-parse", "HEAD"]).filter(|_| ours) else {
        return;
    };
    println!("cargo::rustc-env=MODISTE_COMMIT={commit}");
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}
