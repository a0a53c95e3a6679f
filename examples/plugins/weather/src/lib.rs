//! The weather of the operator's own places: a plugin of Dewclaw.
//!
//! What it reaches is what its manifest asks for: one host, one folder, two variables.

mod arguments;
mod open_meteo;
mod places;
mod settings;

use arguments::Arguments;
use exports::dewclaw::plugin::tools::Guest;

wit_bindgen::generate!({
    path: "../../../wit/plugin",
    world: "plugin",
});

struct Weather;

impl Guest for Weather {
    fn init() -> Result<(), String> {
        // A wrong setting is told before the first tool, and not by each of them.
        settings::read().map(|_| ())
    }

    fn describe() -> String {
        include_str!("description.json").to_owned()
    }

    fn execute_tool(tool_name: String, params_json: String) -> Result<String, String> {
        let arguments = Arguments::read(&params_json)?;
        match tool_name.as_str() {
            "places" => {
                arguments.only(&[])?;
                Ok(places::names(&places::read()?))
            }
            "now" => {
                arguments.only(&["place"])?;
                let place = places::find(arguments.text("place")?)?;
                open_meteo::now(&place, &settings::read()?)
            }
            "forecast" => {
                arguments.only(&["place", "days"])?;
                let place = places::find(arguments.text("place")?)?;
                let days = arguments.number("days", 1, 7, 3)?;
                open_meteo::forecast(&place, days, &settings::read()?)
            }
            other => Err(format!(
                "there is no tool \"{other}\": the tools are places, now and forecast"
            )),
        }
    }
}

export!(Weather);
