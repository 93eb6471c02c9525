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

/// The number of tools is the service's to judge.
const MOST_SERVERS: usize = 20;

/// Adds every reason why the result cannot be sent.
pub(crate) fn check(current: &Toolset, result: &MergeResult<'_>, problems: &mut Vec<Problem>) {
    let mut check = Check { problems };
    let servers = &result.servers;
    check.number_of_servers(current.mcp_servers.len(), servers.len());
    for entry in &result.tools {
        check.tool(&ValuePath::of(Section::Tools, entry));
    }
    for entry in servers {
        check.server(&ValuePath::of(Section::Servers, entry));
    }
    check.duplicates(Section::Tools, &result.tools);
    check.duplicates(Section::Servers, servers);
    check.references(current, result);
}

struct Check<'p> {
    problems: &'p mut Vec<Problem>,
}

impl Check<'_> {
    fn report(&mut self, path: String, kind: ProblemKind) {
        self.problems.push(Problem::new(path, kind));
    }

    fn report_new(&mut self, path: &ValuePath<'_>, kind: ProblemKind) {
        if !path.is_old() {
            self.report(path.location(), kind);
        }
    }

    /// The value must be there and as expected.
    fn require(&mut self, path: &ValuePath<'_>, expected: Expected) -> bool {
        let valid = path.value.is_some_and(|value| expected.accepts(value));
        if !valid {
            let kind = ProblemKind::Invalid(path.value.cloned(), expected);
            self.report_new(path, kind);
        }
        valid
    }

    /// The value must be as expected, unless it is missing or null.
    fn allow(&mut self, path: &ValuePath<'_>, expected: Expected) -> bool {
        path.present().is_none() || self.require(path, expected)
    }

    fn number_of_servers(&mut self, before: usize, after: usize) {
        if after > MOST_SERVERS.max(before) {
            let kind = ProblemKind::TooManyEntries(after, MOST_SERVERS);
            self.report(Section::Servers.name().to_owned(), kind);
        }
    }

    fn tool(&mut self, path: &ValuePath<'_>) {
        if !self.require(path, Expected::Entry)
            || !self.require(&path.key("type"), Expected::ToolType)
        {
            return;
        }
        match path.value.map_or(Kind::Other, Kind::of) {
            Kind::BuiltIn => self.toolset(path),
            Kind::Mcp => {
                self.require(&path.key("mcp_server_name"), Expected::ServerReference);
                self.toolset(path);
            }
            Kind::Custom => self.custom(path),
            Kind::Other => {}
        }
    }

    fn custom(&mut self, path: &ValuePath<'_>) {
        self.require(&path.key("name"), Expected::CustomToolName);
        self.require(&path.key("description"), Expected::Description);
        let schema = path.key("input_schema");
        let kind = schema.key("type");
        if self.require(&schema, Expected::InputSchema) && kind.value.is_some() {
            self.require(&kind, Expected::InputSchemaType);
        }
        self.allow(&path.key("permission_policy"), Expected::NoPolicy);
    }

    fn toolset(&mut self, path: &ValuePath<'_>) {
        let default = path.key("default_config");
        if self.allow(&default, Expected::DefaultConfig) {
            self.settings(&default);
        }
        let configs = path.key("configs");
        self.allow(&configs, Expected::Configs);
        for config in configs.configs() {
            if self.require(&config, Expected::Config) {
                self.require(&config.key("name"), Expected::ToolName);
                self.settings(&config);
                self.domains(&config);
            }
        }
        self.repeated_configs(&configs);
    }

    fn settings(&mut self, path: &ValuePath<'_>) {
        self.allow(&path.key("enabled"), Expected::Enabled);
        let policy = path.key("permission_policy");
        if self.allow(&policy, Expected::Policy) && policy.present().is_some() {
            self.require(&policy.key("type"), Expected::PolicyType);
        }
    }

    fn domains(&mut self, config: &ValuePath<'_>) {
        let lists = [config.key("allowed_domains"), config.key("blocked_domains")];
        for list in &lists {
            self.allow(list, Expected::Domains);
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
                let first = format!("{path}[{earlier}]");
                let kind = ProblemKind::RepeatedConfig(name.to_owned(), first);
                self.report(format!("{path}[{index}].name"), kind);
            }
        }
    }

    fn server(&mut self, path: &ValuePath<'_>) {
        if !self.require(path, Expected::Entry) {
            return;
        }
        let kind = path.key("type");
        let typed = self.require(&kind, Expected::ServerType);
        self.require(&path.key("name"), Expected::ServerName);
        let url = path.key("url");
        let is_url = !typed || kind.value.is_some_and(|kind| kind == "url");
        // A server of an unknown type may be reached in another way than by an address.
        if is_url || url.present().is_some() {
            self.require(&url, Expected::HttpsUrl);
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
            let first = ValuePath::of(section, first).entry_location();
            let kind = ProblemKind::RepeatedEntry(identity.clone(), first);
            self.report(ValuePath::of(section, entry).entry_location(), kind);
        }
    }

    /// MCP toolsets must refer to a server, unless they already did not before.
    fn references(&mut self, current: &Toolset, result: &MergeResult<'_>) {
        let servers = result.servers.iter().map(|server| &server.value);
        let servers: Vec<&str> = servers.filter_map(|server| text(server, "name")).collect();
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
            let (name, servers) = (name.to_owned(), servers.iter().map(|&name| name.to_owned()));
            let kind = if had {
                ProblemKind::RemovedServer(name, servers.collect())
            } else {
                ProblemKind::UnknownServer(name, servers.collect())
            };
            let path = ValuePath::of(Section::Tools, entry).key("mcp_server_name");
            self.report(path.location(), kind);
        }
    }
}
