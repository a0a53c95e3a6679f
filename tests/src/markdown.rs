//! Fenced code blocks of a Markdown file, so that tests can run and hold what the documentation shows.

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands after the opening fence: the language, and whatever follows it.
    pub info: String,
    /// The lines between the fences, without the last line's end.
    pub text: String,
}

impl Block {
    /// The first word of the info string.
    pub fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or_default()
    }
}

/// The fenced blocks of `text`.
///
/// A fence may be indented, as in a list; that much is taken off its lines.
pub fn blocks(text: &str) -> Vec<Block> {
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
        blocks.push(Block {
            info: info.trim().to_owned(),
            text: block.join("\n"),
        });
    }
    blocks
}

/// The texts of the fenced blocks whose info string begins with `language` (`""` for every block).
pub fn fenced_blocks(text: &str, language: &str) -> Vec<String> {
    blocks(text)
        .into_iter()
        .filter(|block| language.is_empty() || block.language() == language)
        .map(|block| block.text)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{blocks, fenced_blocks};

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

    #[test]
    fn keeps_what_follows_the_language() {
        let found = blocks("```ini file=a.service\n[Unit]\n```\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].info, "ini file=a.service");
        assert_eq!(found[0].language(), "ini");
        assert_eq!(found[0].text, "[Unit]");
    }
}
