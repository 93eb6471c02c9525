//! What is wrong with a change of tools, what is worth a look, and how the service's answer
//! differs from what was asked.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::domain::{
    text,
    toolset::{
        BUILT_IN_TOOLS, Difference, Expected, Identity, Problem, ProblemKind, Section, Warning,
    },
};

/// Longest value or name shown, in characters.
const SHOWN_CHARACTERS: usize = 80;

/// One clause: path, what was found there, and what is allowed.
#[must_use]
pub fn problem(problem: &Problem) -> String {
    let clause =
        |found: &str, allowed: &str| format!("{}: found {found}; allowed: {allowed}", problem.path);
    match &problem.kind {
        ProblemKind::Invalid { found, expected } => {
            let found = found.as_ref().map_or("nothing".to_owned(), value);
            clause(&found, self::expected(*expected))
        }
        ProblemKind::TooManyEntries { count, most } => clause(
            &format!("{count} entries after the change"),
            &format!("at most {most}"),
        ),
        ProblemKind::TooManyDomains(count) => {
            clause(&format!("{count} domains"), expected(Expected::Domains))
        }
        ProblemKind::BothDomainLists => clause(
            "both allowed_domains and blocked_domains",
            "one of the two (in mode merge, null removes the other one)",
        ),
        ProblemKind::RepeatedConfig { name, first } => {
            let found = format!("{} a second time, first at {first}", quoted(name));
            clause(&found, "each tool once")
        }
        ProblemKind::RepeatedEntry { identity, first } => {
            let found = format!("{} a second time, first at {first}", entry(identity));
            clause(&found, "each one once")
        }
        ProblemKind::UnknownServer {
            name,
            removed,
            servers,
        } => {
            let removed = if *removed {
                ", whose server this change removes"
            } else {
                ""
            };
            let servers = list(servers).unwrap_or("none".to_owned());
            clause(
                &format!("{}{removed}", quoted(name)),
                &format!("a server of mcp_servers after the change: {servers}"),
            )
        }
        ProblemKind::NothingGiven => clause(
            "nothing to change",
            "at least one of tools, mcp_servers, remove_tools, remove_mcp_servers",
        ),
        ProblemKind::EmptyMerge => clause(
            "an empty array, which changes nothing in mode merge",
            "at least one entry; mode replace to clear it",
        ),
        ProblemKind::RemovalWithReplacement { section, names } => {
            let (array, argument) = (section.name(), section.removal_argument());
            let names = if *names == 1 {
                "1 name".to_owned()
            } else {
                format!("{names} names")
            };
            clause(
                &format!("{names} beside {array}, which is already the whole new value"),
                &format!("either {array} or {argument}, or mode merge"),
            )
        }
        ProblemKind::UnknownName {
            name,
            section,
            known,
        } => {
            let nothing = || format!("nothing: the session has no {}", section.name());
            clause(&quoted(name), &list(known).unwrap_or_else(nothing))
        }
        ProblemKind::AmbiguousName {
            name,
            section,
            entries,
        } => {
            let entries: Vec<_> = entries.iter().map(entry).collect();
            let entries = entries.join(", ");
            let array = section.name();
            clause(
                &format!("{}, which is several entries: {entries}", quoted(name)),
                &format!("a name of one entry; or {array} without it, with mode replace"),
            )
        }
        ProblemKind::RemovedAndGiven {
            name,
            section,
            index,
        } => {
            let (name, array) = (quoted(name), section.name());
            clause(
                &format!("{name}, which is also given as {array}[{index}]"),
                "each name once: to remove it or to change it",
            )
        }
    }
}

fn expected(expected: Expected) -> &'static str {
    match expected {
        Expected::Object => "an object",
        Expected::ToolType => {
            "a tool type: \"agent_toolset_20260401\", \"mcp_toolset\", \"custom\""
        }
        Expected::ServerType => "\"url\"",
        Expected::ServerReference => "the name of a server in mcp_servers",
        Expected::ServerName => "a name of 1 to 255 characters",
        Expected::HttpsUrl => "an address that begins with https://",
        Expected::CustomToolName => "1 to 128 of the characters A-Z a-z 0-9 _ -",
        Expected::Description => "a text saying what the tool does",
        Expected::InputSchema => "a JSON Schema object, such as {\"type\":\"object\"}",
        Expected::InputSchemaType => "\"object\"",
        Expected::NoPolicy => "no permission_policy: the application itself runs custom tools",
        Expected::DefaultConfig => "an object with enabled, permission_policy",
        Expected::Configs => "an array of objects, each with the name of a tool",
        Expected::Config => "an object with the name of a tool",
        Expected::ToolName => "the name of a tool of this toolset",
        Expected::Boolean => "true or false",
        Expected::Policy => "an object whose type is \"always_allow\", \"always_ask\" or \"auto\"",
        Expected::PolicyType => "\"always_allow\", \"always_ask\" or \"auto\"",
        Expected::Domains => "1 to 64 host names; leave it out to allow every host",
    }
}

/// One clause.
#[must_use]
pub fn warning(warning: &Warning) -> String {
    match warning {
        Warning::RemovedWithServer(server) => {
            let server = quoted(server);
            format!("the mcp_toolset of {server} is removed together with its server")
        }
        Warning::UnusedServers(servers) => {
            let servers = list(servers).unwrap_or_default();
            format!("no toolset uses these servers: {servers}")
        }
        Warning::Overridden { path, tools } => {
            let tools = list(tools).unwrap_or_default();
            format!("{path}: the configs of these tools keep their own settings: {tools}")
        }
        Warning::UnknownTool { path, name } => {
            let (name, tools) = (quoted(name), BUILT_IN_TOOLS.join(", "));
            format!("{path}: {name} is not known; the tools are {tools}")
        }
    }
}

/// One clause, which begins with the path into the answer.
#[must_use]
pub fn difference(difference: &Difference) -> String {
    let name = |section: &Section, value: &Value| {
        let identity = section.identity(value);
        identity.map_or_else(|| self::value(value), |identity| entry(&identity))
    };
    match difference {
        Difference::MissingEntry {
            section,
            index,
            entry,
        } => {
            let (array, entry) = (section.name(), name(section, entry));
            format!("{array}: {entry} is missing (asked for as entry {index})")
        }
        Difference::UnexpectedEntry {
            section,
            index,
            entry,
        } => {
            let (array, entry) = (section.name(), name(section, entry));
            format!("{array}[{index}]: {entry} is there, but was not asked for")
        }
        Difference::UnexpectedProperty(path) => {
            format!("{path} is there, but was not asked for")
        }
        Difference::Value {
            path,
            answered,
            asked,
        } => {
            let answered = answered.as_ref().map_or("missing".to_owned(), value);
            let asked = asked.as_ref().map_or("its default".to_owned(), value);
            format!("{path} is {answered}, expected {asked}")
        }
    }
}

/// `custom "get_weather"`, `server "linear"`, or the type alone.
fn entry(identity: &Identity) -> String {
    let kind = text::shortened(
        identity.kind.as_deref().unwrap_or("server"),
        SHOWN_CHARACTERS,
    );
    match identity.mcp_server_name.as_ref().or(identity.name.as_ref()) {
        Some(name) => format!("{kind} {}", quoted(name)),
        None => kind,
    }
}

/// The names in quotes; `None` if there are none.
fn list(names: &[String]) -> Option<String> {
    let names: Vec<_> = names.iter().map(|name| quoted(name)).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn quoted(name: &str) -> String {
    value(&Value::from(name))
}

fn value(value: &Value) -> String {
    text::shortened(&text::json(value), SHOWN_CHARACTERS)
}
