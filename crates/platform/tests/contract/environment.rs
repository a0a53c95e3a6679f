//! The contract of `Environment`.

use dewclaw_platform::Environment;

/// No system sets it.
const NAME: &str = "DEWCLAW_CONTRACT_VARIABLE_OF_THIS_TEST";

/// A variable that is not set has no value, which is not the empty one.
pub(crate) fn missing_is_none(environment: &mut dyn Environment) {
    assert_eq!(environment.var(NAME), None);
    environment.set_var(NAME, "");
    assert_eq!(environment.var(NAME), Some(""));
}

/// What is set is seen, and set again is replaced; others stay.
pub(crate) fn set_is_seen(environment: &mut dyn Environment) {
    let other = [NAME, "_OTHER"].concat();
    environment.set_var(&other, "other");
    environment.set_var(NAME, "one");
    assert_eq!(environment.var(NAME), Some("one"));
    environment.set_var(NAME, "two = zwei \u{e9}\n");
    assert_eq!(environment.var(NAME), Some("two = zwei \u{e9}\n"));
    assert_eq!(environment.var(&other), Some("other"));
}

/// Names are compared as they are: their case counts, and no part of one is another.
pub(crate) fn names_are_exact(environment: &mut dyn Environment) {
    environment.set_var(NAME, "value");
    assert_eq!(environment.var(&NAME.to_ascii_lowercase()), None);
    assert_eq!(environment.var(&NAME[1..]), None);
    assert_eq!(environment.var(""), None);
}

/// What one instance sets, one made afresh does not see.
pub(crate) fn set_does_not_outlive(mut fresh: impl FnMut() -> Box<dyn Environment>) {
    let mut first = fresh();
    first.set_var(NAME, "mine");
    assert_eq!(first.var(NAME), Some("mine"));
    assert_eq!(fresh().var(NAME), None);
}

/// One `#[test]` for each of the above over environments made by `$fresh`.
macro_rules! environment_contract {
    ($fresh:expr) => {
        environment_contract! { @each $fresh; missing_is_none, set_is_seen, names_are_exact }

        #[test]
        fn set_does_not_outlive() {
            crate::environment::set_does_not_outlive(|| Box::new($fresh()));
        }
    };
    (@each $fresh:expr; $($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                crate::environment::$name(&mut $fresh());
            }
        )*
    };
}
