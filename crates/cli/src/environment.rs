//! Which variables the component gets to see: its own settings, and what `--env` adds. Nothing else.

use std::ffi::OsString;

use crate::args::Variable;

/// Names that begin so are the component's settings.
const PREFIXES: [&str; 2] = ["SEARXNG_", "DEWCLAW_"];

/// Names that begin so are a service's, whose programs may have secrets of other kinds there too.
const SERVICES: [&str; 3] = ["OPENAI_", "ANTHROPIC_", "BRAVE_"];

/// What the component reads of a service's names.
const OF_A_SERVICE: [&str; 3] = ["API_KEY", "API_KEY_FILE", "BASE_URL"];

/// These begin so too, and are ours: a folder of this machine, a build setting, and what says who runs the component.
const NATIVE: [&str; 3] = ["DEWCLAW_STATE", "DEWCLAW_COMPONENT", RUNNER.0];

/// Says who runs the component, so that its advice names our flags instead of wasmtime's.
const RUNNER: (&str, &str) = ("DEWCLAW_RUNNER", "dewclaw");

/// A variable that cannot be handed over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvironmentError {
    /// `--env NAME` of a variable that this process does not have.
    #[error("--env {name}: no such variable here: set it, or give its value: --env {name}=VALUE")]
    Unset { name: String },
    /// The component takes variables as Unicode.
    #[error("the variable {name} is not UTF-8: the component cannot take it")]
    NotUnicode { name: String },
}

/// The component's variables: those of `own` that it reads, then the granted ones in their place or after.
///
/// # Errors
/// A granted variable is not set, or one that would be handed over is not UTF-8.
pub(crate) fn for_component(
    own: impl IntoIterator<Item = (OsString, OsString)>,
    granted: &[Variable],
) -> Result<Vec<(String, String)>, EnvironmentError> {
    let own: Vec<(String, OsString)> = own
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .collect();
    let mut handed = vec![(RUNNER.0.to_owned(), RUNNER.1.to_owned())];
    for (name, value) in &own {
        if is_read(name) && !NATIVE.contains(&name.as_str()) {
            handed.push((name.clone(), text(name, value)?));
        }
    }
    for Variable { name, value } in granted {
        let value = match value {
            Some(value) => value.clone(),
            None => {
                let (_, value) = own
                    .iter()
                    .find(|(own, _)| own == name)
                    .ok_or_else(|| EnvironmentError::Unset { name: name.clone() })?;
                text(name, value)?
            }
        };
        handed.retain(|(other, _)| other != name);
        handed.push((name.clone(), value));
    }
    Ok(handed)
}

/// Whether the component reads a variable of this name.
fn is_read(name: &str) -> bool {
    let of_a_service = |service| {
        let rest = name.strip_prefix(service);
        rest.is_some_and(|rest| OF_A_SERVICE.contains(&rest))
    };
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || SERVICES.into_iter().any(of_a_service)
}

fn text(name: &str, value: &OsString) -> Result<String, EnvironmentError> {
    value
        .clone()
        .into_string()
        .map_err(|_| EnvironmentError::NotUnicode {
            name: name.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn grant(name: &str, value: Option<&str>) -> Variable {
        Variable {
            name: name.into(),
            value: value.map(Into::into),
        }
    }

    #[test]
    fn only_the_components_own_variables_pass() {
        let own = own(&[
            ("PATH", "/bin"),
            ("AWS_SECRET_ACCESS_KEY", "no"),
            ("OPENAI_API_KEY", "k"),
            ("DEWCLAW_MODEL", "m"),
            ("DEWCLAW_STATE", "/s"),
            ("DEWCLAW_COMPONENT", "/c"),
            ("DEWCLAW_RUNNER", "x"),
            ("MY_OPENAI_KEY", "no"),
            ("OPENAI_ADMIN_KEY", "no"),
            ("ANTHROPIC_AUTH_TOKEN", "no"),
        ]);
        assert_eq!(
            for_component(own, &[]).unwrap(),
            [
                ("DEWCLAW_RUNNER".into(), "dewclaw".into()),
                ("OPENAI_API_KEY".into(), "k".into()),
                ("DEWCLAW_MODEL".into(), "m".into())
            ]
        );
    }

    #[test]
    fn granted_variables_replace_and_add() {
        let own = own(&[("OPENAI_API_KEY", "k"), ("TZ", "UTC")]);
        let granted = [
            grant("OPENAI_API_KEY", Some("other")),
            grant("TZ", None),
            grant("EMPTY", Some("")),
        ];
        assert_eq!(
            for_component(own, &granted).unwrap(),
            [
                ("DEWCLAW_RUNNER".into(), "dewclaw".into()),
                ("OPENAI_API_KEY".into(), "other".into()),
                ("TZ".into(), "UTC".into()),
                ("EMPTY".into(), String::new()),
            ]
        );
    }

    #[test]
    fn a_granted_variable_that_is_not_set_is_an_error() {
        assert_eq!(
            for_component(own(&[]), &[grant("TZ", None)])
                .unwrap_err()
                .to_string(),
            "--env TZ: no such variable here: set it, or give its value: --env TZ=VALUE"
        );
    }
}
