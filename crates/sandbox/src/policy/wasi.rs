//! WASI's interfaces, granted or refused by the name of their package.

use std::fmt;

/// A package of WASI whose interfaces a component imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WasiPackage {
    /// Arguments, variables, standard streams and the exit: each as empty as the rest of the policy makes it.
    Cli,
    /// The time of day, monotonic time, and waiting.
    Clocks,
    /// Files, of the folders that `filesystem` grants.
    Filesystem,
    /// Requests, to the hosts that `network` grants.
    Http,
    /// Streams and waiting for them. It comes with any of the others, since it does nothing without one.
    Io,
    /// Random bytes.
    Random,
    /// Raw sockets, which no policy grants.
    Sockets,
}

/// Those that a policy can name.
const GRANTABLE: [WasiPackage; 5] = [
    WasiPackage::Cli,
    WasiPackage::Clocks,
    WasiPackage::Filesystem,
    WasiPackage::Http,
    WasiPackage::Random,
];

impl WasiPackage {
    /// The package of an interface, such as `wasi:clocks/wall-clock@0.2.0`, or of a package, such as `clocks`.
    pub fn of_interface(interface: &str) -> Option<WasiPackage> {
        let path = interface.strip_prefix("wasi:").unwrap_or(interface);
        let name = path.split(['/', '@']).next().unwrap_or(path);
        GRANTABLE
            .into_iter()
            .chain([WasiPackage::Io, WasiPackage::Sockets])
            .find(|package| package.name() == name)
    }

    /// Its name, as a policy writes it.
    pub fn name(self) -> &'static str {
        match self {
            WasiPackage::Cli => "cli",
            WasiPackage::Clocks => "clocks",
            WasiPackage::Filesystem => "filesystem",
            WasiPackage::Http => "http",
            WasiPackage::Io => "io",
            WasiPackage::Random => "random",
            WasiPackage::Sockets => "sockets",
        }
    }

    /// Reads an entry of a policy.
    pub(super) fn read(text: &str) -> Result<WasiPackage, String> {
        if let Some(package) = GRANTABLE.into_iter().find(|package| package.name() == text) {
            return Ok(package);
        }
        let names = GRANTABLE.map(WasiPackage::name).join(", ");
        Err(match WasiPackage::of_interface(text) {
            Some(WasiPackage::Sockets) => "cannot be granted: there are no raw sockets".to_owned(),
            Some(WasiPackage::Io) => "needs no grant: it comes with any of the others".to_owned(),
            Some(package) => format!("is granted by its package: write \"{}\"", package.name()),
            None => format!("is not known: write one of {names}"),
        })
    }
}

impl fmt::Display for WasiPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_belongs_to_its_package() {
        assert_eq!(
            WasiPackage::of_interface("wasi:clocks/wall-clock@0.2.0"),
            Some(WasiPackage::Clocks)
        );
        assert_eq!(
            WasiPackage::of_interface("wasi:io/poll@0.2.6"),
            Some(WasiPackage::Io)
        );
        assert_eq!(
            WasiPackage::of_interface("clocks"),
            Some(WasiPackage::Clocks)
        );
        assert_eq!(WasiPackage::of_interface("wasi:clockwork/x@0.2.0"), None);
        assert_eq!(WasiPackage::of_interface("evil:clocks/x"), None);
        assert_eq!(WasiPackage::read("random"), Ok(WasiPackage::Random));
        for (text, says) in [
            ("sockets", "no raw sockets"),
            ("io", "needs no grant"),
            ("wasi:clocks", "\"clocks\""),
            ("x", "one of"),
        ] {
            assert!(
                WasiPackage::read(text).unwrap_err().contains(says),
                "{text}"
            );
        }
    }
}
