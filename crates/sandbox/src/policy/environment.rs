//! Variables of the environment: their names, and those that no policy can grant.

/// Names that are never given to a plugin, whatever a policy says; `*` stands for any letters. In any case of letters, because
/// some systems know no difference.
const DENIED: [&str; 46] = [
    // Who and where this machine's user is.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "USERNAME",
    "USERPROFILE",
    "MAIL",
    // How programs are loaded.
    "LD_*",
    "DYLD_*",
    // Keys of models and searches, and this program's own settings.
    "ANTHROPIC_*",
    "OPENAI_*",
    "BRAVE_*",
    "DEWCLAW_*",
    // Clouds and services.
    "AWS_*",
    "AZURE_*",
    "GCP_*",
    "GOOGLE_*",
    "GITHUB_*",
    "GITLAB_*",
    "DOCKER_*",
    "KUBECONFIG",
    "KUBERNETES_*",
    "VAULT_*",
    "NPM_*",
    "CARGO_*",
    // Agents that sign and decrypt.
    "SSH_*",
    "GPG_*",
    "GNUPGHOME",
    "KRB5*",
    "NETRC",
    // Addresses that have a password in them.
    "DATABASE_URL",
    "*_DATABASE_URL",
    "*_DSN",
    "*_PROXY",
    // Whatever says that it is a secret.
    "KEY",
    "*_KEY",
    "*_KEY_*",
    "*APIKEY*",
    "*TOKEN*",
    "*SECRET*",
    "*PASSWORD*",
    "*PASSWD*",
    "*PASSPHRASE*",
    "*CREDENTIAL*",
    "*COOKIE*",
    "*_AUTH",
];

/// The entry of the deny list that a name is under.
pub(super) fn denied(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    DENIED.into_iter().find(|pattern| is_like(&name, pattern))
}

/// Whether a name is as a pattern with a `*` at either end, or both.
fn is_like(name: &str, pattern: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (None, None) => name == pattern,
        (Some(end), None) => name.ends_with(end),
        (None, Some(begin)) => name.starts_with(begin),
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
    }
}

/// Reads the name of a variable.
pub(super) fn read(text: &str) -> Result<String, String> {
    let right = text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if right {
        Ok(text.to_owned())
    } else {
        Err("is not the name of a variable: letters, digits and _, each name in full".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_denied_and_settings_are_not() {
        for name in [
            "PATH",
            "Path",
            "HOME",
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "X_TOKEN",
            "MY_SECRET",
            "SSH_KEY",
            "TLS_KEY_FILE",
            "ghtoken",
            "DB_PASSWORD",
            "HTTPS_PROXY",
            "APP_DATABASE_URL",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ] {
            assert!(denied(name).is_some(), "{name}");
        }
        for name in [
            "LANG",
            "TZ",
            "WEATHER_UNITS",
            "KEYBOARD_LAYOUT",
            "MONKEY",
            "HOMEPAGE",
            "EDITOR",
            "_",
        ] {
            assert_eq!(denied(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_is_one_name() {
        for name in ["", "A*", "A-B", "A=B", "1A", "A B", "Ä"] {
            assert!(read(name).is_err(), "{name}");
        }
        assert!(read("A_1").is_ok());
    }
}
