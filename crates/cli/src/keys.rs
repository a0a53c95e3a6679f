//! The keys of this run. They stay in this host: for each the component sees a stand-in, which means nothing elsewhere.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use same_file::Handle;
use tokio_rustls::rustls::crypto::ring;

use crate::settings::Settings;

/// The slot of the key that searches go with.
pub(crate) const SEARCHES: &str = "brave";

/// Where the key of a slot comes from.
struct Source {
    slot: &'static str,
    variable: &'static str,
    file_variable: &'static str,
    /// `api_key_file` of `dewclaw.json` can name its file.
    of_a_model: bool,
}

const SOURCES: [Source; 3] = [
    Source {
        slot: "openai",
        variable: "OPENAI_API_KEY",
        file_variable: "OPENAI_API_KEY_FILE",
        of_a_model: true,
    },
    Source {
        slot: "anthropic",
        variable: "ANTHROPIC_API_KEY",
        file_variable: "ANTHROPIC_API_KEY_FILE",
        of_a_model: true,
    },
    Source {
        slot: SEARCHES,
        variable: "BRAVE_API_KEY",
        file_variable: "BRAVE_API_KEY_FILE",
        of_a_model: false,
    },
];

/// Bytes of a file that may hold a key; the component takes none that is larger.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A stand-in's unguessable bytes.
const STAND_IN_BYTES: usize = 16;

/// The keys, and what stands in for each. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<[Key]>);

struct Key {
    slot: &'static str,
    /// `None` where what was given can't be a key: the component's check of the stand-in then says so.
    value: Option<String>,
    stand_in: String,
    /// The file that it stands in.
    file: Option<PathBuf>,
}

impl Keys {
    /// Takes the keys out of the component's variables, and reads those of files in the folder `state`: for each slot the
    /// first of its variable, the file that its second variable names, and `api_key_file` of the settings, as the
    /// component reads them.
    ///
    /// A file that can't be read is left to the component, which says what is wrong with it.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn take(
        variables: &mut [(String, String)],
        state: &Path,
        settings: &Settings,
    ) -> io::Result<Keys> {
        let mut keys = Vec::new();
        for source in &SOURCES {
            let mut path = None;
            let set = variables
                .iter_mut()
                .filter(|(_, value)| !value.trim().is_empty());
            for (name, value) in set {
                if name == source.variable {
                    let key = Key::new(source.slot, value.as_bytes(), None)?;
                    value.clone_from(&key.stand_in);
                    keys.push(key);
                } else if name == source.file_variable {
                    path = Some(value.as_str());
                }
            }
            let path = path.or(settings
                .api_key_file
                .as_deref()
                .filter(|_| source.of_a_model));
            if let Some(path) = path.map(|path| state.join(in_state(path)))
                && let Ok(content) = read(&path)
                && !content.trim_ascii().is_empty()
            {
                let mut key = Key::new(source.slot, &content, Some(path))?;
                // Two slots may take their key from one file, which has one content.
                let same = |other: &&Key| other.file == key.file;
                if let Some(other) = keys.iter().find(same) {
                    key.stand_in.clone_from(&other.stand_in);
                }
                keys.push(key);
            }
        }
        Ok(Keys(keys.into()))
    }

    /// The key of a slot.
    pub(crate) fn of(&self, slot: &str) -> Option<&str> {
        let key = self.0.iter().find(|key| key.slot == slot)?;
        key.value.as_deref()
    }

    /// Every key.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|key| key.value.as_deref())
    }

    /// A header's value with the key of a slot where its stand-in is, and that key; `None` where it is not in there.
    pub(crate) fn put_in(&self, slot: &str, value: &[u8]) -> Option<(Vec<u8>, &str)> {
        let text = str::from_utf8(value).ok()?;
        self.0.iter().find_map(|key| {
            let secret = key.value.as_deref()?;
            (key.slot == slot && text.contains(&key.stand_in))
                .then(|| (text.replace(&key.stand_in, secret).into_bytes(), secret))
        })
    }

    /// What the component gets in place of a file that it has opened, if that holds a key.
    ///
    /// # Errors
    /// The system's own.
    pub(crate) fn stand_in_for(&self, opened: &File) -> io::Result<Option<File>> {
        let mut files = self
            .0
            .iter()
            .filter_map(|key| Some((key.file.as_deref()?, key)))
            .peekable();
        if files.peek().is_none() {
            return Ok(None);
        }
        let opened = Handle::from_file(opened.try_clone()?)?;
        for (path, key) in files {
            if Handle::from_path(path).is_ok_and(|file| file == opened) {
                let mut file = tempfile::tempfile()?;
                file.write_all(key.stand_in.as_bytes())?;
                file.rewind()?;
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

impl Key {
    fn new(slot: &'static str, given: &[u8], file: Option<PathBuf>) -> io::Result<Key> {
        let text = str::from_utf8(given).map(str::trim);
        let fits = |key: &&str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
        let value = text.ok().filter(fits);
        let mut stand_in = random_hex()?;
        if value.is_none() {
            // No key has a space, as none has what is in this one.
            stand_in.insert(STAND_IN_BYTES, ' ');
        }
        Ok(Key {
            slot,
            value: value.map(str::to_owned),
            stand_in,
            file,
        })
    }
}

/// Unpredictable bits.
///
/// # Errors
/// The system gives none.
pub(crate) fn random<const BYTES: usize>() -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("no random bytes can be had"))?;
    Ok(bytes)
}

fn random_hex() -> io::Result<String> {
    let bytes = random::<STAND_IN_BYTES>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A path as a person gives it for a file of state, like the component reads it.
fn in_state(path: &str) -> &str {
    path.strip_prefix("/state/")
        .or_else(|| path.strip_prefix("./"))
        .unwrap_or(path)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() || about.len() > MAX_FILE_BYTES {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        pairs.iter().map(owned).collect()
    }

    fn take(
        pairs: &[(&str, &str)],
        state: &Path,
        api_key_file: Option<&str>,
    ) -> (Keys, Vec<(String, String)>) {
        let mut variables = variables(pairs);
        let settings = Settings {
            api_key_file: api_key_file.map(str::to_owned),
            ..Settings::default()
        };
        let keys = Keys::take(&mut variables, state, &settings).unwrap();
        (keys, variables)
    }

    #[test]
    fn the_component_sees_a_fresh_stand_in_for_each_key() {
        let none = Path::new("/nowhere");
        let set = [
            ("OPENAI_API_KEY", " sk-one\n"),
            ("OPENAI_BASE_URL", "http://a/"),
            ("ANTHROPIC_API_KEY", "sk-two"),
            ("BRAVE_API_KEY", "BSA"),
        ];
        let (keys, seen) = take(&set, none, None);
        let (_, other) = take(&set, none, None);
        assert_eq!(keys.of("openai"), Some("sk-one"));
        assert_eq!(keys.of("anthropic"), Some("sk-two"));
        assert_eq!(keys.of("brave"), Some("BSA"));
        assert_eq!(keys.of("elsewhere"), None);
        assert_eq!(seen[1].1, "http://a/");
        for at in [0, 2, 3] {
            let stand_in = &seen[at].1;
            assert_eq!(stand_in.len(), 2 * STAND_IN_BYTES, "{stand_in}");
            assert!(stand_in.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert_ne!(stand_in, &other[at].1);
        }
    }

    #[test]
    fn what_cannot_be_a_key_has_a_stand_in_that_cannot_be_one_either() {
        let (keys, seen) = take(&[("OPENAI_API_KEY", "two words")], Path::new("/"), None);
        assert_eq!(keys.of("openai"), None);
        assert!(seen[0].1.contains(' ') && !seen[0].1.contains("words"));
        let (keys, seen) = take(&[("OPENAI_API_KEY", " ")], Path::new("/"), None);
        assert_eq!((keys.of("openai"), seen[0].1.as_str()), (None, " "));
    }

    #[test]
    fn the_first_of_variable_file_and_setting_counts() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("one"), "of-one\n").unwrap();
        fs::write(state.path().join("two"), "of-two\n").unwrap();
        let of = |set: &[(&str, &str)]| {
            let (keys, _) = take(set, state.path(), Some("/state/two"));
            (
                keys.of("openai").map(str::to_owned),
                keys.of("brave").map(str::to_owned),
            )
        };
        let file = ("OPENAI_API_KEY_FILE", "./one");
        assert_eq!(of(&[]), (Some("of-two".into()), None));
        assert_eq!(of(&[file]), (Some("of-one".into()), None));
        let own = ("OPENAI_API_KEY", "own");
        assert_eq!(of(&[file, own]), (Some("own".into()), None));
        let brave = ("BRAVE_API_KEY_FILE", "two");
        assert_eq!(of(&[brave]), (Some("of-two".into()), Some("of-two".into())));
        assert_eq!(of(&[("OPENAI_API_KEY_FILE", "gone")]), (None, None));
    }

    #[test]
    fn a_file_with_a_key_is_known_by_any_name() {
        let state = tempfile::tempdir().unwrap();
        let path = |name: &str| state.path().join(name);
        fs::write(path("key"), "sk-in-a-file\n").unwrap();
        fs::write(path("other"), "sk-in-a-file\n").unwrap();
        fs::hard_link(path("key"), path("link")).unwrap();
        let (keys, _) = take(&[("OPENAI_API_KEY_FILE", "key")], state.path(), None);
        for name in ["key", "link"] {
            let opened = File::open(path(name)).unwrap();
            let mut seen = String::new();
            let mut stand_in = keys.stand_in_for(&opened).unwrap().unwrap();
            stand_in.read_to_string(&mut seen).unwrap();
            assert_eq!(seen.len(), 2 * STAND_IN_BYTES);
            let header = format!("Bearer {seen}");
            let (value, _) = keys.put_in("openai", header.as_bytes()).unwrap();
            assert_eq!(value, b"Bearer sk-in-a-file");
            assert_eq!(keys.put_in("brave", header.as_bytes()), None);
        }
        let opened = File::open(path("other")).unwrap();
        assert!(keys.stand_in_for(&opened).unwrap().is_none());
    }
}
