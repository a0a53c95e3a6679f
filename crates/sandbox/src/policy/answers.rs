//! What is asked while a plugin runs: may it go there, open that, have this.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::decision::Decision;
use super::effective::Effective;
use super::environment;
use super::folder::{Access, FolderAsk, FolderGrant, GuestPath};
use super::missing::{Lacking, Value, entry_of_a_policy};
use super::network::{HostRule, Scheme, Target};
use super::wasi::WasiPackage;

/// A path that a plugin may open, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedPath<'a> {
    /// The grant whose folder it is in.
    pub grant: &'a FolderGrant,
    /// The path from there; empty for the folder itself. It is the plugin's: open it from the folder's handle.
    pub path: PathBuf,
}

/// Bytes of a path or a host at most: they are a plugin's, and a denial repeats them.
const MAX_NAME_BYTES: usize = 1_024;

impl Effective {
    /// Whether the plugin may send a request to a host, by its name or address as the URL has it. Whether an address that it
    /// leads to may be connected to is another question: [`address`](Effective::address).
    pub fn network(&self, scheme: &str, host: &str, port: u16) -> Decision {
        let Some(scheme) = Scheme::of_name(scheme) else {
            return Decision::denied("http and https are all there is", Vec::new());
        };
        let target = Some(host).filter(|host| host.len() <= MAX_NAME_BYTES);
        let Some(target) = target.and_then(|host| Target::new(scheme, host, port)) else {
            return Decision::denied("the host is neither a name nor an address", Vec::new());
        };
        match self.network.iter().find(|rule| rule.value.covers(&target)) {
            Some(rule) => Decision::allowed(&rule.label),
            None => self.not_granted_host(&target),
        }
    }

    /// Whether a rule names this special-use address itself, for this port, so that it may be connected to by whatever granted
    /// name led there. Public addresses are not asked about here.
    pub fn address(&self, address: SocketAddr) -> Decision {
        let (ip, port) = (address.ip(), address.port());
        let mut rules = self.network.iter();
        if let Some(rule) = rules.find(|rule| rule.value.names_address(ip, port)) {
            return Decision::allowed(&rule.label);
        }
        // The scheme of the name that led there, most likely.
        let scheme = self
            .network
            .iter()
            .find_map(|rule| rule.value.scheme_at(port));
        let scheme = scheme.unwrap_or(if port == 80 {
            Scheme::Http
        } else {
            Scheme::Https
        });
        self.not_granted_host(&Target::of_address(scheme, ip, port))
    }

    fn not_granted_host(&self, target: &Target) -> Decision {
        let asked = self.manifest.network.iter().any(|ask| ask.covers(target));
        let granted = self
            .part
            .network
            .iter()
            .any(|rule| rule.value.covers(target));
        self.denied(
            "network",
            HostRule::exactly(target).to_string(),
            asked,
            granted,
        )
    }

    /// Where a path of the plugin leads: the grant and the path in it. It is by names alone; that no link leads out is for the
    /// handle of the folder to hold. Of several folders the nearest one counts whose access is enough.
    ///
    /// # Errors
    ///
    /// The denial: no folder, no such access, or a path that leads up, is longer than 1,024 bytes or has control characters.
    pub fn path(&self, path: &str, access: Access) -> Result<OpenedPath<'_>, Decision> {
        if path.len() > MAX_NAME_BYTES {
            let rule = format!("the path is longer than {MAX_NAME_BYTES} bytes");
            return Err(Decision::denied(rule, Vec::new()));
        }
        let path = GuestPath::read(path)
            .map_err(|reason| Decision::denied(format!("the path {reason}"), Vec::new()))?;
        let enough = self.folders.iter().filter(|grant| grant.access() >= access);
        let inside = enough.filter_map(|grant| Some((grant, grant.behind(&path)?)));
        if let Some((grant, path)) = inside.max_by_key(|(grant, _)| grant.depth()) {
            return Ok(OpenedPath { grant, path });
        }
        let ask = FolderAsk {
            access,
            path: path.parent(),
        };
        let all = |given: Option<FolderGrant>| given.is_some_and(|given| given.is_all_of(&ask));
        let rule = Arc::from("");
        let asked = self
            .manifest
            .folders
            .iter()
            .any(|own| own.access >= access && ask.path.is_in(&own.path));
        let granted = self
            .part
            .folders
            .iter()
            .any(|own| all(own.value.meet(&ask, &rule)));
        let mut denied = self.missing("filesystem", ask.to_string(), asked, granted);
        for missing in &mut denied {
            if missing.file == Lacking::Policy {
                missing.value = Value::Entry(entry_of_a_policy(&ask));
            }
        }
        Err(Decision::denied(
            self.why_not(asked, granted),
            self.lines(&denied),
        ))
    }

    /// Whether the plugin gets a variable of the environment. A plugin is told of a denied one what it is told of one that is
    /// not set.
    pub fn env(&self, name: &str) -> Decision {
        if let Some(rule) = self.env_vars.get(name) {
            return Decision::allowed(rule);
        }
        if name.len() > MAX_NAME_BYTES || environment::read(name).is_err() {
            return Decision::denied("not the name of a variable", Vec::new());
        }
        if let Some(pattern) = environment::denied(name) {
            return Decision::denied(format!("deny list of variables: {pattern}"), Vec::new());
        }
        let asked = self.manifest.env_vars.iter().any(|ask| ask == name);
        let granted = self.part.env_vars.iter().any(|rule| rule.value == name);
        self.denied("env_vars", name.to_owned(), asked, granted)
    }

    /// Whether a component may import an interface of WASI, such as `wasi:clocks/wall-clock@0.2.0`. Importing is asking: a
    /// manifest does not name them.
    pub fn wasi(&self, interface: &str) -> Decision {
        let package = match WasiPackage::of_interface(interface) {
            None => {
                return Decision::denied("not an interface of WASI that is known here", Vec::new());
            }
            Some(WasiPackage::Sockets) => {
                return Decision::denied("there are no raw sockets", Vec::new());
            }
            Some(package) => package,
        };
        let mut rules = self.part.wasi.iter();
        let rule = match package {
            WasiPackage::Io => rules.next(),
            _ => rules.find(|rule| rule.value == package),
        };
        match rule {
            Some(rule) => Decision::allowed(&rule.label),
            // It comes with any other.
            None if package == WasiPackage::Io => {
                self.denied("wasi", WasiPackage::Clocks.to_string(), true, false)
            }
            None => self.denied("wasi", package.to_string(), true, false),
        }
    }

    fn denied(&self, key: &'static str, entry: String, asked: bool, granted: bool) -> Decision {
        let missing = self.missing(key, entry, asked, granted);
        Decision::denied(self.why_not(asked, granted), self.lines(&missing))
    }
}
