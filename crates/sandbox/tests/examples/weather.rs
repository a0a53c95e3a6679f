//! examples/plugins/weather: the weather, from a server that is Open-Meteo to it.

use std::sync::OnceLock;

use dewclaw_sandbox::audit::Verdict;
use dewclaw_sandbox::egress::Egress;
use dewclaw_sandbox::policy::Policy;
use dewclaw_sandbox::sandbox::component_imports;

use crate::built::{Example, Loaded};
use crate::open_meteo::OpenMeteo;

const NOW: &str = r#"{"current_units":{"time":"iso8601","temperature_2m":"°C","precipitation":"mm","wind_speed_10m":"km/h"},
 "current":{"time":"2026-11-21T15:00","interval":900,"temperature_2m":7.3,"precipitation":0.0,"wind_speed_10m":12.6}}"#;

const TWO_DAYS: &str = r#"{"daily_units":{"temperature_2m_min":"°F","temperature_2m_max":"°F","precipitation_sum":"inch"},
 "daily":{"time":["2026-11-21","2026-11-22"],"temperature_2m_min":[37.1,35],"temperature_2m_max":[46.5,41],
 "precipitation_sum":[0,0.12]}}"#;

fn example() -> &'static Example {
    static EXAMPLE: OnceLock<Example> = OnceLock::new();
    EXAMPLE.get_or_init(|| Example::build("weather"))
}

/// With its own policy.
fn granted(egress: Egress, variables: &'static [(&'static str, &'static str)]) -> Loaded {
    let example = example();
    example.load(&example.policy(), egress, variables).unwrap()
}

#[tokio::test]
async fn it_tells_the_weather_of_the_operators_places() {
    let (server, egress) = OpenMeteo::answering("200 OK", NOW).await;
    let weather = granted(egress, &[]);
    assert_eq!(
        weather.call("places", "{}").await.unwrap(),
        "greenhouse, orchard, boat house"
    );
    assert_eq!(
        weather
            .call("now", r#"{"place":"Boat House"}"#)
            .await
            .unwrap(),
        "boat house, 2026-11-21T15:00 local time: 7.3 °C, precipitation 0 mm, wind 12.6 km/h"
    );
    assert_eq!(
        server.asked(),
        [
            "/v1/forecast?latitude=54.32&longitude=10.13&current=temperature_2m,precipitation,wind_speed_10m&timezone=auto"
        ]
    );
    // Everything that it asked the host for is in its trail, with the line of the policy that let it.
    let trail = weather.trail();
    let read = trail
        .iter()
        .find(|entry| entry.function == "read-file")
        .unwrap();
    assert_eq!(
        (read.verdict, read.rule.as_str(), read.summary.as_str()),
        (
            Verdict::Permitted,
            "policy.toml:7 filesystem \"read-only places\"",
            "places/places.csv"
        )
    );
    let asked = trail
        .iter()
        .find(|entry| entry.function == "http-request")
        .unwrap();
    assert!(
        asked
            .summary
            .starts_with("GET https://api.open-meteo.com/v1/forecast?"),
        "{}",
        asked.summary
    );
    assert!(
        asked.rule.starts_with("policy.toml:5 network"),
        "{}",
        asked.rule
    );
    let of_log = trail.iter().filter(|entry| entry.function == "log");
    assert_eq!(of_log.count(), 1);
}

#[tokio::test]
async fn its_settings_are_the_operators() {
    let (server, egress) = OpenMeteo::answering("200 OK", TWO_DAYS).await;
    let weather = granted(egress, &[("WEATHER_UNITS", "imperial")]);
    assert_eq!(
        weather
            .call("forecast", r#"{"place":"orchard","days":2}"#)
            .await
            .unwrap(),
        "orchard 2026-11-21: 37.1 °F to 46.5 °F, precipitation 0 inch\n\
         orchard 2026-11-22: 35 °F to 41 °F, precipitation 0.12 inch"
    );
    let asked = server.asked();
    assert!(
        asked[0].contains("&forecast_days=2&") && asked[0].contains("&temperature_unit=fahrenheit"),
        "{asked:?}"
    );
    let (_, egress) = OpenMeteo::answering("200 OK", NOW).await;
    let weather = granted(egress, &[("WEATHER_UNITS", "kelvin")]);
    let refused = weather.call("places", "{}").await.unwrap_err();
    assert!(
        refused.contains("WEATHER_UNITS is \"kelvin\": it must be metric or imperial"),
        "{refused}"
    );
    // The variable is granted; a host is only by a line of its own.
    let weather = granted(
        Egress::system(),
        &[("WEATHER_URL", "https://weather.example.com/")],
    );
    let refused = weather.call("now", r#"{"place":"orchard"}"#).await;
    assert_eq!(
        refused.unwrap_err(),
        "no answer of the weather service: host denied: https://weather.example.com:443 is not granted to this plugin"
    );
}

#[tokio::test]
async fn a_model_is_told_what_to_change() {
    let (server, egress) = OpenMeteo::answering("200 OK", NOW).await;
    let weather = granted(egress, &[]);
    for (tool, json, says) in [
        (
            "now",
            r#"{"place":"moon"}"#,
            "there is no place \"moon\": known are greenhouse, orchard, boat house",
        ),
        ("now", "{}", "place is missing: give a text"),
        ("now", r#"{"place":7}"#, "place is 7: give a text"),
        (
            "now",
            r#"{"place":"orchard","days":2}"#,
            "there is no argument \"days\": known are place",
        ),
        (
            "places",
            r#"{"all":true}"#,
            "there is no argument \"all\": give none",
        ),
        (
            "forecast",
            r#"{"place":"orchard","days":8}"#,
            "days is 8: give a whole number from 1 to 7",
        ),
        (
            "forecast",
            r#"{"place":"orchard","days":"2"}"#,
            "days is \"2\": give a whole number from 1 to 7",
        ),
        (
            "tomorrow",
            "{}",
            "there is no tool \"tomorrow\": the tools are places, now and forecast",
        ),
        ("now", "[]", "the arguments are no JSON object"),
        (
            "now",
            "{",
            "the arguments are no JSON: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        assert_eq!(
            weather.call(tool, json).await.unwrap_err(),
            says,
            "{tool} {json}"
        );
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_service_that_fails_is_told_as_it_is() {
    for (status, body, says) in [
        (
            "400 Bad Request",
            r#"{"error":true,"reason":"Latitude must be in range"}"#,
            "no answer of the weather service: the server answered 400 Bad Request: {\"error\":true,\"reason\":\"Latitude must be in range\"}",
        ),
        (
            "200 OK",
            "<html>",
            "the weather service answered with something that is no forecast: try again later",
        ),
        (
            "200 OK",
            r#"{"current":{"time":"2026-11-21T15:00"}}"#,
            "the weather service answered with something that is no forecast: try again later",
        ),
    ] {
        let (_, egress) = OpenMeteo::answering(status, body).await;
        let weather = granted(egress, &[]);
        let refused = weather.call("now", r#"{"place":"orchard"}"#).await;
        assert_eq!(refused.unwrap_err(), says);
    }
}

#[tokio::test]
async fn nothing_is_granted_without_a_policy() {
    let weather = example()
        .load(&Policy::none("policy.toml"), Egress::system(), &[])
        .unwrap();
    assert_eq!(
        weather.call("places", "{}").await.unwrap_err(),
        "the places cannot be read: file denied: places/places.csv: no such access is granted to this plugin"
    );
    let trail = weather.trail();
    let denied = trail
        .iter()
        .find(|entry| entry.function == "read-file")
        .unwrap();
    assert_eq!(denied.verdict, Verdict::Denied);
    assert!(
        denied
            .error
            .as_deref()
            .unwrap()
            .contains("filesystem = [\"read-only places\"]"),
        "{denied:?}"
    );
    // What it asks for is what its policy grants.
    let shown = granted(Egress::system(), &[])
        .plugin
        .effective()
        .to_string();
    assert!(
        shown.contains(" yes ") && !shown.contains(" no ") && !shown.contains(" only "),
        "{shown}"
    );
}

#[tokio::test]
async fn it_needs_nothing_of_wasi_and_no_limit_raised() {
    let example = example();
    assert_eq!(
        component_imports(&example.module).unwrap(),
        ["dewclaw:plugin/host@0.1.0"]
    );
    let weather = granted(Egress::system(), &[]);
    let described = weather.plugin.describe().await.unwrap();
    let cargo = std::fs::read_to_string(example.folder().join("Cargo.toml")).unwrap();
    assert!(cargo.contains(&format!("name = \"{}\"\n", described.name)));
    assert!(cargo.contains(&format!("version = \"{}\"\n", described.version)));
    let names: Vec<&str> = described
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(names, ["places", "now", "forecast"]);
}
