//! Whether the API would accept a result, and which part of the arguments is at fault if not.
//!
//! What the session already had is not reported: a service that allows more than is known here
//! must not make its sessions unchangeable.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::toolset::{
    identity::{Identity, Kind, Section},
    merge::{MergeResult, MergedEntry},
    patch::Toolset,
    problem::{Expected, Problem, ProblemKind},
    value::text,
    value_path::ValuePath,
};

const MOST_TOOLS: usize = 128;
const MOST_SERVERS: usize = 20;
const MOST_DOMAINS: usize = 64;
const LONGEST_SERVER_NAME: usize = 255;
const LONGEST_TOOL_NAME: usize = 128;
const POLICIES: [&str; 3] = ["always_allow", "always_ask", "auto"];

/// Adds every reason why the result cannot be sent.
pub(crate) fn check(current: &Toolset, result: &MergeResult<'_>, problems: &mut Vec<Problem>) {
    let mut check = Check { problems };
    check.size(Section::Tools, current.tools.len(), result.tools.len());
    check.size(
        Section::Servers,
        current.mcp_servers.len(),
        result.servers.len(),
    );
    for entry in &result.tools {
        check.tool(&ValuePath::of(Section::Tools, entry));
    }
    for entry in &result.servers {
        check.server(&ValuePath::of(Section::Servers, entry));
    }
    check.duplicates(Section::Tools, &result.tools);
    check.duplicates(Section::Servers, &result.servers);
    check.references(current, result);
}

struct Check<'p> {
    problems: &'p mut Vec<Problem>,
}

impl Check<'_> {
    fn report(&mut self, path: String, kind: ProblemKind) {
        self.problems.push(Problem { path, kind });
    }

    fn report_new(&mut self, path: &ValuePath<'_>, kind: ProblemKind) {
        if !path.is_old() {
            self.report(path.location(), kind);
        }
    }

    fn invalid(&mut self, path: &ValuePath<'_>, expected: Expected) {
        let found = path.value.cloned();
        self.report_new(path, ProblemKind::Invalid { found, expected });
    }

    /// The value must be there and valid.
    fn require(
        &mut self,
        path: &ValuePath<'_>,
        expected: Expected,
        is_valid: impl Fn(&Value) -> bool,
    ) -> bool {
        let valid = path.value.is_some_and(is_valid);
        if !valid {
            self.invalid(path, expected);
        }
        valid
    }

    /// The value must be valid, unless it is missing or null.
    fn allow(
        &mut self,
        path: &ValuePath<'_>,
        expected: Expected,
        is_valid: impl Fn(&Value) -> bool,
    ) -> bool {
        let valid = path.present().is_none_or(is_valid);
        if !valid {
            self.invalid(path, expected);
        }
        valid
    }

    fn size(&mut self, section: Section, before: usize, count: usize) {
        let most = match section {
            Section::Tools => MOST_TOOLS,
            Section::Servers => MOST_SERVERS,
        };
        if count > most && count > before {
            let kind = ProblemKind::TooManyEntries { count, most };
            self.report(section.name().to_owned(), kind);
        }
    }

    /// Whether the entry is an object with a type; without those nothing else can be checked.
    fn typed(&mut self, path: &ValuePath<'_>, expected: Expected) -> bool {
        self.require(path, Expected::Object, Value::is_object)
            && self.require(&path.key("type"), expected, |kind| {
                kind.as_str().is_some_and(|kind| !kind.is_empty())
            })
    }

    fn tool(&mut self, path: &ValuePath<'_>) {
        if !self.typed(path, Expected::ToolType) {
            return;
        }
        match path.value.map_or(Kind::Other, Kind::of) {
            Kind::BuiltIn => self.toolset(path),
            Kind::Mcp => {
                self.name(&path.key("mcp_server_name"), Expected::ServerReference);
                self.toolset(path);
            }
            Kind::Custom => self.custom(path),
            Kind::Other => {}
        }
    }

    fn name(&mut self, path: &ValuePath<'_>, expected: Expected) {
        self.require(path, expected, |name| {
            let length = name.as_str().map_or(0, |name| name.chars().count());
            (1..=LONGEST_SERVER_NAME).contains(&length)
        });
    }

    fn custom(&mut self, path: &ValuePath<'_>) {
        let is_text =
            |value: &Value, is_valid: fn(&str) -> bool| value.as_str().is_some_and(is_valid);
        self.require(&path.key("name"), Expected::CustomToolName, |name| {
            is_text(name, is_custom_tool_name)
        });
        self.require(&path.key("description"), Expected::Description, |value| {
            is_text(value, |description| !description.is_empty())
        });
        let schema = path.key("input_schema");
        let kind = schema.key("type");
        if self.require(&schema, Expected::InputSchema, Value::is_object)
            && kind.value.is_some_and(|kind| kind != "object")
        {
            self.invalid(&kind, Expected::InputSchemaType);
        }
        self.allow(&path.key("permission_policy"), Expected::NoPolicy, |_| {
            false
        });
    }

    fn toolset(&mut self, path: &ValuePath<'_>) {
        let default = path.key("default_config");
        if self.allow(&default, Expected::DefaultConfig, Value::is_object) {
            self.settings(&default);
        }
        let configs = path.key("configs");
        self.allow(&configs, Expected::Configs, Value::is_array);
        for config in configs.configs() {
            if self.require(&config, Expected::Config, Value::is_object) {
                self.name(&config.key("name"), Expected::ToolName);
                self.settings(&config);
                self.domains(&config);
            }
        }
        self.repeated_configs(&configs);
    }

    fn settings(&mut self, path: &ValuePath<'_>) {
        self.allow(&path.key("enabled"), Expected::Boolean, Value::is_boolean);
        let policy = path.key("permission_policy");
        if policy.present().is_some() && self.allow(&policy, Expected::Policy, Value::is_object) {
            self.require(&policy.key("type"), Expected::PolicyType, |kind| {
                kind.as_str().is_some_and(|kind| POLICIES.contains(&kind))
            });
        }
    }

    fn domains(&mut self, config: &ValuePath<'_>) {
        let lists = [config.key("allowed_domains"), config.key("blocked_domains")];
        for list in &lists {
            match list.present().and_then(Value::as_array) {
                Some(domains) if domains.len() > MOST_DOMAINS => {
                    self.report_new(list, ProblemKind::TooManyDomains(domains.len()));
                }
                _ => {
                    self.allow(list, Expected::Domains, |value| {
                        value.as_array().is_some_and(|domains| {
                            !domains.is_empty() && domains.iter().all(Value::is_string)
                        })
                    });
                }
            }
        }
        let [allowed, blocked] = &lists;
        if allowed.present().is_some() && blocked.present().is_some() {
            let newer = if blocked.is_old() { allowed } else { blocked };
            self.report_new(newer, ProblemKind::BothDomainLists);
        }
    }

    /// Looks at the arguments: merging has folded configs of one name into one.
    fn repeated_configs(&mut self, configs: &ValuePath<'_>) {
        let given = configs.given.and_then(Value::as_array);
        let path = configs.given_path.as_deref().unwrap_or_default();
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, config) in given.into_iter().flatten().enumerate() {
            let Some(name) = text(config, "name") else {
                continue;
            };
            let earlier = *first.entry(name).or_insert(index);
            if earlier < index {
                let kind = ProblemKind::RepeatedConfig {
                    name: name.to_owned(),
                    first: format!("{path}[{earlier}]"),
                };
                self.report(format!("{path}[{index}].name"), kind);
            }
        }
    }

    fn server(&mut self, path: &ValuePath<'_>) {
        let typed = self.typed(path, Expected::ServerType);
        if !path.value.is_some_and(Value::is_object) {
            return;
        }
        self.name(&path.key("name"), Expected::ServerName);
        let url = path.key("url");
        let is_url = !typed || path.key("type").value.is_some_and(|kind| kind == "url");
        // A server of an unknown type may be reached in another way than by an address.
        if is_url || url.present().is_some() {
            self.require(&url, Expected::HttpsUrl, |url| {
                url.as_str().is_some_and(is_https)
            });
        }
    }

    fn duplicates(&mut self, section: Section, entries: &[MergedEntry<'_>]) {
        let mut seen: BTreeMap<&Identity, &MergedEntry<'_>> = BTreeMap::new();
        for entry in entries {
            let Some(identity) = &entry.identity else {
                continue;
            };
            let Some(first) = seen.get(identity) else {
                seen.insert(identity, entry);
                continue;
            };
            // Two that the session already has do not matter until one of them is to change;
            // whether two may share an unknown type is for the service to say.
            match (entry.given.is_some(), first.given.is_some()) {
                (false, false) => continue,
                (true, true) if identity.is_vague() => continue,
                _ => {}
            }
            let kind = ProblemKind::RepeatedEntry {
                identity: identity.clone(),
                first: ValuePath::of(section, first).entry_location(),
            };
            self.report(ValuePath::of(section, entry).entry_location(), kind);
        }
    }

    /// MCP toolsets must refer to a server, unless they already did not before.
    fn references(&mut self, current: &Toolset, result: &MergeResult<'_>) {
        let servers = result.servers.iter();
        let servers: Vec<&str> = servers
            .filter_map(|each| text(&each.value, "name"))
            .collect();
        for entry in &result.tools {
            let Some(name) = text(&entry.value, "mcp_server_name") else {
                continue;
            };
            let mut before = current.mcp_servers.iter();
            let had = before.any(|server| text(server, "name") == Some(name));
            let was_dangling = entry.before.is_some() && !had;
            if Kind::of(&entry.value) != Kind::Mcp || servers.contains(&name) || was_dangling {
                continue;
            }
            let kind = ProblemKind::UnknownServer {
                name: name.to_owned(),
                removed: had,
                servers: servers.iter().map(|&name| name.to_owned()).collect(),
            };
            let path = ValuePath::of(Section::Tools, entry).key("mcp_server_name");
            self.report(path.location(), kind);
        }
    }
}

fn is_custom_tool_name(name: &str) -> bool {
    (1..=LONGEST_TOOL_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_https(url: &str) -> bool {
    let rest = url
        .split_at_checked(8)
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("https://"));
    let host = rest.and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty())
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}
