//! What is wrong with a change of tools, what is worth a look, and how the service's answer
//! differs from what was asked.

use serde_json::{Value, json};

use crate::domain::{
    text,
    toolset::{
        BUILT_IN_TOOLS, Difference, Dropped, Expected, Identity, MOST_DOMAINS, NoUndo, Problem,
        ProblemKind, Section, Warning,
    },
    view::fit::LeftOut,
};

/// Longest value or name shown, in characters.
const SHOWN_CHARACTERS: usize = 80;
/// Longest list in a warning, in bytes.
const LISTED_BYTES: usize = 1_500;

/// One clause: path, what was found there, and what is allowed.
pub fn problem(problem: &Problem) -> String {
    let clause =
        |found: &str, allowed: &str| format!("{}: found {found}; allowed: {allowed}", problem.path);
    match &problem.kind {
        ProblemKind::Invalid(found, expected) => {
            let found = match (found, expected) {
                (Some(Value::Array(domains)), Expected::Domains)
                    if domains.len() > MOST_DOMAINS =>
                {
                    format!("{} domains", domains.len())
                }
                (Some(found), _) => value(found),
                (None, _) => "nothing".to_owned(),
            };
            clause(&found, self::expected(*expected))
        }
        ProblemKind::TooManyEntries(count, most) => {
            clause(&format!("{count} entries after the change"), &format!("at most {most}"))
        }
        ProblemKind::BothDomainLists => clause(
            "both allowed_domains and blocked_domains",
            "one of the two (in mode merge, null removes the other one)",
        ),
        ProblemKind::RepeatedConfig(name, first) => {
            clause(&format!("{} a second time, first at {first}", quoted(name)), "each tool once")
        }
        ProblemKind::RepeatedEntry(identity, first) => {
            clause(&format!("{} a second time, first at {first}", entry(identity)), "each one once")
        }
        ProblemKind::UnknownServer(name, servers) => {
            clause(&quoted(name), &server_after_the_change(servers))
        }
        ProblemKind::RemovedServer(name, servers) => clause(
            &format!("{}, whose server this change removes", quoted(name)),
            &server_after_the_change(servers),
        ),
        ProblemKind::NothingGiven => clause(
            "nothing to change",
            "at least one of tools, mcp_servers, remove_tools, remove_mcp_servers, remove_configs",
        ),
        ProblemKind::EmptyMerge => clause(
            "an empty array, which changes nothing in mode merge",
            "at least one entry; mode replace to clear it",
        ),
        ProblemKind::RemovalWithReplacement(section, count) => {
            let (array, argument) = (section.name(), section.removal_argument());
            let plural = if *count == 1 { "" } else { "s" };
            clause(
                &format!(
                    "{count} name{plural} beside {array}, which is already the whole new value"
                ),
                &format!("either {array} or {argument}, or mode merge"),
            )
        }
        ProblemKind::UnknownName(section, name, known) => {
            let nothing = || format!("nothing: the session has no {}", section.name());
            clause(&quoted(name), &list(known).unwrap_or_else(nothing))
        }
        ProblemKind::AmbiguousName(section, name, entries) => {
            let entries: Vec<_> = entries.iter().map(entry).collect();
            let (name, entries, array) = (quoted(name), entries.join(", "), section.name());
            clause(
                &format!("{name}, which is several entries: {entries}"),
                &format!("a name of one entry; or {array} without it, with mode replace"),
            )
        }
        ProblemKind::UnknownConfig(name, known) => {
            let nothing = || "nothing: no toolset of the session has configs".to_owned();
            clause(&quoted(name), &list(known).unwrap_or_else(nothing))
        }
        ProblemKind::AmbiguousConfig(name, configs) => {
            let configs = configs.iter();
            let configs =
                configs.map(|(toolset, tool)| format!("{} of {}", quoted(tool), entry(toolset)));
            let configs = configs.collect::<Vec<_>>().join(", ");
            clause(
                &format!("{}, which is several configs: {configs}", quoted(name)),
                "a name of one config; or tools without it, with mode replace",
            )
        }
        ProblemKind::ConfigRemovedAndGiven(name, path) => clause(
            &format!("{}, which is also given as {path}", quoted(name)),
            "each config once: to remove it or to change it",
        ),
        ProblemKind::RemovedAndGiven(section, name, index) => {
            let (name, array) = (quoted(name), section.name());
            clause(
                &format!("{name}, which is also given as {array}[{index}]"),
                "each name once: to remove it or to change it",
            )
        }
    }
}

fn server_after_the_change(servers: &[String]) -> String {
    let servers = list(servers).unwrap_or("none".to_owned());
    format!("a server of mcp_servers after the change: {servers}")
}

fn expected(expected: Expected) -> &'static str {
    match expected {
        Expected::Entry => "an object",
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
        Expected::Enabled => "true or false",
        Expected::Policy => "an object whose type is \"always_allow\", \"always_ask\" or \"auto\"",
        Expected::PolicyType => "\"always_allow\", \"always_ask\" or \"auto\"",
        Expected::Domains => "1 to 64 host names; leave it out to allow every host",
    }
}

/// What of a diff was too large to be shown.
pub(crate) fn not_shown(left_out: &LeftOut) -> Option<String> {
    let of = |name| left_out.get(name).copied().unwrap_or_default();
    let parts = [
        (of("input_schemas"), "input_schemas"),
        (of("entries"), "entries"),
        (of("bytes"), "bytes of long values"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, name)| format!("{count} {name}")).collect();
    (!parts.is_empty())
        .then(|| format!("changes is cut to the size of an answer: {}", parts.join(", ")))
}

/// One clause.
pub fn warning(warning: &Warning) -> String {
    match warning {
        Warning::RemovedWithServer(server) => {
            format!("the mcp_toolset of {} is removed together with its server", quoted(server))
        }
        Warning::UnusedServers(servers) => {
            let servers = listed(servers);
            format!("no toolset uses these servers: {servers}")
        }
        Warning::AddedWithoutToolset(server) => {
            let toolset = json!({"type": "mcp_toolset", "mcp_server_name": server});
            format!(
                "no toolset uses the server {}, so the session gets none of its tools; add this to \
                 tools: {}",
                quoted(server),
                text::json(&toolset)
            )
        }
        Warning::AddedWithoutVault(servers) => format!(
            "the session has no vault, so these servers get no credentials: {}; vaults are chosen \
             when a session is created",
            listed(servers)
        ),
        Warning::Dropped(dropped) => self::dropped(dropped),
        Warning::Overridden(path, tools) => {
            let tools = listed(tools);
            format!("{path}: the configs of these tools keep their own settings: {tools}")
        }
        Warning::UnknownTool(path, name) => {
            let (name, tools) = (quoted(name), BUILT_IN_TOOLS.join(", "));
            format!("{path}: {name} is not known; the tools are {tools}")
        }
        Warning::AlmostKnownType(path, meant) => {
            format!("{path}: this type is not known; {} may be meant", quoted(meant))
        }
        Warning::DefaultStaysOff(path) => format!(
            "{path}: the tools that follow this default are off (enabled false) and stay off; give \
             \"enabled\":true to turn them on"
        ),
        Warning::StaysOff(path) => format!(
            "{path}: this tool is off (enabled false) and stays off; give \"enabled\":true to turn \
             it on"
        ),
    }
}

fn dropped(dropped: &Dropped) -> String {
    let entries = |entries: &[Identity]| entries.iter().map(entry).collect::<Vec<_>>();
    let names = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>();
    let parts = [
        ("tools", entries(&dropped.tools)),
        ("mcp_servers", names(&dropped.servers)),
        ("configs", names(&dropped.configs)),
        ("default_config of", entries(&dropped.defaults)),
    ];
    let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<_> =
        parts.map(|(what, names)| format!("{what} {}", bounded(names.into_iter()))).collect();
    format!("mode replace drops what is not given: {}", parts.join("; "))
}

/// Why a change cannot be undone by one call.
pub(crate) fn no_undo(reason: &NoUndo) -> String {
    let reason = match reason {
        NoUndo::Refused(problems) => {
            let problems = bounded(problems.iter().map(problem));
            format!("what the session had would be refused if it were given: {problems}")
        }
        NoUndo::Inexact => "no single call restores what was exactly".to_owned(),
        NoUndo::Altered => "what the session had holds invisible characters or numbers that do \
                            not survive a copy of this answer"
            .to_owned(),
        NoUndo::TooLarge(bytes) => format!("its {bytes} bytes do not fit into an answer"),
    };
    format!("undo is left out: {reason}")
}

/// One clause, which begins with the path into the answer.
pub fn difference(difference: &Difference) -> String {
    let name = |section: &Section, value: &Value| match section.identity(value) {
        Some(identity) => entry(&identity),
        None => self::value(value),
    };
    match difference {
        Difference::MissingEntry(section, index, entry) => {
            let (array, entry) = (section.name(), name(section, entry));
            format!("{array}: {entry} is missing (asked for as entry {index})")
        }
        Difference::UnexpectedEntry(section, index, entry) => {
            let (array, entry) = (section.name(), name(section, entry));
            format!("{array}[{index}]: {entry} is there, but was not asked for")
        }
        Difference::UnexpectedProperty(path) => {
            format!("{path} is there, but was not asked for")
        }
        Difference::Value(path, answered, asked) => {
            let answered = answered.as_ref().map_or("missing".to_owned(), value);
            let asked = asked.as_ref().map_or("its default".to_owned(), value);
            format!("{path} is {answered}, expected {asked}")
        }
    }
}

/// `custom "get_weather"`, `server "linear"`, or the type alone.
fn entry(identity: &Identity) -> String {
    let kind = text::word(identity.kind.as_deref().unwrap_or("server"));
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

/// The names in quotes, as many as a warning may hold.
fn listed(names: &[String]) -> String {
    bounded(names.iter().map(|name| quoted(name)))
}

/// Joined with commas, as many as a warning may hold.
fn bounded(parts: impl Iterator<Item = String>) -> String {
    let (mut shown, mut more) = (String::new(), 0);
    for part in parts {
        if more > 0 || shown.len() + part.len() > LISTED_BYTES {
            more += 1;
        } else {
            let comma = if shown.is_empty() { "" } else { ", " };
            shown = format!("{shown}{comma}{part}");
        }
    }
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn quoted(name: &str) -> String {
    value(&Value::from(name))
}

fn value(value: &Value) -> String {
    text::json_within(value, SHOWN_CHARACTERS)
}
