//! Options of a download.

use std::path::PathBuf;
use std::time::Duration;

/// Options of [`download`](crate::download()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadOptions {
    /// Data folder, which contains one folder per dataset. Created if it does not exist.
    pub data: PathBuf,
    /// Forbids all network access.
    pub offline: bool,
    /// URLs of mirrors, which end in `/`, instead of those in the catalog.
    pub mirrors: Option<Vec<String>>,
    /// Timeout of name resolution, and of connecting.
    pub connect_timeout: Duration,
    /// Timeout of a single read or write.
    pub idle_timeout: Duration,
    /// Timeout of the download of one file or archive.
    pub total_timeout: Duration,
}

impl Default for DownloadOptions {
    /// Data folder `datasets`; 5 seconds to connect, 20 seconds for a read, one hour for a file.
    fn default() -> Self {
        Self {
            data: PathBuf::from("datasets"),
            offline: false,
            mirrors: None,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(3600),
        }
    }
}
