//! Servers on loopback that do with a connection whatever a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server; its threads end with the test's process.
pub(crate) struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

/// One connection of a server.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    /// Which one of the server's it is, from 0.
    pub(crate) number: usize,
    requests: Arc<AtomicUsize>,
}

/// What a client asked for.
pub(crate) struct Asked {
    /// The first line and the fields.
    pub(crate) head: Vec<String>,
    pub(crate) body: usize,
}

impl Server {
    /// Does `handle` with each connection, each on a thread of its own, and closes it then.
    pub(crate) fn new(handle: impl Fn(&mut Connection) + Send + Sync + 'static) -> Server {
        Server::at("127.0.0.1:0", handle)
    }

    /// The same at an address.
    pub(crate) fn at(
        address: &str,
        handle: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind(address).expect("loopback can be bound");
        let port = listener.local_addr().expect("it is bound").port();
        let (connections, requests) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let server = Server {
            port,
            connections: connections.clone(),
            requests: requests.clone(),
        };
        let handle = Arc::new(handle);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut connection = Connection {
                    reader: BufReader::new(stream),
                    number: connections.fetch_add(1, Ordering::SeqCst),
                    requests: requests.clone(),
                };
                let handle = handle.clone();
                std::thread::spawn(move || handle(&mut connection));
            }
        });
        server
    }

    /// Reads each request of each connection and answers with these bytes.
    pub(crate) fn answering(answer: &'static str) -> Server {
        Server::new(move |connection| {
            while connection.ask().is_some() {
                connection.send(answer);
            }
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many whole requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Connection {
    /// Reads a head; `None` when the client has closed.
    pub(crate) fn head(&mut self) -> Option<Vec<String>> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).ok()?;
            match line.strip_suffix("\r\n")? {
                "" => return Some(head),
                line => head.push(line.to_owned()),
            }
        }
    }

    /// Reads `count` bytes of a body, a little at a time.
    pub(crate) fn body(&mut self, count: usize) -> Option<()> {
        let mut room = [0; 1_000];
        let mut left = count;
        while left > 0 {
            let part = &mut room[..left.min(1_000)];
            self.reader.read_exact(part).ok()?;
            assert!(part.iter().all(|byte| *byte == b'x'), "not what was sent");
            left -= part.len();
        }
        Some(())
    }

    /// Reads a whole request.
    pub(crate) fn ask(&mut self) -> Option<Asked> {
        let head = self.head()?;
        let length = head
            .iter()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body = length.map_or(0, |length| length.parse().expect("digits"));
        self.body(body)?;
        self.requests.fetch_add(1, Ordering::SeqCst);
        Some(Asked { head, body })
    }

    /// Sends; whether the client still takes it.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.reader.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Closes at once, not only when the handler returns.
    pub(crate) fn shutdown(&self) -> std::io::Result<()> {
        self.reader.get_ref().shutdown(Shutdown::Both)
    }

    /// Says nothing until the client closes.
    pub(crate) fn stall(&mut self) {
        let _ = self.reader.read_to_end(&mut Vec::new());
    }
}
