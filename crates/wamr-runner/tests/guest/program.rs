//! The guest of the tests: built by `tests/runner.rs` with rustc alone, as a core module and as a component. Its
//! first argument says what to do; it prints what came of it.

use std::io::{Read as _, Write as _};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    match next().as_str() {
        "echo" => {
            for argument in std::env::args() {
                println!("{argument}");
            }
            for (name, value) in std::env::vars() {
                println!("{name}={value}");
            }
        }
        "cat" => {
            let mut input = Vec::new();
            std::io::stdin().read_to_end(&mut input).unwrap();
            std::io::stdout().write_all(&input).unwrap();
            eprint!("{} bytes", input.len());
        }
        "exit" => std::process::exit(next().parse().unwrap()),
        "panic" => panic!("the guest panics"),
        "write" => say(std::fs::write(next(), next()).map(|()| "written".to_owned())),
        "read" => say(std::fs::read_to_string(next())),
        "list" => {
            let names = std::fs::read_dir(next()).map(|entries| {
                let mut names: Vec<_> = entries
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect();
                names.sort();
                names.join(" ")
            });
            say(names);
        }
        "fill" => {
            let mut blocks = Vec::new();
            loop {
                let mut block = Vec::<u8>::new();
                if block.try_reserve_exact(60_000).is_err() {
                    break;
                }
                block.resize(60_000, 1);
                blocks.push(block);
            }
            println!("full after {} blocks", blocks.len());
        }
        #[cfg(target_env = "p1")]
        "connect" => network::connect(next().parse().unwrap()),
        #[cfg(target_env = "p1")]
        "resolve" => network::resolve(&next()),
        other => panic!("{other}?"),
    }
}

/// Prints the text, or the number of the error.
fn say(result: std::io::Result<String>) {
    match result {
        Ok(text) => println!("{text}"),
        Err(error) => println!("error {}", error.raw_os_error().unwrap_or(-1)),
    }
}

#[cfg(target_env = "p1")]
mod network {
    //! WAMR's sockets.

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn sock_open(pool: i32, family: i32, kind: i32, fd: *mut i32) -> i32;
        fn sock_connect(fd: i32, address: *const u8) -> i32;
        fn sock_addr_resolve(
            host: *const u8,
            service: *const u8,
            hints: *const u32,
            found: *mut u32,
            room: i32,
            count: *mut u32,
        ) -> i32;
    }

    /// Connects to a port of 127.0.0.1 and prints the error's number; 0 is none.
    pub fn connect(port: u16) {
        #[repr(align(4))]
        struct Address([u8; 24]);
        let mut address = Address([0; 24]);
        address.0[4..8].copy_from_slice(&[127, 0, 0, 1]);
        address.0[8..10].copy_from_slice(&port.to_le_bytes());
        let mut fd = -1;
        // SAFETY: every pointer is to what the call wants there.
        let error = unsafe {
            assert_eq!(sock_open(-1, 0, 1, &mut fd), 0);
            sock_connect(fd, address.0.as_ptr())
        };
        println!("connect {error}");
    }

    /// Looks a name up and prints the error's number and whether there was an address.
    pub fn resolve(name: &str) {
        let name = [name.as_bytes(), b"\0"].concat();
        let (hints, mut found, mut count) = ([1, 2, 1], [0; 7 * 4], 0);
        // SAFETY: every pointer is to what the call wants there: three words, room for four answers, two C strings.
        let error = unsafe {
            sock_addr_resolve(
                name.as_ptr(),
                c"".as_ptr().cast(),
                hints.as_ptr(),
                found.as_mut_ptr(),
                4,
                &mut count,
            )
        };
        println!("resolve {error} {}", count > 0);
    }
}
