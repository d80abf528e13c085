//! HTTP requests to mirrors.

use std::io::{self, Read};

use ureq::Agent;

use super::options::DownloadOptions;
use super::report::Progress;

/// Failure of a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: String,
    /// `true` if the mirror did not respond at all.
    pub(super) unreachable: bool,
}

/// HTTP client with the timeouts of `options` and the proxy of the environment.
pub(super) fn agent(options: &DownloadOptions) -> Agent {
    Agent::config_builder()
        .user_agent(concat!("modiste/", env!("CARGO_PKG_VERSION")))
        .max_redirects(5)
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_per_read(Some(options.idle_timeout))
        .timeout_per_write(Some(options.idle_timeout))
        .timeout_global(Some(options.total_timeout))
        .build()
        .new_agent()
}

/// First environment variable that names a proxy, in the order of the HTTP client, and the proxy without its
/// credentials. An empty variable counts as unset.
fn proxy() -> Option<(&'static str, String)> {
    [
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ]
    .into_iter()
    .find_map(|variable| {
        let value = std::env::var(variable).ok()?;
        let (scheme, rest) = value.split_once("://").unwrap_or(("", &value));
        let host = rest.rsplit('@').next().unwrap_or(rest);
        let shown = match scheme {
            "" => host.to_owned(),
            scheme => format!("{scheme}://{host}"),
        };
        (!value.is_empty()).then_some((variable, shown))
    })
}

/// Returns `true` if a request for `url` goes through the client's proxy.
fn uses_proxy(agent: &Agent, url: &str) -> bool {
    let proxy = agent.config().proxy();
    let url = url.parse();
    matches!((proxy, url), (Some(proxy), Ok(url)) if !proxy.is_no_proxy(&url))
}

/// Requests `url` and returns the body. More than `limit` bytes are an error.
pub(super) fn get<'a>(
    agent: &Agent,
    url: &str,
    limit: u64,
    progress: &'a mut dyn FnMut(Progress<'_>),
) -> Result<impl Read + use<'a>, Failure> {
    if let (None, Some((variable, proxy))) = (agent.config().proxy(), proxy()) {
        return Err(Failure {
            reason: format!(
                "{variable} is {proxy}, which is not the address of a proxy, such as \
                 http://proxy.example:8080"
            ),
            unreachable: true,
        });
    }
    let response = agent.get(url).call().map_err(|error| {
        // Any error without a response: name resolution, connection, proxy, certificate, timeout.
        let unreachable = !matches!(
            error,
            ureq::Error::StatusCode(_) | ureq::Error::TooManyRedirects
        );
        let reason = match proxy() {
            Some((variable, proxy)) if unreachable && uses_proxy(agent, url) => {
                format!("{error}, through the proxy {proxy} set in {variable}")
            }
            _ => error.to_string(),
        };
        Failure {
            reason,
            unreachable,
        }
    })?;
    let body = response.into_body();
    let total = body.content_length();
    if let Some(total) = total.filter(|&total| total > limit) {
        return Err(Failure {
            reason: format!("{total} bytes announced, at most {limit} expected"),
            unreachable: false,
        });
    }
    Ok(Received {
        body: body.into_reader(),
        bytes: 0,
        total,
        limit,
        progress,
    })
}

/// Body of a response. Counts the received bytes.
struct Received<'a, R> {
    body: R,
    bytes: u64,
    total: Option<u64>,
    limit: u64,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl<R: Read> Read for Received<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.bytes += count as u64;
        if self.bytes > self.limit {
            return Err(io::Error::other(format!(
                "more than the expected {} bytes received",
                self.limit
            )));
        }
        if count > 0 {
            let (bytes, total) = (self.bytes, self.total);
            (self.progress)(Progress::Received { bytes, total });
        }
        Ok(count)
    }
}
