//! What a policy or a manifest lacks for something to be granted, and the lines that would say it.

use std::collections::BTreeMap;

use super::effective::Effective;
use super::folder::FolderAsk;
use super::grant_line::{GrantLine, Layout};

/// A line that is missing in the policy or in the manifest.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) file: Lacking,
    pub(super) key: &'static str,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lacking {
    Manifest,
    Policy,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Entry(String),
    Number(u64),
}

impl Effective {
    pub(super) fn missing(
        &self,
        key: &'static str,
        entry: String,
        asked: bool,
        granted: bool,
    ) -> Vec<Missing> {
        let lacking = |file| Missing {
            file,
            key,
            value: Value::Entry(entry.clone()),
        };
        let manifest = (!asked && !self.manifest.is_absent()).then(|| lacking(Lacking::Manifest));
        let policy = (!granted).then(|| lacking(Lacking::Policy));
        manifest.into_iter().chain(policy).collect()
    }

    pub(super) fn why_not(&self, asked: bool, granted: bool) -> String {
        match (asked || self.manifest.is_absent(), granted) {
            (_, false) => format!("no line of {} grants it", self.policy_file),
            (false, true) => format!("{} does not ask for it", self.manifest.file),
            // Not all of it is in any one ask and one rule.
            (true, true) => format!(
                "no one line of {} grants what {} asks",
                self.policy_file, self.manifest.file
            ),
        }
    }

    /// The lines for what is missing, one for each key of each file.
    pub(super) fn lines(&self, missing: &[Missing]) -> Vec<GrantLine> {
        let mut entries: BTreeMap<(Lacking, &'static str), Vec<String>> = BTreeMap::new();
        let mut lines = Vec::new();
        for Missing { file, key, value } in missing {
            match value {
                Value::Entry(entry) => entries.entry((*file, key)).or_default().push(entry.clone()),
                Value::Number(number) => {
                    let section = format!("plugins.{}.resources", self.plugin);
                    lines.extend(
                        self.layout(*file)
                            .map(|layout| layout.set(&section, key, *number)),
                    );
                }
            }
        }
        let section = format!("plugins.{}.permissions", self.plugin);
        let lists = entries.iter().filter_map(|((file, key), entries)| {
            Some(self.layout(*file)?.add(&section, key, entries))
        });
        lists.chain(lines).collect()
    }

    pub(super) fn layout(&self, file: Lacking) -> Option<&Layout> {
        match file {
            Lacking::Policy => Some(&self.policy_layout),
            Lacking::Manifest => self.manifest.layout.as_deref(),
        }
    }
}

/// What a policy would have to say for a folder. A plugin's root is no folder of the policy's own: that would give it the
/// policy.
pub(super) fn entry_of_a_policy(ask: &FolderAsk) -> String {
    match ask.path.is_root() {
        true => format!("{} data as .", ask.access.name()),
        false => ask.to_string(),
    }
}
