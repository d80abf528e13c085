//! Where the workspace lies, and the `cargo` that works on it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder: the one above this crate's.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `cargo`, the same that runs this program, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// The folder of the ten pictures that are part of the repository.
pub(crate) fn pictures() -> PathBuf {
    root().join("datasets/fashion-mnist-mini/pictures")
}

/// A path as one types it in the workspace's folder, where it lies inside.
pub(crate) fn relative(path: &Path) -> &Path {
    path.strip_prefix(root()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
        assert_eq!(relative(&root().join("runs/a-1")), Path::new("runs/a-1"));
        assert_eq!(relative(Path::new("elsewhere")), Path::new("elsewhere"));
    }
}
