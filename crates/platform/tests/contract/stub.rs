//! The contract of the stubs: every call says that this build can't, and which artifact can.

use dewclaw_platform::{
    FileSystem, FsError, HttpClient, HttpError, HttpId, HttpRequest, Method, StubFileSystem,
    StubHttpClient, Timeouts,
};

#[test]
fn every_file_call_is_unsupported() {
    let mut stub = StubFileSystem;
    let files: &mut dyn FileSystem = &mut stub;
    let unsupported = Some(FsError::Unsupported);
    for path in ["", "a", "../a"] {
        assert_eq!(files.read(path, 0, 1).err(), unsupported);
        assert_eq!(files.replace(path, b"x").err(), unsupported);
        assert_eq!(files.append(path, b"x").err(), unsupported);
        assert_eq!(files.list(path, 1).err(), unsupported);
        assert_eq!(files.stat(path).err(), unsupported);
        assert_eq!(files.create_folders(path).err(), unsupported);
        assert_eq!(files.remove(path).err(), unsupported);
        assert_eq!(files.rename(path, "b").err(), unsupported);
    }
}

#[test]
fn every_http_call_is_unsupported() {
    let mut stub = StubHttpClient;
    let http: &mut dyn HttpClient = &mut stub;
    let unsupported = Some(HttpError::Unsupported);
    let request = HttpRequest {
        method: Method::Get,
        url: "http://127.0.0.1/".into(),
        headers: Vec::new(),
        content_length: 0,
        timeouts: Timeouts {
            connect_ms: 1,
            first_byte_ms: 1,
            between_bytes_ms: 1,
        },
    };
    assert_eq!(http.start(&request).err(), unsupported);
    assert_eq!(http.write(HttpId(1), b"x").err(), unsupported);
    // Not a wait for ever: a driver that polls learns at once that nothing will come.
    assert_eq!(http.poll(u64::MAX).err(), unsupported);
    assert_eq!(http.cancel(HttpId(1)).err(), unsupported);
}

#[test]
fn the_texts_name_the_artifacts_that_can() {
    let files = FsError::Unsupported.to_string();
    assert!(files.contains("dewclaw.wasm"), "{files}");
    assert!(files.contains("dewclaw-offline.wasm"), "{files}");
    let http = HttpError::Unsupported.to_string();
    assert!(http.contains("dewclaw.wasm"), "{http}");
    assert!(
        !http.contains("dewclaw-offline.wasm"),
        "the offline artifact has no network: {http}"
    );
}
