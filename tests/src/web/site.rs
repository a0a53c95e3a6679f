//! A site: pages by path, and what was asked of them.

use super::page::Page;
use crate::loopback::{Loopback, Request};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// A running site. A path that has no page is answered with 404.
pub struct Site {
    server: Loopback,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: Mutex<Vec<Request>>,
    sent: AtomicU64,
}

impl Kept {
    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Site {
    /// A site with these pages; a path is compared without its query.
    pub fn open<Path: Into<String>>(pages: impl IntoIterator<Item = (Path, Page)>) -> Self {
        let pages: HashMap<String, Page> = pages
            .into_iter()
            .map(|(path, page)| (path.into(), page))
            .collect();
        let missing = Page::text("There is no such page.").status(404);
        let kept = Arc::new(Kept::default());
        let server = Loopback::serve({
            let kept = kept.clone();
            move |request, exchange| {
                kept.requests().push(request.clone());
                let path = request.path.split('?').next().unwrap_or_default();
                let page = pages.get(path).unwrap_or(&missing);
                page.send(request, exchange, &kept.sent);
            }
        });
        Self { server, kept }
    }

    /// A site that nothing may be sent to; the test asserts so with [`Site::connections`].
    pub fn untouched() -> Self {
        Self::open::<&str>([])
    }

    /// The address of a path, such as `/page`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    /// `127.0.0.1:PORT`, which is also the entry that allows it.
    pub fn authority(&self) -> String {
        self.server.authority()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        let authority = self.authority();
        let port = authority.rsplit_once(':').map(|(_, port)| port.parse());
        port.and_then(Result::ok).expect("an authority has a port")
    }

    /// The requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.kept.requests().clone()
    }

    /// The paths of the requests so far, with their queries.
    pub fn paths(&self) -> Vec<String> {
        let requests = self.requests();
        requests.into_iter().map(|request| request.path).collect()
    }

    /// How many connections were made so far, with or without a request.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// What was received that is not HTTP/1.1.
    pub fn malformed(&self) -> Vec<String> {
        self.server.malformed()
    }

    /// How many bytes of bodies were taken by clients, or by the buffers on the way to them.
    pub fn sent(&self) -> u64 {
        self.kept.sent.load(Ordering::SeqCst)
    }
}

/// Pages `/1`, `/2` … that each point to the next, and after so many redirects a last one that says where it is.
pub fn chain(redirects: usize) -> Vec<(String, Page)> {
    let mut pages: Vec<_> = (1..=redirects)
        .map(|hop| {
            let page = Page::redirect(302, &format!("/{}", hop + 1));
            (format!("/{hop}"), page)
        })
        .collect();
    pages.push((
        format!("/{}", redirects + 1),
        Page::text("The end of the chain."),
    ));
    pages
}

#[cfg(test)]
mod tests {
    use super::super::meeting::Meeting;
    use super::*;
    use crate::loopback::get;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn pages_are_found_by_path_and_requests_are_kept() {
        let site = Site::open([("/a", Page::text("alpha")), ("/b", Page::echo())]);
        assert_eq!(get(&site.url("/a?x=1")), (200, b"alpha".to_vec()));
        assert_eq!(get(&site.url("/c")).0, 404);
        let (_, echoed) = get(&site.url("/b"));
        let echoed: serde_json::Value = serde_json::from_slice(&echoed).unwrap();
        assert_eq!(
            (&echoed["method"], &echoed["path"]),
            (&"GET".into(), &"/b".into())
        );
        assert_eq!(site.paths(), ["/a?x=1", "/c", "/b"]);
        assert_eq!(site.connections(), 3);
    }

    #[test]
    fn a_chain_ends() {
        let site = Site::open(chain(2));
        assert_eq!(get(&site.url("/2")).0, 302);
        assert_eq!(
            get(&site.url("/3")),
            (200, b"The end of the chain.".to_vec())
        );
    }

    #[test]
    fn an_endless_body_ends_with_the_client() {
        let site = Site::open([("/", Page::endless()), ("/zeros", Page::filled(0, 1 << 30))]);
        for path in ["/", "/zeros"] {
            let mut stream = TcpStream::connect(site.authority()).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            let mut some = vec![0; 100_000];
            stream.read_exact(&mut some).unwrap();
        }
        let sent = site.sent();
        // Dropping joins the threads, which would hang if one went on.
        drop(site);
        assert!((100_000..1 << 30).contains(&sent), "{sent}");
    }

    #[test]
    fn a_meeting_answers_once_all_have_come_in_its_own_order() {
        let meeting = Meeting::of(3);
        let page = |turn: usize| {
            let path = format!("/{turn}");
            (path.clone(), Page::text(&path).at(&meeting, turn))
        };
        let site = Site::open([page(0), page(1), page(2)]);
        let answered = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for path in ["/2", "/1", "/0"] {
                let (site, answered) = (&site, &answered);
                scope.spawn(move || {
                    let (status, body) = get(&site.url(path));
                    answered.lock().unwrap().push((status, body));
                });
            }
        });
        assert_eq!(meeting.arrived(), 3);
        let mut answered = answered.into_inner().unwrap();
        answered.sort();
        let expected = ["/0", "/1", "/2"].map(|path| (200, path.as_bytes().to_vec()));
        assert_eq!(answered, expected);
    }
}
