//! Guests that want files which are not theirs, and links and files that are the attack.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dewclaw_sandbox::audit::Verdict;
use dewclaw_sandbox::sandbox::{SandboxError, SandboxedPlugin};
use tempfile::TempDir;

use crate::guest::asker;
use crate::scene::Scene;

const GRANTED: &str = "[plugins.attacker.permissions]\nfilesystem = [\"read-write data\"]\n";
/// What no plugin may ever read.
const SECRET: &str = "the operator's own";

/// A folder `data` that is granted, and a folder `outside` that is not.
pub(crate) struct Place {
    pub(crate) scene: Scene,
    pub(crate) attacker: SandboxedPlugin,
}

impl Place {
    fn new() -> Place {
        Place::granting(GRANTED)
    }

    fn granting(policy: &str) -> Place {
        Place::of(policy, asker())
    }

    /// With this attacker.
    pub(crate) fn of(policy: &str, attacker: &[u8]) -> Place {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("data/sub")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("data/file"), "inside").unwrap();
        fs::write(folder.path().join("outside/secret"), SECRET).unwrap();
        let scene = Scene::holding(policy, folder);
        let attacker = scene.load(attacker).unwrap();
        Place { scene, attacker }
    }

    pub(crate) fn data(&self, path: &str) -> PathBuf {
        self.scene.folder.path().join("data").join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.scene.folder.path().join("outside").join(path)
    }

    async fn read(&self, path: &str) -> Result<String, String> {
        self.scene
            .attack(&self.attacker, "read", path)
            .await
            .answer()
    }

    async fn write(&self, path: &str) -> Result<String, String> {
        let parameters = format!("{path}\nwritten");
        self.scene
            .attack(&self.attacker, "write", &parameters)
            .await
            .answer()
    }

    /// That neither reading nor writing does it, that the last entry says why, and that the answer tells nothing of the machine.
    async fn refuses(&self, path: &str, words: &str, rule: &str) {
        self.refuses_reading(path, words, rule).await;
        let told = self.write(path).await.unwrap_err();
        self.check(&told, words, rule);
    }

    async fn refuses_reading(&self, path: &str, words: &str, rule: &str) {
        let told = self.read(path).await.unwrap_err();
        self.check(&told, words, rule);
    }

    #[track_caller]
    fn check(&self, told: &str, words: &str, rule: &str) {
        assert!(
            told.starts_with("file denied: ") && told.contains(words),
            "{told}"
        );
        let root = self.scene.folder.path().to_str().unwrap();
        assert!(
            !told.contains(root) && !told.contains("policy.toml"),
            "{told}"
        );
        let entry = self.scene.attackers_trail().pop().unwrap();
        assert_eq!(
            (entry.verdict, entry.rule.as_str()),
            (Verdict::Denied, rule)
        );
        self.outside_is_unharmed();
    }

    #[track_caller]
    pub(crate) fn outside_is_unharmed(&self) {
        assert_eq!(fs::read_to_string(self.outside("secret")).unwrap(), SECRET);
        assert_eq!(fs::read_dir(self.outside("")).unwrap().count(), 1);
    }
}

/// Attack: `..` in a path · NUL in a path
/// Answer: "file denied: …: …" with the rule of form
/// Bound: no file is opened
#[tokio::test]
async fn paths_that_lead_up_or_are_none() {
    let place = Place::new();
    for path in [
        "..",
        "../outside/secret",
        "data/../outside/secret",
        "data/nope/../../outside/secret",
        "data/sub/../../outside/secret",
        "/data/../outside/secret",
        "data/file\0",
        "data/file\0/../../outside/secret",
        "data\\..\\..\\outside\\secret",
    ] {
        let told = place.read(path).await.unwrap_err();
        assert!(told.starts_with("file denied: "), "{path:?}: {told}");
        let rule = place.scene.attackers_trail().pop().unwrap().rule;
        place.refuses(path, "", &rule).await;
        assert!(!rule.contains("policy.toml"), "{path:?}: {rule}");
    }
}

/// Attack: absolute path
/// Answer: "file denied: /etc/passwd: no such access is granted to this plugin": the root is the plugin's own
/// Bound: no file is opened
#[tokio::test]
async fn absolute_paths() {
    let place = Place::new();
    let words = "no such access is granted to this plugin";
    for path in ["/etc/passwd", "/outside/secret", "etc/passwd"] {
        place
            .refuses(path, words, "no line of policy.toml grants it")
            .await;
    }
    let secret = place.outside("secret");
    let told = place.read(secret.to_str().unwrap()).await.unwrap_err();
    assert!(told.contains(words), "{told}");
    place.outside_is_unharmed();
}

/// Attack: symlink that leads out
/// Answer: "file denied: …: a symlink leads out of the granted folder"; a write replaces the symlink itself
/// Bound: nothing outside is opened
#[tokio::test]
async fn symlinks_that_lead_out() {
    let place = Place::new();
    symlink("../outside", place.data("folder")).unwrap();
    symlink(place.outside(""), place.data("absolute")).unwrap();
    symlink("../outside/secret", place.data("secret")).unwrap();
    symlink("secret", place.data("twice")).unwrap();
    let words = "a symlink leads out of the granted folder";
    let rule = "symlinks that leave a granted folder are refused";
    for path in [
        "data/folder/secret",
        "data/absolute/secret",
        "data/folder/new",
    ] {
        place.refuses(path, words, rule).await;
    }
    for path in ["data/secret", "data/twice"] {
        place.refuses_reading(path, words, rule).await;
    }
    for path in ["data/secret", "data/twice"] {
        place.write(path).await.unwrap();
        assert_eq!(place.read(path).await.unwrap(), "written");
        place.outside_is_unharmed();
    }
}

/// Attack: hard link to what is outside
/// Answer: "file denied: …: the file has 2 names (hard links), some of which may be outside the granted folder; use a copy"
/// Bound: no byte of it is read or written
#[tokio::test]
async fn hard_links() {
    let place = Place::new();
    fs::hard_link(place.outside("secret"), place.data("hard")).unwrap();
    let words = "the file has 2 names (hard links)";
    let rule = "files with more than one name are refused";
    place.refuses("data/hard", words, rule).await;
}

/// Attack: symlink swapped between check and use
/// Answer: what is inside, or "file denied: …: a symlink leads out of the granted folder", whichever was there
/// Bound: it is the opened file that is judged, never its name
#[tokio::test]
async fn a_symlink_swapped_between_check_and_use() {
    let place = Place::granting(&format!(
        "{GRANTED}[plugins.attacker.resources]\nmax_written_mb = 1000\n"
    ));
    let (mut read, mut written, mut refused) = (0, 0, 0);
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = std::thread::spawn({
        let (stop, folder, inside) = (
            stop.clone(),
            place.data("swapped"),
            place.data("swapped/secret"),
        );
        move || {
            while !stop.load(Ordering::Relaxed) {
                symlink("../outside", &folder).unwrap();
                std::thread::yield_now();
                fs::remove_file(&folder).unwrap();
                fs::create_dir(&folder).unwrap();
                fs::write(&inside, "inside").unwrap();
                std::thread::yield_now();
                while fs::remove_dir_all(&folder).is_err() {}
            }
        }
    });
    for calls in 0..20_000 {
        if read > 50 && written > 50 && refused > 50 {
            break;
        }
        let is_read = calls % 2 == 0;
        let (tool, parameters) = match is_read {
            true => ("read", "data/swapped/secret"),
            false => ("write", "data/swapped/secret\nwritten"),
        };
        match place.attacker.call(tool, parameters).await {
            Ok(text) if is_read => {
                // Between the other's making a file and its filling it, the file is empty.
                assert!(["inside", "written", ""].contains(&text.as_str()), "{text}");
                read += 1;
            }
            Ok(_) => written += 1,
            Err(error) if error.to_string().contains("a symlink leads out") => refused += 1,
            Err(_) => {}
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    assert!(read > 0 && refused > 0, "{read} {written} {refused}");
    place.outside_is_unharmed();
    assert!(place.scene.attackers_trail().len() > 100);
}

/// Attack: FIFO · socket · device
/// Answer: "file denied: …: it is a FIFO; only regular files are read and written", and so for the others
/// Bound: opening does not wait
#[tokio::test]
async fn what_is_no_regular_file() {
    let place = Place::granting(
        "[plugins.attacker.permissions]\nfilesystem = [\"read-write data\", \"read-write /dev as dev\"]\n",
    );
    let fifo = place.data("fifo");
    assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
    let _socket = UnixListener::bind(place.data("socket")).unwrap();
    let rule = "only regular files are read and written";
    for (path, words) in [
        ("data/fifo", "it is a FIFO"),
        ("data/socket", "it is a socket"),
        ("dev/zero", "it is a device"),
        ("data/sub", "it is a folder"),
    ] {
        let attempt = place.scene.attack(&place.attacker, "read", path).await;
        assert!(attempt.took < Duration::from_secs(1), "{path}");
        place.refuses(path, words, rule).await;
    }
}

/// Attack: `/proc/self`
/// Answer: by a symlink: "file denied: …: a symlink leads out of the granted folder"; granted by the policy itself: `SandboxError::Files`:
/// "the granted folder … is refused (…): the kernel makes up what is in it"; below a granted `/`: "it is a file that the kernel makes up"
/// Bound: nothing of it is read
#[cfg(target_os = "linux")]
#[tokio::test]
async fn proc_self() {
    let place = Place::new();
    symlink("/proc/self", place.data("self")).unwrap();
    let words = "a symlink leads out of the granted folder";
    let rule = "symlinks that leave a granted folder are refused";
    for path in [
        "data/self/environ",
        "data/self/root/etc/passwd",
        "data/self/fd/0",
    ] {
        place.refuses(path, words, rule).await;
    }
    let scene = Scene::new(
        "[plugins.attacker.permissions]\nfilesystem = [\"read-only /proc/self as self\"]\n",
    );
    let refused = scene.load(asker()).unwrap_err();
    assert!(matches!(refused, SandboxError::Files(_)), "{refused:?}");
    assert!(
        refused
            .to_string()
            .ends_with("the kernel makes up what is in it"),
        "{refused}"
    );
    let place =
        Place::granting("[plugins.attacker.permissions]\nfilesystem = [\"read-only / as root\"]\n");
    for path in [
        "root/proc/self/environ",
        "root/sys/kernel/mm/transparent_hugepage/enabled",
    ] {
        let told = place.read(path).await.unwrap_err();
        assert!(
            told.contains("it is a file that the kernel makes up"),
            "{told}"
        );
    }
}

/// Attack: files that fill the disk
/// Answer: "limit reached: …: max_written_mb is … since the plugin was loaded", "limit reached: …: max_write_file_kb is …"; reading what is
/// too large: "limit reached: …: max_read_file_kb is …"
/// Bound: 100 MB written by a plugin, a new name as 4 KiB of it; 4 MB written and 8 MB read at once
#[tokio::test]
async fn files_that_fill_the_disk() {
    let place = Place::granting(&format!(
        "{GRANTED}[plugins.attacker.resources]\nmax_written_mb = 1\nmax_write_file_kb = 600\nmax_read_file_kb = 700\n"
    ));
    let write = |name: &str, bytes: usize| {
        let parameters = format!("data/{name}\n{}", "a".repeat(bytes));
        let Place { scene, attacker } = &place;
        async move { scene.attack(attacker, "write", &parameters).await.answer() }
    };
    let told = write("large", 600_001).await.unwrap_err();
    assert!(
        told.contains("600001 bytes") || told.contains("max_write_file_kb is 600 KB"),
        "{told}"
    );
    write("first", 600_000).await.unwrap();
    let told = write("second", 600_000).await.unwrap_err();
    assert!(
        told.contains("max_written_mb is 1 MB since the plugin was loaded"),
        "{told}"
    );
    assert!(!place.data("second").exists() && !place.data("large").exists());
    fs::write(place.data("grown"), "a".repeat(700_001)).unwrap();
    let told = place.read("data/grown").await.unwrap_err();
    assert!(told.contains("max_read_file_kb is 700 KB"), "{told}");
    let rules: Vec<_> = place
        .scene
        .attackers_trail()
        .into_iter()
        .map(|entry| entry.rule)
        .collect();
    assert_eq!(rules[2], "limit: max_written_mb");
    assert_eq!(rules[3], "limit: max_read_file_kb");
}

/// Attack: trail that its own plugin may write
/// Answer: `SandboxError::AuditFolder`: "the granted folder … holds the audit trails, which no plugin may write (…): grant a folder that does
/// not"
/// Bound: nothing of the plugin is compiled
#[tokio::test]
async fn a_trail_that_its_own_plugin_may_write() {
    for granted in ["audit", "linked/audit", "linked as elsewhere"] {
        let outer = TempDir::new().unwrap();
        symlink(outer.path(), outer.path().join("linked")).unwrap();
        let policy =
            format!("[plugins.attacker.permissions]\nfilesystem = [\"read-write {granted}\"]\n");
        let scene = Scene::holding(&policy, outer);
        let refused = scene.load(asker()).unwrap_err();
        assert!(
            matches!(refused, SandboxError::AuditFolder { .. }),
            "{refused:?}"
        );
        assert!(
            refused.to_string().contains("(policy.toml:5 filesystem"),
            "{refused}"
        );
    }
}
