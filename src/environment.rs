//! The process environment, read once, with the placeholders of hosts dropped.

use std::collections::BTreeMap;

/// What stands in the entries of hosts where a person is to put a key.
pub const YOUR_API_KEY: &str = "YOUR_API_KEY";

/// The variables in which a key stands.
const KEYS: [&str; 2] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// The environment variables that are set to something.
///
/// Empty values count as unset, and so do literal `${user_config.…}` placeholders: that is what
/// an optional setting left blank in an MCP bundle arrives as. A key that was not filled in in
/// any other way (`${input:…}`, [`YOUR_API_KEY`]) is none either; other settings of that form are
/// mistakes, since leaving them out could allow more than was meant.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the environment of this process; values that are not Unicode are left out.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of `name`, if it is set to something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let set = |name: &String, value: &String| {
            let value = value.trim();
            let begins = |start| value.starts_with(start) && value.ends_with('}');
            let is_no_key =
                KEYS.contains(&name.as_str()) && (begins("${") || value == YOUR_API_KEY);
            !(value.is_empty() || begins("${user_config.") || is_no_key)
        };
        let pairs = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(pairs.filter(|(name, value)| set(name, value)).collect())
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::environment::Environment;

    #[test]
    fn a_key_that_is_still_a_placeholder_is_none() {
        let check = |value: &str, expected: bool| {
            let environment = Environment::from_iter([("ANTHROPIC_API_KEY", value)]);
            let is_set = environment.get("ANTHROPIC_API_KEY").is_some();
            assert_eq!(is_set, expected, "{value}");
        };
        check("sk-ant-key", true);
        check("${user_config.api_key}", false);
        check("${input:anthropic-api-key}", false);
        check(" ${ANTHROPIC_API_KEY} ", false);
        check("YOUR_API_KEY", false);
    }
}
