//! Modules that are an attack before anything of them runs.

use dewclaw_sandbox::engine::LoadError;
use dewclaw_sandbox::sandbox::SandboxError;

use crate::guest::Guest;
use crate::scene::Scene;

fn refusal(scene: &Scene, bytes: &[u8]) -> LoadError {
    match scene.load(bytes).unwrap_err() {
        SandboxError::Load(error) => error,
        other => panic!("{other}"),
    }
}

/// A plugin with so many functions of a hundred additions, no two alike.
fn with_functions(count: u32) -> Vec<u8> {
    let mut module = String::new();
    for number in 0..count {
        module += "(func (param i32) (result i32) (local.get 0)";
        for step in 0..100 {
            module += &format!("(i32.const {})(i32.mul)", number.wrapping_mul(7919) + step);
        }
        module += ")";
    }
    let guest = Guest {
        module: String::leak(module),
        ..Guest::default()
    };
    guest.bytes()
}

/// A plugin with a function of so many loops, one in the other, that all change these variables: what they are in each loop, the compiler
/// has to find out, which takes it ever longer.
fn with_loops(variables: usize, loops: usize) -> Vec<u8> {
    let mut function = format!("(func (param i32) (local {})", "i32 ".repeat(variables));
    for number in 0..loops {
        let (to, from) = (1 + number % variables, 1 + number * 31 % variables);
        function += &format!("(loop (local.set {to} (i32.add (local.get {from}) (i32.const 1)))");
    }
    for number in 0..loops {
        function += &format!("(br_if 0 (local.get {})))", 1 + number * 17 % variables);
    }
    function += ")";
    let guest = Guest {
        module: String::leak(function),
        ..Guest::default()
    };
    guest.bytes()
}

/// Attack: module that takes long to compile
/// Answer: neighbours go on meanwhile: compiling takes no thread of theirs
/// Bound: the `Compiler`'s own; `TrustedInputOnly` has none
#[tokio::test]
async fn a_module_that_takes_long_to_compile() {
    let scene = Scene::new("");
    let bytes = with_loops(1_000, 400);
    assert!(bytes.len() < 20_000, "{}", bytes.len());
    let compiling = scene.load_on_another_thread(&bytes);
    let calls = scene.neighbour_works_until(compiling).await;
    assert!(calls > 0);
}

/// Attack: module that is large
/// Answer: `LoadError::TooLarge`: "the module has … bytes where 300000 are allowed; the operator's policy may raise the size";
/// `LoadError::TooLargeGzipped` where it does not compress
/// Bound: nothing of it is compiled; 300 KB, and 120 KB after gzip
#[tokio::test]
async fn a_module_that_is_large() {
    let scene = Scene::new("");
    let large = with_functions(2_000);
    let error = refusal(&scene, &large);
    assert_eq!(
        error.to_string(),
        format!(
            "the module has {} bytes where 300000 are allowed; the operator's policy may raise the size",
            large.len()
        )
    );
    // Behind what a component must begin with, bytes that do not compress, in a section that nobody reads.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    let mut bytes = Guest::default().bytes();
    let section: Vec<u8> = [1, b'x'].into_iter().chain(noise.take(130_000)).collect();
    bytes.push(0);
    let mut length = section.len();
    while length > 0x7f {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(section);
    assert_eq!(
        refusal(&scene, &bytes).to_string(),
        "the module has over 120000 bytes after gzip, which is the most allowed; the operator's policy may raise the size"
    );
    // Only the operator raises it.
    let raised = Scene::new("[plugins.attacker.resources]\nmax_module_gzip_kb = 200\n");
    let loaded = raised.load(&bytes).unwrap();
    raised.attack(&loaded, "t", "{}").await.outcome.unwrap();
}

/// Attack: bytes that are no plugin
/// Answer: `SandboxError::Imports` or `LoadError::Compile` with the reader's words; `LoadError::ExportMissing` names the export
/// Bound: nothing of it runs
#[tokio::test]
async fn bytes_that_are_no_plugin() {
    let scene = Scene::new("");
    let whole = Guest::default().bytes();
    for cut in [0, 4, 8, 9, whole.len() / 2, whole.len() - 1] {
        scene.load(&whole[..cut]).unwrap_err();
    }
    for at in (8..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        // Some of these are plugins yet.
        let _ = scene.load(&changed);
    }
    let error = refusal(&scene, &wat::parse_str("(component)").unwrap());
    assert_eq!(
        error.to_string(),
        r#"not a plugin: no export "dewclaw:plugin/tools@0.1.0""#
    );
    let loaded = scene.load(&whole).unwrap();
    scene.attack(&loaded, "t", "{}").await.outcome.unwrap();
}
