//! The names by which people know tools, where the model's servers know them by others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::wit::Event;

/// The shown name of each tool that has one. Clones are of one table.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<HashMap<String, String>>);

impl Names {
    /// From pairs of the name that the session knows and the one that is shown.
    pub(super) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Names {
        let other = |(name, shown): &(String, String)| name != shown;
        Names(Arc::new(pairs.into_iter().filter(other).collect()))
    }

    /// The name that a person is shown.
    pub(super) fn shown<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }

    /// An event as it is shown.
    pub(super) fn of_event<'a>(&self, event: &'a Event) -> Cow<'a, Event> {
        let other = |name: &str| self.0.get(name).cloned();
        match event {
            Event::ToolStarted(call) => other(&call.name).map(|name| {
                let mut call = call.clone();
                call.name = name;
                Event::ToolStarted(call)
            }),
            Event::ToolFinished(finished) => other(&finished.name).map(|name| {
                let mut finished = finished.clone();
                finished.name = name;
                Event::ToolFinished(finished)
            }),
            _ => None,
        }
        .map_or(Cow::Borrowed(event), Cow::Owned)
    }
}
