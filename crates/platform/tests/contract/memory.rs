//! The in-memory backends, held to the contract; and what only they promise.

use dewclaw_platform::{Environment, FileSystem, FsError, MemoryEnvironment, MemoryFileSystem};

mod environment {
    use dewclaw_platform::MemoryEnvironment;

    fn fresh() -> MemoryEnvironment {
        MemoryEnvironment::new(&[("HOME", "/home/someone")], &["ask", "hello"], 7)
    }

    environment_contract! { fresh }
}

mod file_system {
    use dewclaw_platform::MemoryFileSystem;

    file_system_contract! { |_: &str| MemoryFileSystem::default() }
}

#[test]
fn an_environment_holds_what_it_was_given() {
    let environment = MemoryEnvironment::new(&[("A", "1"), ("B", "2")], &["ask", "a b", ""], 42);
    assert_eq!(environment.var("A"), Some("1"));
    assert_eq!(environment.var("B"), Some("2"));
    assert_eq!(environment.arguments(), ["ask", "a b", ""]);
    assert_eq!(environment.seed(), 42);
}

#[test]
fn a_full_file_system_says_so_and_keeps_what_it_holds() {
    let mut files = MemoryFileSystem::with_capacity(10);
    files.replace("a", b"12345").unwrap();
    assert_eq!(files.replace("b", b"123456"), Err(FsError::NoSpace));
    assert_eq!(files.append("a", b"123456"), Err(FsError::NoSpace));
    assert_eq!(files.replace("a", b"12345678901"), Err(FsError::NoSpace));
    assert_eq!(files.read("a", 0, 20).unwrap().bytes, b"12345");
    assert_eq!(files.stat("b"), Err(FsError::NotFound));
    // Exactly full is fine, and so is a file that shrinks while it is.
    assert_eq!(files.append("a", b"67890"), Ok(10));
    files.replace("a", b"123").unwrap();
    files.replace("b", b"1234567").unwrap();
}
