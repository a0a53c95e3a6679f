//! The operator's settings, from the two variables that the manifest asks for. One that is not granted is as one that is not set.

use crate::dewclaw::plugin::host;

/// Open-Meteo's own server. Another one must stand in the manifest and the policy as well.
const PUBLIC_SERVER: &str = "https://api.open-meteo.com";

#[derive(Clone, Copy)]
pub(crate) enum Units {
    Metric,
    Imperial,
}

pub(crate) struct Settings {
    pub(crate) units: Units,
    /// Without a slash at its end.
    pub(crate) server: String,
}

pub(crate) fn read() -> Result<Settings, String> {
    let units = match host::get_env("WEATHER_UNITS").as_deref() {
        None | Some("metric") => Units::Metric,
        Some("imperial") => Units::Imperial,
        Some(other) => {
            return Err(format!(
                "WEATHER_UNITS is \"{other}\": it must be metric or imperial"
            ));
        }
    };
    let server = host::get_env("WEATHER_URL").unwrap_or_else(|| PUBLIC_SERVER.to_owned());
    Ok(Settings {
        units,
        server: server.trim_end_matches('/').to_owned(),
    })
}
