//! Paths of the workspace, and its `cargo`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder of the workspace, the parent of this crate's folder.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Returns the `cargo` that runs this program, in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Returns the folder of the ten pictures in the repository.
pub(crate) fn pictures() -> PathBuf {
    root().join("datasets/fashion-mnist-mini/pictures")
}

/// Returns a path relative to the folder of the workspace if it is inside, else the path itself.
pub(crate) fn relative(path: &Path) -> &Path {
    path.strip_prefix(root()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_contains_workspace() {
        assert!(root().join("Cargo.lock").is_file());
        assert_eq!(relative(&root().join("runs/a-1")), Path::new("runs/a-1"));
        assert_eq!(relative(Path::new("elsewhere")), Path::new("elsewhere"));
    }
}
