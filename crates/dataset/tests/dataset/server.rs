//! Web server for a test, with one thread per connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Response to a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, after announcing this many more.
    Less(Vec<u8>, usize),
    /// These bytes, without announcing their number.
    Unannounced(Vec<u8>),
    /// A status without a body.
    Status(u16),
    /// A redirect to this URL.
    Redirect(String),
    /// No response on an open connection.
    Silence,
}

/// Server that runs until the process ends.
pub(crate) struct Server {
    /// URL, which ends in `/`.
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Number of requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Starts a server. `answer` receives the path after the first `/`.
pub(crate) fn serve(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
            // In some tests the client disconnects early.
            thread::spawn(move || respond(stream, &*answer, &count).ok());
        }
    });
    Server { url, requests }
}

/// URL of a port on which no server listens.
pub(crate) fn unreachable() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}/", listener.local_addr().expect("bound"))
}

fn respond(
    mut stream: TcpStream,
    answer: &dyn Fn(&str) -> Answer,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    count.fetch_add(1, Ordering::SeqCst);
    let path = request.split(' ').nth(1).unwrap_or("/");
    let (head, body) = match answer(path.trim_start_matches('/')) {
        Answer::Bytes(bytes) => (format!("200 OK\r\nContent-Length: {}", bytes.len()), bytes),
        Answer::Less(bytes, more) => {
            let announced = bytes.len() + more;
            (format!("200 OK\r\nContent-Length: {announced}"), bytes)
        }
        Answer::Unannounced(bytes) => ("200 OK".to_owned(), bytes),
        Answer::Status(status) => (format!("{status} No\r\nContent-Length: 0"), Vec::new()),
        Answer::Redirect(url) => (
            format!("302 Found\r\nContent-Length: 0\r\nLocation: {url}"),
            Vec::new(),
        ),
        Answer::Silence => {
            thread::sleep(Duration::from_secs(10));
            return Ok(());
        }
    };
    write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body)
}
