//! Keys and tokens: what people paste in their place, and around them.

/// The placeholder for a key in the generated configuration of MCP hosts.
pub const YOUR_API_KEY: &str = "YOUR_API_KEY";

/// The value of a variable that holds a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// Nothing.
    Unset,
    /// Text that stands for a key which nobody filled in.
    Placeholder,
    /// The key, without quotes and `Bearer` around it.
    Value(&'a str),
}

impl<'a> Key<'a> {
    /// Reads the text of the variable `name`.
    pub(super) fn read(name: &str, text: &'a str) -> Self {
        // A whole line of an env file.
        let value = text.strip_prefix("export ").unwrap_or(text).strip_prefix(name);
        let value = value.and_then(|rest| rest.strip_prefix('='));
        match bare(value.unwrap_or(text)) {
            "" => Self::Unset,
            text if is_placeholder(text) => Self::Placeholder,
            text => Self::Value(text),
        }
    }
}

/// Quotes survive where nothing parses them: in env files, in fields of a form, in pasted prose.
const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];

fn bare(text: &str) -> &str {
    let text = text.trim();
    let inner = |(open, close)| text.strip_prefix(open)?.strip_suffix(close);
    if let Some(inner) = QUOTES.into_iter().find_map(inner) {
        return bare(inner);
    }
    match text.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => bare(token),
        _ => text,
    }
}

/// What a template leaves where a value should be.
const STAND_INS: [&str; 9] = [
    "changeme",
    "change-me",
    "change_me",
    "replaceme",
    "replace-me",
    "replace_me",
    "placeholder",
    "undefined",
    "null",
];

fn is_placeholder(text: &str) -> bool {
    let lowercase = text.to_lowercase();
    let is_within = |open, close| lowercase.starts_with(open) && lowercase.ends_with(close);
    // `sk-ant-your-key`, `sk-ant-api03-xxxx`
    let named = ["sk-", "ant-", "api03-", "oat01-"]
        .into_iter()
        .fold(lowercase.as_str(), |rest, prefix| rest.strip_prefix(prefix).unwrap_or(rest));
    let is_masked = named.chars().count() >= 3 && named.chars().all(|c| "x*•-_".contains(c));
    lowercase.contains('…')
        || lowercase.contains("...")
        || lowercase.contains("${")
        || is_within('<', '>')
        || is_within('{', '}')
        || is_within('[', ']')
        || is_variable(&lowercase)
        || is_masked
        // A reference that a secret manager should have resolved.
        || lowercase.starts_with("op://")
        || STAND_INS.contains(&named)
        || ["your-", "your_", "your "].iter().any(|start| named.starts_with(start))
}

/// Whether this is `$NAME`, `$env:NAME`, `$(command)` or `%NAME%`, which no shell has expanded.
pub(super) fn is_variable(text: &str) -> bool {
    let begins_name = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{' || c == '(')
    };
    match (text.strip_prefix('$'), text.strip_prefix('%')) {
        (Some(rest), _) => begins_name(rest),
        (_, Some(rest)) => begins_name(rest) && rest.contains('%'),
        _ => false,
    }
}
