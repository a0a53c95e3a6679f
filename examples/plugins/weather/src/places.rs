//! The operator's places: a line each in `places/places.csv`, with a name, a latitude and a longitude.

use crate::dewclaw::plugin::host;

const FILE: &str = "places/places.csv";

pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// All of them. A line that cannot be read is left out, and the operator is told in the log.
pub(crate) fn read() -> Result<Vec<Place>, String> {
    let text = host::read_file(FILE).map_err(|why| format!("the places cannot be read: {why}"))?;
    let mut places = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        match place(line) {
            Some(place) => places.push(place),
            None if line.trim().is_empty() || line.starts_with('#') => {}
            None => host::log(
                1,
                &format!("{FILE}:{number}: not a name, a latitude and a longitude: {line}"),
            ),
        }
    }
    Ok(places)
}

pub(crate) fn find(name: &str) -> Result<Place, String> {
    let places = read()?;
    let known = names(&places);
    places
        .into_iter()
        .find(|place| place.name.eq_ignore_ascii_case(name.trim()))
        .ok_or_else(|| format!("there is no place \"{name}\": known are {known}"))
}

pub(crate) fn names(places: &[Place]) -> String {
    let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
    names.join(", ")
}

fn place(line: &str) -> Option<Place> {
    let mut parts = line.split(',').map(str::trim);
    let place = Place {
        name: parts.next()?.to_owned(),
        latitude: within(parts.next()?, 90.0)?,
        longitude: within(parts.next()?, 180.0)?,
    };
    (!place.name.is_empty() && parts.next().is_none()).then_some(place)
}

fn within(text: &str, most: f64) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.abs() <= most)
}
