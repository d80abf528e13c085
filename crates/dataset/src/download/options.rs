//! How a download goes about it.

use std::path::PathBuf;
use std::time::Duration;

/// How [`download`](crate::download()) goes about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadOptions {
    /// The folder that has one folder per dataset; made where it is not there.
    pub data: PathBuf,
    /// Forbids all network access: only files that are there count.
    pub offline: bool,
    /// URLs that end in `/`, asked instead of those of the catalog.
    pub mirrors: Option<Vec<String>>,
    /// The longest wait for a name to be resolved, and for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the next bytes.
    pub idle_timeout: Duration,
    /// The longest time for one file, or for one archive.
    pub total_timeout: Duration,
}

impl Default for DownloadOptions {
    /// The folder `datasets`; 5 seconds to connect, 20 for the next bytes, an hour for a file.
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
