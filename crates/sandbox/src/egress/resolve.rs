//! Host names and their addresses.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// A look-up under way.
pub type LookUp<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// What resolves names. The door asks it once for a request, and once for each hop of a redirect.
pub trait Resolve: Send + Sync {
    /// All addresses of a name, which is in its ASCII form and has no dot at its end.
    ///
    /// # Errors
    /// The name has none, or nobody could be asked.
    fn resolve(&self, name: String) -> LookUp<'_>;
}

/// How many look-ups the system works on at once. One cannot be given up: whoever stops waiting leaves a thread behind until
/// the system's resolver gives up by itself.
const LOOKUPS: usize = 64;

/// The system's resolver, with its hosts file. Clones share a bound of 64 look-ups at once; more wait.
#[derive(Clone, Debug)]
pub struct SystemResolver {
    turns: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> SystemResolver {
        SystemResolver {
            turns: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: String) -> LookUp<'_> {
        let turns = Arc::clone(&self.turns);
        Box::pin(async move {
            let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
            let looked_up = tokio::task::spawn_blocking(move || {
                // The turn ends with the look-up, not with the wait for it.
                let _turn = turn;
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            });
            looked_up.await?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_knows_this_machine() {
        let resolver = SystemResolver::default();
        let found = resolver.resolve("localhost".into()).await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback));
    }
}
