//! Fenced code blocks of a Markdown file, so that tests can run and hold what the documentation shows.

/// The fenced blocks of `text` whose info string begins with `language` (`""` for every block), without their fences.
///
/// A fence may be indented, as in a list; that much is taken off its lines.
pub fn fenced_blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let fence = line.trim_start();
        let Some(info) = fence.strip_prefix("```") else {
            continue;
        };
        let indent = line.len() - fence.len();
        let block: Vec<&str> = lines
            .by_ref()
            .take_while(|line| line.trim() != "```")
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect();
        let named = info.split_whitespace().next().unwrap_or_default();
        if language.is_empty() || named == language {
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::fenced_blocks;

    const TEXT: &str = "\
# Head

```sh
one
  two
```

- a list

  ```sh
  three
  ```

```text
not this
```

```
nor this
```
";

    #[test]
    fn finds_the_blocks_of_a_language() {
        assert_eq!(fenced_blocks(TEXT, "sh"), ["one\n  two", "three"]);
        assert_eq!(fenced_blocks(TEXT, "text"), ["not this"]);
        assert_eq!(fenced_blocks(TEXT, "").len(), 4);
        assert_eq!(fenced_blocks(TEXT, "rust"), Vec::<String>::new());
    }
}
