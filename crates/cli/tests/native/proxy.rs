//! A proxy on loopback that makes tunnels, all of them to one server, and tells who asked for what.

use std::io::{BufReader, Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::model::read_head;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    heads: Receiver<Vec<String>>,
}

impl Proxy {
    /// A proxy whose every tunnel ends at `server`; without one it answers `407`.
    pub(crate) fn start(server: Option<SocketAddr>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (report, heads) = channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, report) = (client.unwrap(), report.clone());
                thread::spawn(move || {
                    // Unbuffered bytes of the tunnel must not be swallowed with the head.
                    let mut reader = BufReader::with_capacity(1, client.try_clone().unwrap());
                    let _ = report.send(read_head(&mut reader).unwrap());
                    let _ = relay(client, server);
                });
            }
        });
        Proxy { address, heads }
    }

    /// The request lines and headers of the tunnels asked for so far.
    pub(crate) fn heads(&self) -> Vec<Vec<String>> {
        self.heads.try_iter().collect()
    }
}

fn relay(mut client: TcpStream, server: Option<SocketAddr>) -> std::io::Result<()> {
    let Some(server) = server else {
        client.write_all(
            b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        )?;
        return client.shutdown(Shutdown::Write);
    };
    let server = TcpStream::connect(server)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut up_from, mut up_to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Write);
    });
    let (mut down_from, mut down_to) = (server, client);
    copy(&mut down_from, &mut down_to)?;
    down_to.shutdown(Shutdown::Write)
}
