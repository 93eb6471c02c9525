//! Tools and MCP servers: validation, and the resolved form in which the API shows them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    fields::Fields,
    rejection::{Rejection, Result},
};

const BUILT_IN_TOOLS: &str = "bash, read, write, edit, glob, grep, web_fetch, web_search";

/// How many tools an agent may have (128 until October 2026).
const MAX_TOOLS: usize = 256;

/// The `type` of the toolset of built-in tools.
pub(super) const BUILT_IN_TOOLSET: &str = "agent_toolset_20260401";

/// What a tool belongs to, which decides the events of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolKind {
    BuiltIn,
    Mcp,
    Custom,
}

impl ToolKind {
    /// The type of the event that records a call.
    pub(super) fn call_event(self) -> &'static str {
        match self {
            Self::BuiltIn => "agent.tool_use",
            Self::Mcp => "agent.mcp_tool_use",
            Self::Custom => "agent.custom_tool_use",
        }
    }

    /// Type and fields of the event that records the result of a call.
    pub(super) fn result_event(
        self,
        call: &str,
        text: &str,
        is_error: bool,
    ) -> (&'static str, Value) {
        let (kind, call_key) = match self {
            Self::Mcp => ("agent.mcp_tool_result", "mcp_tool_use_id"),
            Self::BuiltIn | Self::Custom => ("agent.tool_result", "tool_use_id"),
        };
        let content = json!([{"type": "text", "text": text}]);
        let fields = json!({"content": content, "is_error": is_error, call_key: call});
        (kind, fields)
    }
}

/// Whether the service executes this built-in tool itself, whatever the environment.
pub(super) fn is_web_tool(name: &str) -> bool {
    matches!(name, "web_fetch" | "web_search")
}

pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN_TOOLS.split(", ").any(|known| known == name)
}

/// Whether `tool` of a resolved toolset is enabled, and its permission policy.
pub(super) fn policy_of<'a>(toolset: &'a Value, tool: &str) -> (bool, &'a str) {
    let configs = toolset.get("configs").and_then(Value::as_array);
    let config = configs
        .into_iter()
        .flatten()
        .find(|config| config.get("name").is_some_and(|name| name == tool))
        .or_else(|| toolset.get("default_config"))
        .unwrap_or(&Value::Null);
    let enabled = config.get("enabled").and_then(Value::as_bool);
    let policy = config.pointer("/permission_policy/type").and_then(Value::as_str);
    (enabled.unwrap_or(true), policy.unwrap_or("always_allow"))
}

/// The `mcp_servers` of an agent, if given.
pub(super) fn servers(agent: &Fields<'_>) -> Result<Option<Vec<Value>>> {
    let Some(values) = agent.array("mcp_servers")? else {
        return Ok(None);
    };
    if values.len() > 20 {
        return Err(agent.error("mcp_servers", "at most 20 servers"));
    }
    let mut names = BTreeSet::new();
    let mut resolved = Vec::with_capacity(values.len());
    for server in agent.objects("mcp_servers")? {
        let server = server?;
        server.allow("type name url")?;
        server.require_kind("url")?;
        let name = server.required_text("name")?;
        if name.chars().count() > 255 {
            return Err(server.error("name", "at most 255 characters"));
        }
        if !names.insert(name) {
            return Err(server.error("name", format_args!("a second server named {name:?}")));
        }
        let url = server.required_text("url")?;
        if !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(server.error("url", "must be an absolute http(s) URL"));
        }
        resolved.push(json!({"type": "url", "name": name, "url": url}));
    }
    Ok(Some(resolved))
}

/// The resolved `tools` of an agent, if given.
pub(super) fn tools(agent: &Fields<'_>) -> Result<Option<Vec<Value>>> {
    let Some(values) = agent.array("tools")? else {
        return Ok(None);
    };
    let mut identities = BTreeSet::new();
    let mut resolved = Vec::with_capacity(values.len());
    for fields in agent.objects("tools")? {
        let fields = fields?;
        let (identity, tool) = match fields.kind()? {
            BUILT_IN_TOOLSET => built_in_toolset(&fields)?,
            "mcp_toolset" => mcp_toolset(&fields)?,
            "custom" => custom_tool(&fields)?,
            kind => return Err(fields.error("type", format_args!("unknown tool type {kind:?}"))),
        };
        if identities.contains(&identity) {
            let complaint = format!("a second {identity}");
            return Err(Rejection::field(&fields.path, complaint));
        }
        identities.insert(identity);
        resolved.push(tool);
    }
    Ok(Some(resolved))
}

/// Checks the number of an agent's tools. An update of a session has no such limit.
pub(super) fn check_count(tools: &[Value], agent: &Fields<'_>) -> Result<()> {
    if tools.iter().map(tool_count).sum::<usize>() <= MAX_TOOLS {
        return Ok(());
    }
    let complaint = format!("at most {MAX_TOOLS} tools over all toolsets");
    Err(agent.error("tools", complaint))
}

/// How many tools a resolved toolset counts for. Those of an MCP server are not known; the ones
/// with a config are counted.
fn tool_count(tool: &Value) -> usize {
    let configs = tool.get("configs").and_then(Value::as_array);
    match tool.get("type").and_then(Value::as_str) {
        Some(BUILT_IN_TOOLSET) => {
            let names = BUILT_IN_TOOLS.split(", ");
            names.filter(|name| policy_of(tool, name).0).count()
        }
        _ => configs.map_or(1, Vec::len).max(1),
    }
}

/// Checks that the servers of all MCP toolsets exist.
pub(super) fn check_servers(tools: &[Value], servers: &[Value], agent: &Fields<'_>) -> Result<()> {
    for (position, tool) in tools.iter().enumerate() {
        let Some(name) = tool.get("mcp_server_name").and_then(Value::as_str) else {
            continue;
        };
        let mut known = servers.iter().filter_map(|server| server.get("name"));
        if !known.any(|known| known == name) {
            let path = format!("{}.{position}.mcp_server_name", agent.at("tools"));
            let complaint = format!("no MCP server is named {name:?}");
            return Err(Rejection::field(&path, complaint));
        }
    }
    Ok(())
}

/// Checks that each server has an MCP toolset, which agents must have but sessions need not.
pub(super) fn check_servers_used(
    tools: &[Value],
    servers: &[Value],
    agent: &Fields<'_>,
) -> Result<()> {
    for (position, server) in servers.iter().enumerate() {
        let name = server.get("name");
        if !tools.iter().any(|tool| tool.get("mcp_server_name") == name) {
            let path = format!("{}.{position}.name", agent.at("mcp_servers"));
            return Err(Rejection::field(&path, "no mcp_toolset uses this server"));
        }
    }
    Ok(())
}

/// What applies to the tools of a toolset that have no settings of their own.
struct Defaults {
    enabled: bool,
    policy: Value,
}

impl Defaults {
    fn read(toolset: &Fields<'_>, policy: &str) -> Result<Self> {
        let policy = json!({"type": policy});
        let enabled = true;
        let defaults = Self { enabled, policy };
        match toolset.object("default_config", "enabled permission_policy")? {
            Some(fields) => defaults.overridden(&fields),
            None => Ok(defaults),
        }
    }

    fn overridden(&self, fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            enabled: fields.boolean("enabled")?.unwrap_or(self.enabled),
            policy: permission_policy(fields)?.unwrap_or_else(|| self.policy.clone()),
        })
    }

    fn to_json(&self) -> Value {
        json!({"enabled": self.enabled, "permission_policy": self.policy})
    }

    /// The start of a tool's resolved config.
    fn config(&self, tool: &Fields<'_>) -> Result<Map<String, Value>> {
        let name = tool.required_text("name")?;
        let Self { enabled, policy } = self.overridden(tool)?;
        let mut config = Map::new();
        config.insert("name".to_owned(), json!(name));
        config.insert("enabled".to_owned(), json!(enabled));
        config.insert("permission_policy".to_owned(), policy);
        Ok(config)
    }
}

fn permission_policy(fields: &Fields<'_>) -> Result<Option<Value>> {
    let Some(policy) = fields.object("permission_policy", "type")? else {
        return Ok(None);
    };
    match policy.kind()? {
        kind @ ("always_allow" | "always_ask" | "auto") => Ok(Some(json!({"type": kind}))),
        _ => Err(policy.error("type", "must be always_allow, always_ask or auto")),
    }
}

/// The resolved `configs` of a toolset.
fn configs(
    toolset: &Fields<'_>,
    resolve: impl Fn(&Fields<'_>) -> Result<Map<String, Value>>,
) -> Result<Vec<Value>> {
    let mut names = BTreeSet::new();
    let mut resolved = Vec::new();
    for fields in toolset.objects("configs")? {
        let fields = fields?;
        let config = resolve(&fields)?;
        let name = fields.required_text("name")?;
        if !names.insert(name) {
            return Err(fields.error("name", format_args!("a second config for {name:?}")));
        }
        resolved.push(Value::Object(config));
    }
    Ok(resolved)
}

fn built_in_toolset(fields: &Fields<'_>) -> Result<(String, Value)> {
    fields.allow("type default_config configs")?;
    let defaults = Defaults::read(fields, "always_allow")?;
    let tool = json!({
        "type": BUILT_IN_TOOLSET,
        "default_config": defaults.to_json(),
        "configs": configs(fields, |config| built_in_config(config, &defaults))?,
    });
    Ok((BUILT_IN_TOOLSET.to_owned(), tool))
}

fn built_in_config(fields: &Fields<'_>, defaults: &Defaults) -> Result<Map<String, Value>> {
    let name = fields.required_text("name")?;
    if !is_built_in(name) {
        return Err(fields.error("name", format_args!("must be one of {BUILT_IN_TOOLS}")));
    }
    let settings = match name {
        "web_fetch" => "allowed_domains blocked_domains max_content_tokens url_sources",
        "web_search" => "allowed_domains blocked_domains user_location",
        _ => "",
    };
    fields.allow(&format!("type name enabled permission_policy {settings}"))?;
    if fields.text("type")?.is_some_and(|kind| kind != name) {
        return Err(fields.error("type", "must be the same as name"));
    }
    let mut config = defaults.config(fields)?;
    config.insert("type".to_owned(), json!(name));
    if let "web_fetch" | "web_search" = name {
        domains(fields, name == "web_search", &mut config)?;
    }
    if name == "web_fetch" {
        if let Some(tokens) = fields.integer("max_content_tokens")? {
            if tokens == 0 {
                return Err(fields.error("max_content_tokens", "must be positive"));
            }
            config.insert("max_content_tokens".to_owned(), json!(tokens));
        }
        config.insert("url_sources".to_owned(), url_sources(fields)?);
    }
    let known = "type city country region timezone";
    if let Some(location) = fields.object("user_location", known)? {
        location.require_kind("approximate")?;
        config.insert("user_location".to_owned(), json!(location.map));
    }
    Ok(config)
}

/// Copies the domain lists. Their entries are host names, if `paths` also with a path.
fn domains(fields: &Fields<'_>, paths: bool, config: &mut Map<String, Value>) -> Result<()> {
    let lists = ["allowed_domains", "blocked_domains"];
    if lists.iter().all(|list| fields.value(list).is_some()) {
        return Err(fields.error("blocked_domains", "cannot be combined with allowed_domains"));
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    for list in lists {
        let Some(domains) = fields.strings(list)? else {
            continue;
        };
        if !(1..=64).contains(&domains.len()) {
            return Err(fields.error(list, "1 to 64 entries; leave it out for none"));
        }
        for domain in &domains {
            let host = match domain.split_once('/') {
                Some((host, _)) if paths => host,
                _ => domain,
            };
            if !host.split('.').all(is_label) {
                let complaint = format!("{domain:?} is not a plain host name");
                return Err(fields.error(list, complaint));
            }
        }
        config.insert(list.to_owned(), json!(domains));
    }
    Ok(())
}

/// `url_sources` with its shorthands resolved; null if not given.
fn url_sources(fields: &Fields<'_>) -> Result<Value> {
    let known = "client_tool_results server_tool_results user_input";
    let Some(sources) = fields.object("url_sources", known)? else {
        return Ok(Value::Null);
    };
    let mut resolved = Map::new();
    for source in known.split(' ') {
        let filter = match sources.value(source) {
            None => Value::Null,
            Some(Value::String(kind)) if matches!(kind.as_str(), "all" | "none") => {
                json!({"type": kind})
            }
            Some(filter) => {
                let filter = Fields::new(filter, sources.at(source))?;
                filter.allow("type tools")?;
                match filter.kind()? {
                    kind @ ("all" | "none") => json!({"type": kind}),
                    kind @ ("only" | "except") if source != "user_input" => {
                        let tools = filter.array("tools")?.cloned().unwrap_or_default();
                        json!({"type": kind, "tools": tools})
                    }
                    _ => return Err(filter.error("type", "is not a filter of this source")),
                }
            }
        };
        resolved.insert(source.to_owned(), filter);
    }
    Ok(Value::Object(resolved))
}

fn mcp_toolset(fields: &Fields<'_>) -> Result<(String, Value)> {
    fields.allow("type mcp_server_name default_config configs")?;
    let server = fields.required_text("mcp_server_name")?;
    let defaults = Defaults::read(fields, "always_ask")?;
    let configs = configs(fields, |config| {
        config.allow("name enabled permission_policy")?;
        if config.required_text("name")?.chars().count() > 128 {
            return Err(config.error("name", "at most 128 characters"));
        }
        defaults.config(config)
    })?;
    let tool = json!({
        "type": "mcp_toolset",
        "mcp_server_name": server,
        "default_config": defaults.to_json(),
        "configs": configs,
    });
    Ok((format!("mcp_toolset for {server:?}"), tool))
}

fn custom_tool(fields: &Fields<'_>) -> Result<(String, Value)> {
    fields.allow("type name description input_schema")?;
    let name = fields.required_text("name")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.len() > 128 || !name.chars().all(allowed) {
        return Err(fields.error("name", "1 to 128 letters, digits, underscores and hyphens"));
    }
    let description = fields.required_text("description")?;
    let input_schema = fields.required("input_schema")?;
    let schema = Fields::new(input_schema, fields.at("input_schema"))?;
    schema.require_kind("object")?;
    let tool = json!({
        "type": "custom",
        "name": name,
        "description": description,
        "input_schema": input_schema,
    });
    Ok((format!("custom tool named {name:?}"), tool))
}
