//! Connections kept for the next request: the model is called again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;
use wasmtime_wasi_http::WasiBody;

use super::connect::Reach;
use super::target::Target;

/// A connection that carried nothing for longer may be forgotten by a router in between, and a request on it lost.
const IDLE: Duration = Duration::from_secs(60);

/// How long a connection whose answer was read to its end may take to be ready again. It is a matter of
/// microseconds; one whose server never read the request to its end never is.
const READY_WITHIN: Duration = Duration::from_millis(100);

/// Where a connection goes, and which addresses it may have gone to: one that was opened to any is none for a request
/// that wants a public one.
pub(super) type Route = (Target, Reach);

/// Idle connections by route. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<HashMap<Route, Vec<Idle>>>>);

struct Idle {
    sender: SendRequest<WasiBody>,
    since: Instant,
}

/// A connection in use. It goes back when its answer was read to the end, and is closed when this is dropped.
pub(super) struct Lease {
    /// The connection.
    pub(super) sender: SendRequest<WasiBody>,
    route: Route,
    pool: Pool,
}

impl Pool {
    /// A connection on `route` that still stands.
    pub(super) async fn take(&self, route: &Route) -> Option<Lease> {
        loop {
            let idle = self.idle().get_mut(route)?.pop()?;
            let mut sender = idle.sender;
            if idle.since.elapsed() > IDLE {
                continue;
            }
            if let Ok(Ok(())) = tokio::time::timeout(READY_WITHIN, sender.ready()).await {
                return Some(self.lease(route.clone(), sender));
            }
        }
    }

    /// Takes care of a fresh connection.
    pub(super) fn lease(&self, route: Route, sender: SendRequest<WasiBody>) -> Lease {
        Lease {
            sender,
            route,
            pool: self.clone(),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, HashMap<Route, Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// The answer was read to its end.
    pub(super) fn give_back(self) {
        let idle = Idle {
            sender: self.sender,
            since: Instant::now(),
        };
        self.pool.idle().entry(self.route).or_default().push(idle);
    }
}
