//! A model's server on loopback: a test says what it answers to each request, and asks what it saw.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The how many-th connection it came on, from 0.
    pub(crate) connection: usize,
    /// Method, address and version.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// Writes the answer to one request. What it leaves unwritten when it returns `false` stays so: the connection is
/// closed.
pub(crate) trait Answer: FnMut(&Seen, &mut dyn Write) -> bool + Send + 'static {}

impl<F: FnMut(&Seen, &mut dyn Write) -> bool + Send + 'static> Answer for F {}

pub(crate) struct Model {
    pub(crate) address: SocketAddr,
    seen: Receiver<Seen>,
}

impl Seen {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Model {
    /// A server that answers over plain HTTP.
    pub(crate) fn plain(answer: impl Answer) -> Model {
        Model::start(None, answer)
    }

    /// A server that answers over TLS.
    pub(crate) fn tls(config: Arc<ServerConfig>, answer: impl Answer) -> Model {
        Model::start(Some(config), answer)
    }

    fn start(tls: Option<Arc<ServerConfig>>, answer: impl Answer) -> Model {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (report, seen) = channel();
        let answer: Arc<Mutex<dyn Answer>> = Arc::new(Mutex::new(answer));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (tls, report, answer) = (tls.clone(), report.clone(), answer.clone());
                thread::spawn(move || {
                    let stream = open(stream.unwrap(), tls);
                    // A client may leave at any moment; that is its own affair.
                    let _ = serve(stream, connection, |seen, stream| {
                        let _ = report.send(seen.clone());
                        answer.lock().unwrap()(seen, stream)
                    });
                });
            }
        });
        Model { address, seen }
    }

    /// The base URL of this server under its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next request, once it has come.
    pub(crate) fn next(&self) -> Seen {
        self.seen.recv().unwrap()
    }

    /// The requests that came and were not asked for.
    pub(crate) fn rest(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }
}

trait Duplex: Read + Write {}

impl<S: Read + Write> Duplex for S {}

fn open(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Box<dyn Duplex> {
    match tls {
        Some(config) => Box::new(StreamOwned::new(
            ServerConnection::new(config).unwrap(),
            stream,
        )),
        None => Box::new(stream),
    }
}

fn serve(
    stream: Box<dyn Duplex>,
    connection: usize,
    mut answer: impl FnMut(&Seen, &mut dyn Write) -> bool,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let head = read_head(&mut stream)?;
        let Some((line, headers)) = head.split_first() else {
            return Ok(());
        };
        let headers: Vec<(String, String)> = headers
            .iter()
            .filter_map(|header| header.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut seen = Seen {
            connection,
            line: line.clone(),
            headers,
            body: String::new(),
        };
        let length = seen
            .header("content-length")
            .map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        seen.body = String::from_utf8(body).unwrap();
        if !answer(&seen, stream.get_mut()) {
            return Ok(());
        }
        stream.get_mut().flush()?;
    }
}

/// The lines up to the empty one; none at the end of the stream.
pub(crate) fn read_head(stream: &mut impl BufRead) -> std::io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(lines);
        }
        lines.push(line.to_owned());
    }
}

/// Answers every request with the same final message, not streamed.
pub(crate) fn always(text: &'static str) -> impl Answer {
    move |_: &Seen, stream: &mut dyn Write| respond(stream, "200 OK", &message(text))
}

/// A whole answer with a length; the connection stays.
pub(crate) fn respond(stream: &mut dyn Write, status: &str, body: &str) -> bool {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .is_ok()
}

/// The body of a final message.
pub(crate) fn message(text: &str) -> String {
    format!(
        r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}}}"#
    )
}

/// The body of a message that calls the tool `list_directory`.
pub(crate) fn tool_call() -> String {
    r#"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"list_directory","arguments":"{\"path\":\".\"}"}}]},"finish_reason":"tool_calls"}]}"#
        .to_owned()
}

/// The start of a streamed answer, up to and with its first chunks. The answer ends with [`stream_end`].
pub(crate) fn stream_start(stream: &mut dyn Write, deltas: &[&str]) -> bool {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).is_ok() && stream_on(stream, deltas)
}

/// More of a streamed answer.
pub(crate) fn stream_on(stream: &mut dyn Write, deltas: &[&str]) -> bool {
    deltas.iter().all(|delta| {
        let data = format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#);
        chunk(stream, &data)
    })
}

/// The end of a streamed answer.
pub(crate) fn stream_end(stream: &mut dyn Write, reason: &str) -> bool {
    let data = format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
    chunk(stream, &data) && chunk(stream, "[DONE]") && stream.write_all(b"0\r\n\r\n").is_ok()
}

fn chunk(stream: &mut dyn Write, data: &str) -> bool {
    let event = format!("data: {data}\n\n");
    write!(stream, "{:x}\r\n{event}\r\n", event.len()).is_ok() && stream.flush().is_ok()
}
