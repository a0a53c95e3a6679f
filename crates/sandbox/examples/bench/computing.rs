//! What the protections cost guests that compute: real kernels, without any, with each, and in the sandbox. In processor time, which
//! other work on the machine moves less than the clock.

use std::time::Duration;

use dewclaw_sandbox::engine::{Caps, Engine, ModuleSize, Plugin, PluginOptions, Reuse};
use wasmtime::component::Component;
use wasmtime::{Config, OptLevel};

use crate::bare::{Bare, Keeping, Protections};
use crate::guests;
use crate::report::{Aim, Row, median, micros, processor_time};

const KERNELS: [&str; 8] = [
    "sha-256",
    "sort",
    "matrix multiply",
    "json",
    "n-body",
    "mandelbrot",
    "hash table",
    "edit distance",
];

/// A kernel runs at least so long without protections: a store's beginning and end are nothing beside it.
const AT_LEAST: Duration = Duration::from_millis(15);

const NONE: Protections = Protections {
    fuel: false,
    epochs: false,
    limiter: false,
};

/// Wasmtime alone, with code for these protections.
fn bare(bytes: &[u8], protections: Protections) -> Bare {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(protections.fuel)
        .epoch_interruption(protections.epochs);
    let engine = wasmtime::Engine::new(&config).expect("an engine");
    let component = Component::from_binary(&engine, bytes).expect("a component");
    Bare::new(&component, false, protections)
}

pub(crate) fn measure(engine: &Engine, count: usize, mut show: impl FnMut(Row)) {
    let bytes = guests::kernels();
    let options = PluginOptions {
        reuse: Reuse::Fresh,
        module_size: ModuleSize::default(),
        caps: Caps {
            fuel: u64::MAX,
            ..Caps::default()
        },
        ..PluginOptions::default()
    };
    let plugin = Plugin::load(engine, &bytes, &Keeping::default(), options).expect("a plugin");
    let none = bare(&bytes, NONE);
    let fuel = bare(&bytes, Protections { fuel: true, ..NONE });
    let epochs = bare(
        &bytes,
        Protections {
            epochs: true,
            ..NONE
        },
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let on = |bare: &Bare, kernel: &str, times: &str| {
        let began = processor_time();
        let answer = runtime.block_on(bare.call_fresh(kernel, times));
        (processor_time() - began, answer)
    };
    let mut logarithms = [0.0; 3];
    for kernel in KERNELS {
        let mut times = 1;
        while on(&none, kernel, &times.to_string()).0 < AT_LEAST {
            times *= 2;
        }
        let times = times.to_string();
        let mut rounds = Vec::new();
        for _ in 0..count {
            let (without, answer) = on(&none, kernel, &times);
            let (fuel, _) = on(&fuel, kernel, &times);
            let (epochs, _) = on(&epochs, kernel, &times);
            let began = processor_time();
            let call = plugin.call(kernel, times.as_str());
            assert_eq!(runtime.block_on(call).expect("it runs"), answer, "{kernel}");
            let sandbox = processor_time() - began;
            rounds.push([without, fuel, epochs, sandbox].map(|time| time.as_secs_f64()));
        }
        let of = |side: usize| median(rounds.iter().map(|round| round[side] / round[0]));
        let ratios = [of(1), of(2), of(3)];
        for (sum, ratio) in logarithms.iter_mut().zip(ratios) {
            *sum += ratio.ln();
        }
        show(Row {
            name: format!(
                "computing: {kernel} (fuel alone {:.2}, epochs alone {:.2})",
                ratios[0], ratios[1]
            ),
            bare: micros(median(rounds.iter().map(|round| round[0]))),
            sandbox: micros(median(rounds.iter().map(|round| round[3]))),
            value: ratios[2],
            unit: "×",
            aim: Aim::None,
        });
    }
    let [fuel, epochs, all] = logarithms.map(|sum| (sum / KERNELS.len() as f64).exp());
    show(Row {
        name: format!(
            "computing guests, all protections over none, geometric mean (fuel alone {fuel:.2}, epochs alone {epochs:.2})"
        ),
        bare: "no protection".into(),
        sandbox: "all".into(),
        value: all,
        unit: "×",
        aim: Aim::AtMost(1.3),
    });
}
