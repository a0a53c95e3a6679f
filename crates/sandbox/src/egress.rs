//! The one door to the network: every request of a plugin, and every hop of a redirect, is parsed once, decided by a rule,
//! resolved once, classified, and sent to the very address that was classified.

mod address;
mod body;
mod caller;
mod connect;
mod door;
mod error;
mod grants;
mod headers;
mod message;
mod redirect;
mod resolve;
mod special_use;
mod target;
mod tls;
mod wasi_http;

pub use self::address::{alternate, race};
pub use self::caller::{Caller, EgressLimits};
pub use self::connect::{Connect, Opening, Stream, SystemConnector};
pub use self::door::Egress;
pub use self::error::{EgressError, UrlProblem};
pub use self::grants::{Decision, Grants, NoGrants};
pub use self::message::{Hop, Request, Response};
pub use self::resolve::{LookUp, Resolve, SystemResolver};
pub use self::special_use::special_use;
pub use self::tls::{NoRoots, client_config};
pub use self::wasi_http::{PluginHttp, RequestFailure, Requests};
