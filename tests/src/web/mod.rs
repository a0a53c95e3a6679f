//! Websites on loopback: pages by path, well-behaved or not, and the interfaces of search services.
//!
//! Every request is kept, so that a test can also tell that none came.

mod meeting;
mod page;
mod search;
mod site;

pub use meeting::Meeting;
pub use page::Page;
pub use search::{BRAVE_PATH, Hit, Search};
pub use site::{Site, chain};
