//! What docs/plugins.md says of limits, against the limits.

use dewclaw_sandbox::limits::{Limit, RaisedBy};

use crate::built::repository;

#[test]
fn the_page_lists_every_limit_as_it_is() {
    let page = std::fs::read_to_string(repository().join("docs/plugins.md")).unwrap();
    let (_, section) = page.split_once("\n## Limits\n").unwrap();
    let rows: Vec<&str> = section
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<String> = Limit::all()
        .map(|limit| {
            let (most, raised) = match limit.raised_by() {
                RaisedBy::Manifest => (
                    limit.show(limit.maximum()),
                    "the manifest, where the policy allows it",
                ),
                RaisedBy::Operator => ("any".to_owned(), "the policy"),
                RaisedBy::Nobody => (limit.show(limit.maximum()), "nobody"),
            };
            let default = limit.show(limit.default_value());
            format!("| `{}` | {default} | {most} | {raised} |", limit.key())
        })
        .collect();
    assert_eq!(rows, expected);
}
