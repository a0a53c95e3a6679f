//! What it costs the guest to fetch a page and make text of it, in fuel and memory.

use crate::guest::Guest;
use crate::in_process::{self, Directly};
use crate::pages;
use crate::scripted_model::{Answer, Ending};

/// Bytes of a body that come at once.
const CUT_BYTES: usize = 16 * 1024;

/// Bytes of a page of linear memory.
pub const PAGE_BYTES: usize = 65_536;

/// The smallest and the largest page, in bytes.
const SIZES: (f64, f64) = (1_000.0, 2_000_000.0);

/// One page, fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCost {
    /// Bytes of the page.
    pub bytes: usize,
    /// Fuel of the whole run.
    pub fuel: u64,
    /// Bytes of linear memory at the end of the run, which is its peak.
    pub memory_bytes: usize,
    /// Bytes of the text that came of it.
    pub text_bytes: usize,
}

/// Fetches `count` generated pages, whose sizes grow by the same ratio from 1 KB to 2 MB.
pub fn fetch_all(count: usize) -> Vec<PageCost> {
    let (least, most) = SIZES;
    let last = count.saturating_sub(1).max(1) as f64;
    (0..count)
        .map(|number| {
            let bytes = least * (most / least).powf(number as f64 / last);
            fetch(&pages::page(number as u64, bytes as usize))
        })
        .collect()
}

/// Fetches this page.
pub fn fetch(html: &str) -> PageCost {
    let body: Vec<Vec<u8>> = html
        .as_bytes()
        .chunks(CUT_BYTES)
        .map(<[u8]>::to_vec)
        .collect();
    let directly = Directly::new(move |_, _| Answer {
        status: 200,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        length: None,
        cuts: body.clone(),
        ending: Ending::Complete,
    });
    let guest = Guest::dewclaw().args([
        "tool",
        "web_fetch",
        r#"{"url": "http://pages.example.org/"}"#,
        "--allow-fetch",
        "pages.example.org",
    ]);
    let run = in_process::run_directly(&guest, directly);
    run.ended.code(0);
    let result = run.ended.json();
    assert_eq!(result["bytes"], html.len(), "all of it was read");
    PageCost {
        bytes: html.len(),
        fuel: run.fuel,
        memory_bytes: run.end_pages * PAGE_BYTES,
        text_bytes: result["body"].as_str().map_or(0, str::len),
    }
}
