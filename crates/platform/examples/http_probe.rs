//! Makes the requests that its arguments say, inside WAMR, and prints what comes of them: the guest of
//! `crates/wamr-runner/tests/http.rs`.
//!
//!     http_probe 'METHOD URL [NAME=VALUE]...'...
//!
//! One argument is one exchange, all of one client. `body=N` sends N bytes; `connect=`, `first=` and `between=` are the
//! time limits in milliseconds, 5,000 where there is none; `beside=yes` starts the next exchange without waiting for the
//! end of this one; `pause=N` waits so many milliseconds before it. A line is the number of its exchange and what was
//! told; bodies up to 100 bytes are shown. The last line says what it took.

#[cfg(all(target_os = "wasi", target_env = "p1", feature = "wamr-sockets"))]
mod probe {
    use dewclaw_platform::wasi::WasiHttpClient;
    use dewclaw_platform::{HttpClient, HttpEvent, HttpId, HttpRequest, Method, Timeouts};
    use std::time::{Duration, Instant};

    struct Exchange {
        id: HttpId,
        left: usize,
        body: Vec<u8>,
        received: usize,
        over: bool,
    }

    pub(crate) fn run() {
        let mut client = WasiHttpClient::new();
        let mut exchanges: Vec<Exchange> = Vec::new();
        for (index, text) in std::env::args().skip(1).enumerate() {
            let mut words = text.split(' ');
            let name = words.next().expect("a method");
            let url = words.next().expect("a URL").to_string();
            let method = Method::ALL.into_iter().find(|method| method.name() == name);
            let options: Vec<(&str, &str)> =
                words.filter_map(|word| word.split_once('=')).collect();
            let option = |name: &str| options.iter().find(|(known, _)| *known == name);
            let number = |name: &str, default: u64| {
                option(name).map_or(default, |(_, value)| value.parse().expect("a number"))
            };
            let pause = number("pause", 0);
            if pause > 0 {
                assert_eq!(client.poll(pause), Ok(Vec::new()));
            }
            let content_length = number("body", 0);
            let started = client.start(&HttpRequest {
                method: method.expect("a known method"),
                url,
                headers: vec![("x-exchange".into(), index.to_string())],
                content_length,
                timeouts: Timeouts {
                    connect_ms: number("connect", 5_000),
                    first_byte_ms: number("first", 5_000),
                    between_bytes_ms: number("between", 5_000),
                },
            });
            match started {
                Ok(id) => exchanges.push(Exchange {
                    id,
                    left: content_length as usize,
                    body: Vec::new(),
                    received: 0,
                    over: false,
                }),
                Err(error) => {
                    println!("{index} refused: {error}");
                    exchanges.push(Exchange {
                        id: HttpId(0),
                        left: 0,
                        body: Vec::new(),
                        received: 0,
                        over: true,
                    });
                }
            }
            if option("beside").is_none() {
                finish(&mut client, &mut exchanges);
            }
        }
        let pages = core::arch::wasm32::memory_size(0);
        println!("pages {pages} cpu {}", cpu_ms());
    }

    fn cpu_ms() -> u64 {
        #[allow(unsafe_code, reason = "a call of the host")]
        // SAFETY: the only pointer that it passes is to its own result.
        let time = unsafe { wasip1::clock_time_get(wasip1::CLOCKID_PROCESS_CPUTIME_ID, 1) };
        time.expect("WAMR has this clock") / 1_000_000
    }

    fn finish(client: &mut WasiHttpClient, exchanges: &mut [Exchange]) {
        const PIECE: [u8; 10_000] = [b'x'; 10_000];
        let end = Instant::now() + Duration::from_secs(30);
        while exchanges.iter().any(|exchange| !exchange.over) {
            assert!(Instant::now() < end, "it never ended");
            for exchange in exchanges.iter_mut().filter(|exchange| !exchange.over) {
                while exchange.left > 0 {
                    let piece = &PIECE[..exchange.left.min(PIECE.len())];
                    match client.write(exchange.id, piece) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => exchange.left -= count.min(exchange.left),
                    }
                }
            }
            for (id, event) in client.poll(1_000).expect("there is a client") {
                let known = |exchange: &&mut Exchange| exchange.id == id;
                let index = exchanges.iter().position(|exchange| exchange.id == id);
                let index = index.expect("only what was started can happen");
                let exchange = exchanges.iter_mut().find(known).expect("found before");
                assert!(!exchange.over, "{event:?} after the end");
                match event {
                    HttpEvent::Writable => {}
                    HttpEvent::Head { status, headers } => {
                        println!("{index} head {status} {}", headers.len());
                    }
                    HttpEvent::Chunk(bytes) => {
                        exchange.received += bytes.len();
                        let room = 100 - exchange.body.len();
                        exchange
                            .body
                            .extend_from_slice(&bytes[..bytes.len().min(room)]);
                    }
                    HttpEvent::End | HttpEvent::Failed(_) => {
                        exchange.over = true;
                        if exchange.received > 0 {
                            let shown = String::from_utf8_lossy(&exchange.body);
                            let shown = if exchange.received > 100 { "" } else { &shown };
                            println!("{index} body {} {shown}", exchange.received);
                        }
                        match event {
                            HttpEvent::Failed(error) => println!("{index} failed: {error}"),
                            _ => println!("{index} end"),
                        }
                    }
                }
            }
        }
    }
}

fn main() {
    #[cfg(all(target_os = "wasi", target_env = "p1", feature = "wamr-sockets"))]
    probe::run();
}
