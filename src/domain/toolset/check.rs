//! Whether the API would accept a result, and who is to blame if not.
//!
//! What already was so in the session is never held against the caller: a service that allows
//! more than is known here must not make its sessions unchangeable.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::toolset::{
    Problem, Toolset,
    identity::{Identity, Kind, Section, quoted},
    merge::{Entry, Outcome, found},
    spot::ValuePath,
    value::text,
};

const MOST_TOOLS: usize = 128;
const MOST_SERVERS: usize = 20;
const MOST_DOMAINS: usize = 64;
const LONGEST_SERVER_NAME: usize = 255;
const POLICIES: [&str; 3] = ["always_allow", "always_ask", "auto"];
const POLICY_WORDS: &str = "\"always_allow\", \"always_ask\" or \"auto\"";

/// Every reason for which the result cannot be sent.
pub(crate) fn check(current: &Toolset, outcome: &Outcome<'_>, problems: &mut Vec<Problem>) {
    let mut check = Check { problems };
    check.size(
        Section::Tools,
        current.tools.len(),
        &outcome.tools,
        MOST_TOOLS,
    );
    check.size(
        Section::Servers,
        current.mcp_servers.len(),
        &outcome.servers,
        MOST_SERVERS,
    );
    for entry in &outcome.tools {
        check.tool(&ValuePath::of(Section::Tools, entry));
    }
    for entry in &outcome.servers {
        check.server(&ValuePath::of(Section::Servers, entry));
    }
    check.duplicates(Section::Tools, &outcome.tools);
    check.duplicates(Section::Servers, &outcome.servers);
    check.dangling(current, outcome);
}

struct Check<'p> {
    problems: &'p mut Vec<Problem>,
}

impl Check<'_> {
    fn refuse(&mut self, spot: &ValuePath<'_>, allowed: &str) {
        self.refuse_as(spot, found(spot.value), allowed);
    }

    fn refuse_as(&mut self, spot: &ValuePath<'_>, found: String, allowed: &str) {
        if !spot.is_old() {
            self.problems
                .push(Problem::new(spot.path(), found, allowed));
        }
    }

    fn size(&mut self, which: Section, before: usize, entries: &[Entry<'_>], most: usize) {
        let now = entries.len();
        if now > most && now > before {
            self.problems.push(Problem::new(
                which.name(),
                format!("{now} entries after the change"),
                format!("at most {most}"),
            ));
        }
    }

    /// Whether the entry is an object that says what it is; without that nothing else can be said.
    fn typed(&mut self, spot: &ValuePath<'_>, types: &str) -> bool {
        if !spot.value.is_some_and(Value::is_object) {
            self.refuse(spot, "an object");
            return false;
        }
        let kind = spot.key("type");
        let known = kind
            .value
            .and_then(Value::as_str)
            .is_some_and(|kind| !kind.is_empty());
        if !known {
            self.refuse(&kind, types);
        }
        known
    }

    fn tool(&mut self, spot: &ValuePath<'_>) {
        let types = "a tool type: \"agent_toolset_20260401\", \"mcp_toolset\", \"custom\"";
        if !self.typed(spot, types) {
            return;
        }
        match spot.value.map_or(Kind::Other, Kind::of) {
            Kind::BuiltIn => self.toolset(spot),
            Kind::Mcp => {
                self.name(
                    &spot.key("mcp_server_name"),
                    "the name of a server in mcp_servers",
                );
                self.toolset(spot);
            }
            Kind::Custom => self.custom(spot),
            Kind::Other => {}
        }
    }

    fn name(&mut self, spot: &ValuePath<'_>, allowed: &str) {
        let length = spot
            .value
            .and_then(Value::as_str)
            .map_or(0, |name| name.chars().count());
        if !(1..=LONGEST_SERVER_NAME).contains(&length) {
            self.refuse(spot, allowed);
        }
    }

    fn custom(&mut self, spot: &ValuePath<'_>) {
        let name = spot.key("name");
        let fits = |name: &str| {
            (1..=128).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        if !name.value.and_then(Value::as_str).is_some_and(fits) {
            self.refuse(&name, "1 to 128 of the characters A-Z a-z 0-9 _ -");
        }
        let description = spot.key("description");
        if spot
            .value
            .and_then(|tool| text(tool, "description"))
            .is_none()
        {
            self.refuse(&description, "a text saying what the tool does");
        }
        let schema = spot.key("input_schema");
        let kind = schema.key("type");
        if !schema.value.is_some_and(Value::is_object) {
            self.refuse(
                &schema,
                "a JSON Schema object, such as {\"type\":\"object\"}",
            );
        } else if kind.value.is_some_and(|kind| kind != "object") {
            self.refuse(&kind, "\"object\"");
        }
        let policy = spot.key("permission_policy");
        if policy.set().is_some() {
            self.refuse(
                &policy,
                "no permission_policy: the application itself runs custom tools",
            );
        }
    }

    fn toolset(&mut self, spot: &ValuePath<'_>) {
        let default = spot.key("default_config");
        if let Some(value) = default.set() {
            if value.is_object() {
                self.settings(&default);
            } else {
                self.refuse(&default, "an object with enabled, permission_policy");
            }
        }
        let configs = spot.key("configs");
        if configs.set().is_some_and(|configs| !configs.is_array()) {
            self.refuse(
                &configs,
                "an array of objects, each with the name of a tool",
            );
        }
        for config in configs.configs() {
            if !config.value.is_some_and(Value::is_object) {
                self.refuse(&config, "an object with the name of a tool");
                continue;
            }
            self.name(&config.key("name"), "the name of a tool of this toolset");
            self.settings(&config);
            self.domains(&config);
        }
        self.repeated_configs(&configs);
    }

    fn settings(&mut self, spot: &ValuePath<'_>) {
        let enabled = spot.key("enabled");
        if enabled.set().is_some_and(|enabled| !enabled.is_boolean()) {
            self.refuse(&enabled, "true or false");
        }
        let policy = spot.key("permission_policy");
        let Some(value) = policy.set() else { return };
        if !value.is_object() {
            self.refuse(&policy, &format!("an object whose type is {POLICY_WORDS}"));
            return;
        }
        let kind = policy.key("type");
        if !kind
            .value
            .and_then(Value::as_str)
            .is_some_and(|kind| POLICIES.contains(&kind))
        {
            self.refuse(&kind, POLICY_WORDS);
        }
    }

    fn domains(&mut self, config: &ValuePath<'_>) {
        let lists = [config.key("allowed_domains"), config.key("blocked_domains")];
        for list in &lists {
            let Some(value) = list.set() else { continue };
            let fits = value.as_array().is_some_and(|domains| {
                (1..=MOST_DOMAINS).contains(&domains.len()) && domains.iter().all(Value::is_string)
            });
            if !fits {
                let found = match value.as_array() {
                    Some(domains) if domains.len() > MOST_DOMAINS => {
                        format!("{} domains", domains.len())
                    }
                    _ => found(Some(value)),
                };
                self.refuse_as(
                    list,
                    found,
                    "1 to 64 host names; leave it out to allow every host",
                );
            }
        }
        let [allowed, blocked] = &lists;
        if allowed.set().is_some() && blocked.set().is_some() {
            let newer = if blocked.is_old() { allowed } else { blocked };
            self.refuse_as(
                newer,
                "both allowed_domains and blocked_domains".to_owned(),
                "one of the two (in mode merge, null takes the other one away)",
            );
        }
    }

    /// Looks at the arguments: merging folds configs of one name into one.
    fn repeated_configs(&mut self, configs: &ValuePath<'_>) {
        let given = configs
            .given
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let path = configs.given_path.as_deref().unwrap_or_default();
        for (index, config) in given.iter().enumerate() {
            let Some(name) = text(config, "name") else {
                continue;
            };
            let first = given
                .iter()
                .position(|other| text(other, "name") == Some(name));
            if let Some(first) = first.filter(|first| *first < index) {
                self.problems.push(Problem::new(
                    format!("{path}[{index}].name"),
                    format!("{} a second time, first at {path}[{first}]", quoted(name)),
                    "each tool once",
                ));
            }
        }
    }

    fn server(&mut self, spot: &ValuePath<'_>) {
        let typed = self.typed(spot, "\"url\"");
        if !spot.value.is_some_and(Value::is_object) {
            return;
        }
        self.name(&spot.key("name"), "a name of 1 to 255 characters");
        let url = spot.key("url");
        let is_url = !typed || spot.key("type").value.is_some_and(|kind| kind == "url");
        // A server of a type not known here may be reached in another way than by an address.
        let needed = is_url || url.set().is_some();
        if needed && !url.value.and_then(Value::as_str).is_some_and(is_https) {
            self.refuse(&url, "an address that begins with https://");
        }
    }

    fn duplicates(&mut self, which: Section, entries: &[Entry<'_>]) {
        let mut seen: BTreeMap<&Identity, &Entry<'_>> = BTreeMap::new();
        for entry in entries {
            let Some(identity) = &entry.identity else {
                continue;
            };
            let Some(first) = seen.get(identity) else {
                seen.insert(identity, entry);
                continue;
            };
            let given = [entry, first].map(|entry| entry.given.is_some());
            // Two that the service has itself are its own affair, until one of them is meant; and
            // what it makes of two that only share a type it has to say itself.
            if given == [false, false] || (given == [true, true] && identity.is_vague()) {
                continue;
            }
            self.problems.push(Problem::new(
                ValuePath::of(which, entry).path_of_entry(),
                format!(
                    "{identity} a second time, first at {}",
                    ValuePath::of(which, first).path_of_entry()
                ),
                "each one once",
            ));
        }
    }

    fn dangling(&mut self, current: &Toolset, outcome: &Outcome<'_>) {
        let has = |name: &str| {
            outcome
                .servers
                .iter()
                .any(|server| text(&server.value, "name") == Some(name))
        };
        let had = |name: &str| {
            current
                .mcp_servers
                .iter()
                .any(|server| text(server, "name") == Some(name))
        };
        for entry in &outcome.tools {
            let Some(name) = text(&entry.value, "mcp_server_name") else {
                continue;
            };
            let dangled = entry.before.is_some() && !had(name);
            if Kind::of(&entry.value) != Kind::Mcp || has(name) || dangled {
                continue;
            }
            let servers: Vec<_> = outcome
                .servers
                .iter()
                .filter_map(|server| text(&server.value, "name"))
                .map(quoted)
                .collect();
            let servers = if servers.is_empty() {
                "none".to_owned()
            } else {
                servers.join(", ")
            };
            let lost = if had(name) {
                ", whose server this change takes away"
            } else {
                ""
            };
            self.problems.push(Problem::new(
                ValuePath::of(Section::Tools, entry)
                    .key("mcp_server_name")
                    .path(),
                format!("{}{lost}", quoted(name)),
                format!("a server of mcp_servers after the change: {servers}"),
            ));
        }
    }
}

fn is_https(url: &str) -> bool {
    let host = url
        .get(..8)
        .filter(|scheme| scheme.eq_ignore_ascii_case("https://"))
        .and_then(|_| url.get(8..))
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty())
        && !url
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
}
