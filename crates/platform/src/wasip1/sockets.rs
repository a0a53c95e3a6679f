//! TCP by the sockets that WAMR adds to WASI preview 1, and waiting for them.
//!
//! The layouts are WAMR's `wasi_socket_ext.h` and preview 1's. Every socket is non-blocking, so connecting is waited for
//! with [`wait`]; there is no call for the error of a socket whose connecting failed, but connecting it again gives it.
//! WAMR's own `sock_close` does nothing; `fd_close` closes.

#![allow(unsafe_code, reason = "calls imports by their C interface")]

use alloc::vec::Vec;

use crate::HttpError;
use crate::http1::Host;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn sock_open(pool: i32, family: i32, kind: i32, socket: *mut u32) -> Errno;
    fn sock_connect(socket: u32, address: *const Address) -> Errno;
    fn sock_set_tcp_no_delay(socket: u32, enabled: i32) -> Errno;
    fn sock_addr_resolve(
        host: *const u8,
        service: *const u8,
        hints: *const [i32; 3],
        found: *mut Found,
        room: u32,
        count: *mut u32,
    ) -> Errno;
    fn sock_send(socket: u32, parts: *const Part, count: u32, flags: u32, sent: *mut u32) -> Errno;
    fn sock_recv(
        socket: u32,
        parts: *const Part,
        count: u32,
        flags: u32,
        received: *mut u32,
        out_flags: *mut u32,
    ) -> Errno;
    fn fd_fdstat_set_flags(file: u32, flags: u32) -> Errno;
    fn fd_close(file: u32) -> Errno;
    fn poll_oneoff(asked: *const Asked, told: *mut Told, count: u32, told_count: *mut u32)
    -> Errno;
}

/// An `errno` of preview 1; 0 is none.
type Errno = i32;

const ACCES: Errno = 2;
const ADDRNOTAVAIL: Errno = 4;
const AFNOSUPPORT: Errno = 5;
const AGAIN: Errno = 6;
const ALREADY: Errno = 7;
const CONNABORTED: Errno = 13;
const CONNREFUSED: Errno = 14;
const CONNRESET: Errno = 15;
const HOSTUNREACH: Errno = 23;
const INPROGRESS: Errno = 26;
const INTR: Errno = 27;
const ISCONN: Errno = 30;
const NETDOWN: Errno = 38;
const NETUNREACH: Errno = 40;
const TIMEDOUT: Errno = 73;

const STREAM: i32 = 1;
const ANY_FAMILY: i32 = 2;
const NON_BLOCKING: u32 = 4;
const MONOTONIC: u32 = 1;

/// Addresses of a name that are looked at.
const MAX_FOUND: usize = 8;

/// `__wasi_addr_t`: 24 bytes. Of IPv4, the octets are two groups of memory, and the port follows.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct Address {
    is_v6: u32,
    groups: [u16; 10],
}

/// `__wasi_addr_info_t`: 28 bytes.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Found {
    address: Address,
    kind: i32,
}

/// `iovec` and `ciovec`.
#[repr(C)]
struct Part {
    start: *const u8,
    length: usize,
}

/// `subscription`: 48 bytes.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Asked {
    about: u64,
    /// 0 the clock, 1 reading, 2 writing.
    kind: u64,
    /// The clock or the socket.
    what: u64,
    timeout_ns: u64,
    precision: u64,
    flags: u64,
}

/// `event`: 32 bytes. WAMR says nothing true in `bytes`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Told {
    about: u64,
    error: u16,
    kind: u8,
    bytes: u64,
    flags: u16,
}

const HUNG_UP: u16 = 1;

impl Address {
    fn with_port(mut self, port: u16) -> Address {
        self.groups[if self.is_v6 == 1 { 8 } else { 2 }] = port;
        self
    }
}

/// The addresses of a host, in the order in which to try them. Resolving a name takes as long as the host's resolver does.
///
/// # Errors
/// `NameDenied` and `Dns`.
pub(super) fn resolve(host: Host<'_>, port: u16) -> Result<Vec<Address>, HttpError> {
    let mut literal = Address::default();
    match host {
        Host::V4([a, b, c, d]) => {
            literal.groups[0] = u16::from_le_bytes([a, b]);
            literal.groups[1] = u16::from_le_bytes([c, d]);
        }
        Host::V6(groups) => {
            literal.is_v6 = 1;
            literal.groups[..8].copy_from_slice(&groups);
        }
        Host::Name(name) => return resolve_name(name, port),
    }
    Ok([literal.with_port(port)].into())
}

fn resolve_name(name: &str, port: u16) -> Result<Vec<Address>, HttpError> {
    let mut text = Vec::from(name);
    text.push(0);
    let mut found = [Found::default(); MAX_FOUND];
    let mut count = 0;
    // SAFETY: both texts end with a NUL; the answers have room for what is said, and are only read if the call succeeds.
    let error = unsafe {
        sock_addr_resolve(
            text.as_ptr(),
            c"".as_ptr().cast(),
            &[STREAM, ANY_FAMILY, 1],
            found.as_mut_ptr(),
            MAX_FOUND as u32,
            &mut count,
        )
    };
    match error {
        0 if count > 0 => {}
        ACCES => return Err(HttpError::NameDenied),
        _ => return Err(HttpError::Dns),
    }
    let found = found.iter().take(count as usize);
    Ok(found.map(|found| found.address.with_port(port)).collect())
}

/// How far a connection is.
pub(super) enum Connecting {
    /// It stands.
    Done,
    /// Wait until the socket can be written to, and ask again.
    Goes,
}

/// An open socket; dropping closes it.
pub(super) struct Socket(u32);

impl Socket {
    /// A socket for an address of this kind.
    pub(super) fn open(address: &Address) -> Result<Socket, HttpError> {
        let mut socket = 0;
        // SAFETY: the call writes the socket's number if it succeeds.
        match unsafe { sock_open(-1, address.is_v6 as i32, STREAM, &mut socket) } {
            0 => {}
            error => return Err(error_of(error)),
        }
        let socket = Socket(socket);
        // SAFETY: plain numbers. A host that refuses the first blocks where this would wait; one that refuses the second
        // sends somewhat later.
        unsafe {
            fd_fdstat_set_flags(socket.0, NON_BLOCKING);
            sock_set_tcp_no_delay(socket.0, 1);
        }
        Ok(socket)
    }

    /// Begins to connect, or tells how far that is.
    pub(super) fn connect(&self, address: &Address) -> Result<Connecting, HttpError> {
        // SAFETY: the address is only read.
        match unsafe { sock_connect(self.0, address) } {
            0 | ISCONN => Ok(Connecting::Done),
            AGAIN | ALREADY | INPROGRESS | INTR => Ok(Connecting::Goes),
            error => Err(error_of(error)),
        }
    }

    /// Sends from the front of `bytes`, which are some, and answers how many went. 0 where there is no room, or something
    /// to receive first.
    ///
    /// WAMR sends without MSG_NOSIGNAL, so sending into a connection that broke ends a host that does not ignore SIGPIPE.
    /// A broken one is ready at once, and one whose other side has closed has something to receive: its end.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<usize, HttpError> {
        let ready = self.ready();
        if ready.failed {
            return Err(HttpError::Reset);
        }
        if ready.readable || !ready.writable {
            return Ok(0);
        }
        let part = Part {
            start: bytes.as_ptr(),
            length: bytes.len(),
        };
        let mut sent = 0;
        // SAFETY: the part is only read, and lives as long as the call.
        match unsafe { sock_send(self.0, &part, 1, 0, &mut sent) } {
            0 => Ok(sent as usize),
            AGAIN | INTR => Ok(0),
            _ => Err(HttpError::Reset),
        }
    }

    /// Receives into `room`, which is some: `None` when nothing is there yet, `Some(0)` at the end.
    pub(super) fn receive(&self, room: &mut [u8]) -> Result<Option<usize>, HttpError> {
        let part = Part {
            start: room.as_mut_ptr(),
            length: room.len(),
        };
        let (mut received, mut flags) = (0, 0);
        // SAFETY: the call writes into the room, of that length, and the two numbers.
        match unsafe { sock_recv(self.0, &part, 1, 0, &mut received, &mut flags) } {
            0 => Ok(Some(received as usize)),
            AGAIN | INTR => Ok(None),
            _ => Err(HttpError::Reset),
        }
    }

    /// Whether nothing has come that nobody asked for: neither bytes nor the end.
    pub(super) fn is_quiet(&self) -> bool {
        !self.ready().readable
    }

    fn ready(&self) -> Ready {
        let wanted = Wanted {
            socket: Some(self),
            read: true,
            write: true,
        };
        wait(&[wanted], 0).pop().unwrap_or_default()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: the number is this socket's, and not used again.
        unsafe { fd_close(self.0) };
    }
}

/// What to wait for; without a socket, nothing.
pub(super) struct Wanted<'s> {
    pub(super) socket: Option<&'s Socket>,
    pub(super) read: bool,
    pub(super) write: bool,
}

/// What a socket is ready for. One that failed is ready for both: the call then says why.
#[derive(Clone, Copy, Default)]
pub(super) struct Ready {
    pub(super) readable: bool,
    pub(super) writable: bool,
    failed: bool,
}

/// Waits until one of the sockets is ready, or `timeout_ms` are over, and says what each is ready for.
pub(super) fn wait(sockets: &[Wanted<'_>], timeout_ms: u64) -> Vec<Ready> {
    let mut all = Vec::new();
    all.resize(sockets.len(), Ready::default());
    // WAMR takes milliseconds of an i32, and waits for ever where more are asked for.
    let mut asked = Vec::from([Asked {
        about: u64::MAX,
        what: MONOTONIC.into(),
        timeout_ns: timeout_ms.min(MAX_WAIT_MS) * 1_000_000,
        ..Asked::default()
    }]);
    for (index, wanted) in sockets.iter().enumerate() {
        let Some(socket) = wanted.socket else {
            continue;
        };
        for (kind, is_wanted) in [(1, wanted.read), (2, wanted.write)] {
            if is_wanted {
                asked.push(Asked {
                    about: index as u64,
                    kind,
                    what: socket.0.into(),
                    ..Asked::default()
                });
            }
        }
    }
    let mut told = Vec::new();
    told.resize(asked.len(), Told::default());
    let mut count = 0;
    // SAFETY: there is room for an event of each subscription.
    let error = unsafe {
        poll_oneoff(
            asked.as_ptr(),
            told.as_mut_ptr(),
            asked.len() as u32,
            &mut count,
        )
    };
    if error != 0 {
        // Everything is tried then; nothing blocks.
        for ready in &mut all {
            (ready.readable, ready.writable) = (true, true);
        }
        return all;
    }
    for told in told.iter().take(count as usize) {
        let Some(ready) = all.get_mut(told.about as usize) else {
            continue;
        };
        let failed = told.error != 0 || told.flags & HUNG_UP != 0;
        let is_read = told.kind == 1;
        ready.readable |= is_read || failed;
        ready.writable |= !is_read || failed;
        ready.failed |= failed;
    }
    all
}

/// A day: longer waits are made of several.
const MAX_WAIT_MS: u64 = 86_400_000;

/// Why no connection came about.
fn error_of(error: Errno) -> HttpError {
    match error {
        ACCES => HttpError::AddressDenied,
        CONNREFUSED => HttpError::Refused,
        CONNABORTED | CONNRESET => HttpError::Reset,
        ADDRNOTAVAIL | AFNOSUPPORT | HOSTUNREACH | NETDOWN | NETUNREACH => HttpError::Unreachable,
        TIMEDOUT => HttpError::ConnectTimeout,
        _ => HttpError::Connect,
    }
}
