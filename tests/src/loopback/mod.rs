//! A small HTTP/1.1 server on 127.0.0.1, port 0, on nothing but the standard library: a thread for each connection.
//!
//! It hands requests over as they were on the wire, and lets the handler answer byte by byte, so that a test can also break the
//! rules of HTTP on purpose.

mod exchange;
mod get;
mod request;

pub use exchange::Exchange;
pub use get::get;
pub use request::Request;

use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// A running server. Dropping it releases stalled exchanges, closes every connection and ends its threads.
pub struct Loopback {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the acceptor, the connections and the owner share.
#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    connections: AtomicUsize,
    malformed: Mutex<Vec<String>>,
    open: Mutex<Vec<TcpStream>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    gate: Gate,
}

/// Holds stalled exchanges until the server is dropped.
#[derive(Default)]
struct Gate {
    released: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn wait(&self) {
        let mut released = lock(&self.released);
        while !*released {
            released = self
                .changed
                .wait(released)
                .unwrap_or_else(|poison| poison.into_inner());
        }
    }

    fn release(&self) {
        *lock(&self.released) = true;
        self.changed.notify_all();
    }
}

impl Loopback {
    /// Starts a server that gives each request to `handler`. A connection is kept for the next request unless the handler closed it.
    pub fn serve(handler: impl Fn(&Request, &mut Exchange) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a bound port has an address");
        let shared = Arc::new(Shared::default());
        let handler: Arc<Handler> = Arc::new(handler);
        let acceptor = std::thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared, &handler)
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made so far, with or without a request.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// What was received that is not HTTP/1.1.
    pub fn malformed(&self) -> Vec<String> {
        lock(&self.shared.malformed).clone()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.gate.release();
        // Wakes the acceptor, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for connection in lock(&self.shared.open).drain(..) {
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
        let workers: Vec<_> = lock(&self.shared.workers).drain(..).collect();
        for worker in workers {
            let _ = worker.join();
        }
    }
}

/// An address on loopback where nothing listens, kept from others as long as this lives.
pub struct ClosedPort {
    /// A connection's own end holds its port, and nobody can listen there meanwhile.
    held: TcpStream,
    _peer: TcpListener,
}

impl ClosedPort {
    /// Takes a port.
    pub fn new() -> Self {
        let peer = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port can be bound");
        let address = peer.local_addr().expect("a bound port has an address");
        let held = TcpStream::connect(address).expect("a listening port can be reached");
        Self { held, _peer: peer }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        let address = self.held.local_addr().expect("a connection has an address");
        format!("http://{address}")
    }
}

impl Default for ClosedPort {
    fn default() -> Self {
        Self::new()
    }
}

type Handler = dyn Fn(&Request, &mut Exchange) + Send + Sync;

fn accept(listener: &TcpListener, shared: &Arc<Shared>, handler: &Arc<Handler>) {
    for connection in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = connection else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        // Each write is a segment of its own, so that the cuts of a script are cuts on the wire.
        let _ = connection.set_nodelay(true);
        if let Ok(copy) = connection.try_clone() {
            lock(&shared.open).push(copy);
        }
        let worker = std::thread::spawn({
            let shared = shared.clone();
            let handler = handler.clone();
            move || converse(connection, &shared, &handler)
        });
        lock(&shared.workers).push(worker);
    }
}

/// Answers the requests of one connection until either side closes it.
fn converse(connection: TcpStream, shared: &Shared, handler: &Arc<Handler>) {
    let Ok(reading) = connection.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(reading);
    loop {
        match request::read(&mut reader) {
            Ok(Some(request)) => {
                let mut exchange = Exchange::new(&connection, &shared.gate);
                handler(&request, &mut exchange);
                if exchange.is_closed() || request.header("connection") == Some("close") {
                    break;
                }
            }
            Ok(None) => break,
            Err(fault) => {
                if !shared.stopped.load(Ordering::SeqCst) {
                    lock(&shared.malformed).push(fault);
                }
                break;
            }
        }
    }
    let _ = connection.shutdown(std::net::Shutdown::Both);
}

/// Locks, also when a thread panicked while it held the lock: the test that panicked says so itself.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn talk(server: &Loopback, bytes: &str) -> String {
        let mut stream = TcpStream::connect(server.authority()).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn answers_with_a_length_and_with_chunks() {
        let server = Loopback::serve(|request, exchange| {
            if request.path == "/chunks" {
                exchange.chunked(200, &[]);
                exchange.chunk(b"one");
                exchange.chunk(b"two");
                exchange.last_chunk();
            } else {
                exchange.reply(201, &[("x-method", &request.method)], &request.body);
            }
        });
        let echoed = talk(
            &server,
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
        );
        assert_eq!(
            echoed,
            "HTTP/1.1 201 Created\r\nx-method: POST\r\ncontent-length: 5\r\n\r\nhello"
        );
        let chunked = talk(
            &server,
            "GET /chunks HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        );
        assert!(
            chunked.ends_with("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
            "{chunked}"
        );
        assert_eq!(server.malformed(), Vec::<String>::new());
    }

    #[test]
    fn a_request_may_come_in_chunks() {
        let server = Loopback::serve(|request, exchange| exchange.reply(200, &[], &request.body));
        let answer = talk(
            &server,
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        );
        assert!(answer.ends_with("\r\n\r\nabcde"), "{answer}");
    }

    #[test]
    fn names_what_is_not_http() {
        let server = Loopback::serve(|_, exchange| exchange.reply(200, &[], b""));
        for (bytes, fault) in [
            ("hello\r\n\r\n", "request line"),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "header line"),
            (
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
                "content-length",
            ),
        ] {
            assert_eq!(talk(&server, bytes), "");
            let malformed = server.malformed();
            assert!(malformed.last().unwrap().contains(fault), "{malformed:?}");
        }
    }

    #[test]
    fn a_body_shorter_than_its_length_is_named() {
        let server = Loopback::serve(|_, exchange| exchange.reply(200, &[], b""));
        let mut stream = TcpStream::connect(server.authority()).unwrap();
        stream
            .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nfour")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        assert!(
            server.malformed()[0].contains("content-length 9"),
            "{:?}",
            server.malformed()
        );
    }

    #[test]
    fn dropping_the_server_releases_a_stalled_exchange() {
        let server = Loopback::serve(|_, exchange| exchange.stall());
        let mut stream = TcpStream::connect(server.authority()).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
        drop(server);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty());
    }

    #[test]
    fn a_closed_port_refuses() {
        let closed = ClosedPort::new();
        let refused =
            TcpStream::connect(closed.url().strip_prefix("http://").unwrap()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn get_reads_both_framings() {
        let server = Loopback::serve(|request, exchange| {
            if request.path == "/chunks" {
                exchange.chunked(200, &[]);
                exchange.chunk(b"a b");
                exchange.last_chunk();
            } else {
                exchange.reply(404, &[], b"gone");
            }
        });
        assert_eq!(
            get(&format!("{}/chunks", server.url())),
            (200, b"a b".to_vec())
        );
        assert_eq!(get(&format!("{}/x", server.url())), (404, b"gone".to_vec()));
    }
}
