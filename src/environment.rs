//! The process environment, read once, without unset and placeholder values.

use std::{collections::BTreeMap, fmt};

/// The placeholder for a key in the generated configuration of MCP hosts.
pub const YOUR_API_KEY: &str = "YOUR_API_KEY";

const KEYS: [&str; 2] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// The environment variables that have a value.
///
/// Blank values count as unset, and so do literal `${user_config.…}` placeholders: MCP bundles
/// pass optional settings that were left blank that way. Any other placeholder (`${input:…}`,
/// [`YOUR_API_KEY`]) counts as unset for a key only; elsewhere it is an error, since ignoring it
/// could loosen a restriction.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the environment of this process, ignoring values that are not Unicode.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of `name`, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same without surrounding white space.
    pub(crate) fn trimmed(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(variables.filter(|(name, value)| is_set(name, value)).collect())
    }
}

fn is_set(name: &str, value: &str) -> bool {
    let value = value.trim();
    let is_placeholder = |prefix| value.starts_with(prefix) && value.ends_with('}');
    let lacks_key = KEYS.contains(&name) && (is_placeholder("${") || value == YOUR_API_KEY);
    !(value.is_empty() || is_placeholder("${user_config.") || lacks_key)
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::environment::Environment;

    #[test]
    fn a_placeholder_key_counts_as_unset() {
        for (value, expected) in [
            ("sk-ant-key", true),
            ("${user_config.api_key}", false),
            ("${input:anthropic-api-key}", false),
            (" ${ANTHROPIC_API_KEY} ", false),
            ("YOUR_API_KEY", false),
        ] {
            let environment = Environment::from_iter([("ANTHROPIC_API_KEY", value)]);
            let is_set = environment.get("ANTHROPIC_API_KEY").is_some();
            assert_eq!(is_set, expected, "{value}");
        }
    }
}
