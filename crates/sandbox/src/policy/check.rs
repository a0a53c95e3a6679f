//! What a plugin gets, as a table for a person: what was asked, what is granted, and what decided it.

use std::fmt;

use super::effective::{Effective, Outcome};

/// Letters of a cell at most: manifests are other people's.
const MAX_CELL: usize = 60;

impl fmt::Display for Effective {
    /// The table of `dewclaw plugin check`, then the lines that would grant what was not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (manifest, policy) = (plain(self.manifest_file()), plain(self.policy_file()));
        writeln!(
            f,
            "plugin {}: {manifest} asks, {policy} decides",
            self.plugin()
        )?;
        writeln!(f)?;
        let header = ["", "asked", "granted", "decided by"].map(str::to_owned);
        let rows = self.rows().iter().map(|row| {
            let granted = match &row.outcome {
                Outcome::Granted(_) if !row.asked.is_empty() => "yes".to_owned(),
                Outcome::Granted(granted) => granted.clone(),
                Outcome::Clamped(granted) => format!("only {granted}"),
                Outcome::Refused => "no".to_owned(),
            };
            let asked = match row.asked.as_str() {
                "" => "-",
                asked => asked,
            };
            [
                cell(row.key),
                cell(asked),
                cell(&granted),
                plain(&row.decided_by),
            ]
        });
        let table: Vec<[String; 4]> = std::iter::once(header).chain(rows).collect();
        let width = |column: usize| {
            table
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let [key, asked, granted] = [width(0), width(1), width(2)];
        for row in &table {
            writeln!(
                f,
                "{:key$}  {:asked$}  {:granted$}  {}",
                row[0], row[1], row[2], row[3]
            )?;
        }
        if self.rows().is_empty() {
            writeln!(
                f,
                "Nothing is asked, and nothing is granted beyond the default limits."
            )?;
        }
        let lines = self.grant_lines();
        if !lines.is_empty() {
            writeln!(f, "\nThese lines would grant the rest:\n")?;
            // A new table is one, however many lines go into it.
            for together in lines.chunk_by(|one, other| one.destination() == other.destination()) {
                match together {
                    [line] => writeln!(f, "  {line}")?,
                    lines => {
                        writeln!(f, "  {}:", lines[0].destination())?;
                        for line in lines {
                            writeln!(f, "    {}", line.line)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Text without letters that a terminal would act on.
fn plain(text: &str) -> String {
    let escaped = |letter: char| match letter {
        // Quotes are escaped as well otherwise.
        ' '..='~' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    text.chars().map(escaped).collect()
}

fn cell(text: &str) -> String {
    let text = plain(text);
    if text.chars().count() <= MAX_CELL {
        return text;
    }
    text.chars().take(MAX_CELL - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Manifest, Policy};

    #[test]
    fn a_manifest_cannot_draw_on_the_terminal() {
        // An override of the writing direction, and a name that is longer than a line.
        let text = format!(
            "[plugins.a.permissions]\nfilesystem = ['read-only x\u{202e}y', '{}']",
            "n".repeat(500)
        );
        let manifest = Manifest::read("m\x1b[2J.toml", text.as_bytes()).unwrap();
        let shown =
            Effective::decide(&Policy::none("p.toml"), manifest.plugin("a").unwrap()).to_string();
        assert!(shown.contains("m\\u{1b}[2J.toml asks"), "{shown}");
        assert!(shown.contains("read-only x\\u{202e}y"), "{shown}");
        assert!(shown.contains("x\\U0000202Ey"), "{shown}");
        assert!(
            !shown.contains('\u{202e}') && !shown.contains('\x1b'),
            "{shown}"
        );
        let table = shown.lines().take_while(|line| !line.starts_with("These"));
        assert!(
            table.map(|line| line.chars().count()).max() < Some(160),
            "{shown}"
        );
    }
}
