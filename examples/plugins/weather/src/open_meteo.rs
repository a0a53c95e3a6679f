//! Open-Meteo's forecast: <https://open-meteo.com/en/docs>. It needs no key.

use serde_json::Value;

use crate::dewclaw::plugin::host;
use crate::places::Place;
use crate::settings::{Settings, Units};

/// A line for the model.
pub(crate) fn now(place: &Place, settings: &Settings) -> Result<String, String> {
    let reply = ask(
        place,
        settings,
        "current=temperature_2m,precipitation,wind_speed_10m",
    )?;
    let (values, units) = (&reply["current"], &reply["current_units"]);
    let shown = |name: &str| quantity(&values[name], &units[name]);
    Ok(format!(
        "{}, {} local time: {}, precipitation {}, wind {}",
        place.name,
        values["time"].as_str().ok_or_else(unreadable)?,
        shown("temperature_2m")?,
        shown("precipitation")?,
        shown("wind_speed_10m")?,
    ))
}

/// A line for each day.
pub(crate) fn forecast(place: &Place, days: u64, settings: &Settings) -> Result<String, String> {
    let wanted = "daily=temperature_2m_min,temperature_2m_max,precipitation_sum";
    let reply = ask(place, settings, &format!("{wanted}&forecast_days={days}"))?;
    let (values, units) = (&reply["daily"], &reply["daily_units"]);
    let dates = values["time"].as_array().ok_or_else(unreadable)?;
    let mut lines = Vec::new();
    for (day, date) in dates.iter().enumerate() {
        let shown = |name: &str| quantity(&values[name][day], &units[name]);
        lines.push(format!(
            "{} {}: {} to {}, precipitation {}",
            place.name,
            date.as_str().ok_or_else(unreadable)?,
            shown("temperature_2m_min")?,
            shown("temperature_2m_max")?,
            shown("precipitation_sum")?,
        ));
    }
    Ok(lines.join("\n"))
}

fn ask(place: &Place, settings: &Settings, wanted: &str) -> Result<Value, String> {
    let units = match settings.units {
        Units::Metric => "",
        Units::Imperial => {
            "&temperature_unit=fahrenheit&wind_speed_unit=mph&precipitation_unit=inch"
        }
    };
    let url = format!(
        "{}/v1/forecast?latitude={}&longitude={}&{wanted}&timezone=auto{units}",
        settings.server, place.latitude, place.longitude,
    );
    // Denied, not reached, or answered by another status than success: the host's sentence says which.
    let body = host::http_request("GET", &url, &[], None)
        .map_err(|why| format!("no answer of the weather service: {why}"))?;
    host::log(3, &format!("GET {url}: {} bytes", body.len()));
    serde_json::from_str(&body).map_err(|_| unreadable())
}

fn quantity(value: &Value, unit: &Value) -> Result<String, String> {
    let number = value.as_f64().ok_or_else(unreadable)?;
    Ok(format!("{number} {}", unit.as_str().unwrap_or_default()))
}

fn unreadable() -> String {
    "the weather service answered with something that is no forecast: try again later".to_owned()
}
