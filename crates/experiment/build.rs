//! Sets the environment variable `MODISTE_COMMIT` to the current commit, if the crate is built from a checkout.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A package from a registry may be unpacked in a checkout of another project.
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
