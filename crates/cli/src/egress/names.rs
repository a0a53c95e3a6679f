//! Host names and their addresses.

use std::io;
use std::net::SocketAddr;

/// What resolves names.
pub(super) enum Names {
    /// The system.
    System,
    /// A table of a test's own; what is not in it has no address.
    #[cfg(test)]
    Table(Vec<(&'static str, Vec<std::net::IpAddr>)>),
}

impl Names {
    /// The addresses of a name, never none.
    ///
    /// # Errors
    /// The name has none, or nobody could be asked.
    pub(super) async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = match self {
            Names::System => tokio::net::lookup_host((name, port)).await?.collect(),
            #[cfg(test)]
            Names::Table(table) => table
                .iter()
                .filter(|(known, _)| *known == name)
                .flat_map(|(_, addresses)| addresses)
                .map(|address| SocketAddr::new(*address, port))
                .collect(),
        };
        if found.is_empty() {
            return Err(io::Error::other("it has no address"));
        }
        Ok(found)
    }
}
