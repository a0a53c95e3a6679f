//! The settings that are one of a few.

use crate::word_list;

/// A family of model interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireName {
    /// OpenAI's chat completions, and everything that speaks them.
    #[default]
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
}

impl WireName {
    /// The names in settings, in this order.
    pub(crate) const NAMES: &str = "openai anthropic";

    /// Every wire.
    pub const ALL: [WireName; 2] = [WireName::OpenAi, WireName::Anthropic];

    /// The wire's name in settings.
    pub fn name(self) -> &'static str {
        word_list::word(WireName::NAMES, self as usize)
    }

    /// The address of the model where none is set.
    pub fn default_base_url(self) -> &'static str {
        match self {
            WireName::OpenAi => "https://api.openai.com/v1",
            WireName::Anthropic => "https://api.anthropic.com",
        }
    }
}

/// Which tool calls a person is asked about before they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approve {
    /// None.
    #[default]
    Never,
    /// Those that can change something.
    Writes,
    /// Every one.
    All,
}

impl Approve {
    /// The names in settings, in this order.
    pub(crate) const NAMES: &str = "never writes all";

    /// Every choice.
    pub const ALL: [Approve; 3] = [Approve::Never, Approve::Writes, Approve::All];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        word_list::word(Approve::NAMES, self as usize)
    }
}

/// The interfaces that web_search can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchEngine {
    /// Brave's web search, which wants a key.
    Brave,
    /// A SearXNG instance whose JSON format is switched on.
    Searxng,
    /// Any address that takes `?q=` and `&count=`.
    Plain,
}

impl SearchEngine {
    /// The names in settings, in this order, behind an empty one for none.
    pub(crate) const NAMES: &str = " brave searxng plain";

    /// Every one.
    pub const ALL: [SearchEngine; 3] = [
        SearchEngine::Brave,
        SearchEngine::Searxng,
        SearchEngine::Plain,
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        word_list::word(SearchEngine::NAMES, self as usize + 1)
    }

    /// Its address where none is set; empty where one must be.
    pub fn default_url(self) -> &'static str {
        match self {
            SearchEngine::Brave => "https://api.search.brave.com/res/v1/web/search",
            SearchEngine::Searxng | SearchEngine::Plain => "",
        }
    }
}

/// What becomes of the oldest turns where the model's context window is nearly full.
#[cfg(feature = "context")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compaction {
    /// The model sums them up, in a call of its own, and the summary takes their place.
    #[default]
    Summary,
    /// They are left out.
    Drop,
}

#[cfg(feature = "context")]
impl Compaction {
    /// The names in settings, in this order.
    pub(crate) const NAMES: &str = "summary drop";

    /// Every choice.
    pub const ALL: [Compaction; 2] = [Compaction::Summary, Compaction::Drop];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        word_list::word(Compaction::NAMES, self as usize)
    }
}
