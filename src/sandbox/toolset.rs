//! Tools and MCP servers: what is accepted, and the resolved form in which they are answered.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    body::Fields,
    refusal::{Outcome, Refusal},
};

const MOST_TOOLS: usize = 128;
const MOST_SERVERS: usize = 20;
const MOST_DOMAINS: usize = 64;
const BUILT_IN: [&str; 8] = [
    "bash",
    "read",
    "write",
    "edit",
    "glob",
    "grep",
    "web_fetch",
    "web_search",
];

/// Whether `name` is a tool of the built-in toolset.
pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

/// The MCP servers of `value`, an array at `path`.
pub(super) fn servers(values: &[Value], path: &str) -> Outcome<Vec<Value>> {
    if values.len() > MOST_SERVERS {
        return Err(Refusal::invalid(format!(
            "{path}: at most {MOST_SERVERS} servers"
        )));
    }
    let mut names = BTreeSet::new();
    let mut resolved = Vec::with_capacity(values.len());
    for (position, value) in values.iter().enumerate() {
        let fields = Fields::of(
            value,
            format!("{path}.{position}"),
            &["type", "name", "url"],
        )?;
        if fields.kind()? != "url" {
            return Err(fields.wrong("type", "must be \"url\""));
        }
        let name = fields.required_text("name")?;
        if name.chars().count() > 255 {
            return Err(fields.wrong("name", "at most 255 characters"));
        }
        if !names.insert(name) {
            return Err(fields.wrong("name", &format!("a second server named {name:?}")));
        }
        let url = fields.required_text("url")?;
        if !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(fields.wrong("url", "must be an absolute http(s) URL"));
        }
        resolved.push(json!({"type": "url", "name": name, "url": url}));
    }
    Ok(resolved)
}

/// The tools of `values`, an array at `path`, resolved against the servers they may refer to.
pub(super) fn tools(values: &[Value], path: &str) -> Outcome<Vec<Value>> {
    if values.len() > MOST_TOOLS {
        return Err(Refusal::invalid(format!(
            "{path}: at most {MOST_TOOLS} tools"
        )));
    }
    let mut identities = BTreeSet::new();
    let mut resolved = Vec::with_capacity(values.len());
    for (position, value) in values.iter().enumerate() {
        let here = format!("{path}.{position}");
        let kind = Fields::open(value, here.as_str())?.kind()?;
        let (identity, tool) = match kind {
            "agent_toolset_20260401" => agent_toolset(value, here.clone())?,
            "mcp_toolset" => mcp_toolset(value, here.clone())?,
            "custom" => custom(value, here.clone())?,
            _ => {
                return Err(Refusal::invalid(format!(
                    "{here}.type: unknown tool type {kind:?}"
                )));
            }
        };
        if !identities.insert(identity.clone()) {
            return Err(Refusal::invalid(format!("{here}: a second {identity}")));
        }
        resolved.push(tool);
    }
    Ok(resolved)
}

/// Every MCP toolset must name a server that is there.
pub(super) fn references(tools: &[Value], servers: &[Value], path: &str) -> Outcome<()> {
    for (position, tool) in tools.iter().enumerate() {
        let Some(name) = tool.get("mcp_server_name").and_then(Value::as_str) else {
            continue;
        };
        if !servers
            .iter()
            .any(|server| server.get("name").is_some_and(|known| known == name))
        {
            let here = format!("{path}.{position}.mcp_server_name");
            return Err(Refusal::invalid(format!(
                "{here}: no MCP server is named {name:?}"
            )));
        }
    }
    Ok(())
}

/// What applies to `tool` of `toolset`: whether it is enabled, and its policy's type.
pub(super) fn policy_of<'a>(toolset: &'a Value, tool: &str) -> (bool, &'a str) {
    let configs = toolset.get("configs").and_then(Value::as_array);
    let config = configs
        .and_then(|configs| {
            configs
                .iter()
                .find(|config| config.get("name").is_some_and(|n| n == tool))
        })
        .or_else(|| toolset.get("default_config"));
    let enabled = config
        .and_then(|config| config.get("enabled"))
        .and_then(Value::as_bool);
    let policy = config
        .and_then(|config| config.pointer("/permission_policy/type"))
        .and_then(Value::as_str);
    (enabled.unwrap_or(true), policy.unwrap_or("always_allow"))
}

/// Settings of a toolset's tools, where a single tool does not say otherwise.
struct Defaults {
    enabled: bool,
    policy: Value,
}

impl Defaults {
    fn read(toolset: &Fields<'_>, policy: &str) -> Outcome<Self> {
        let fallback = Self {
            enabled: true,
            policy: json!({"type": policy}),
        };
        let Some(value) = toolset.value("default_config") else {
            return Ok(fallback);
        };
        let fields = Fields::of(
            value,
            toolset.at("default_config"),
            &["enabled", "permission_policy"],
        )?;
        Ok(Self {
            enabled: fields.boolean("enabled")?.unwrap_or(fallback.enabled),
            policy: permission_policy(&fields)?.unwrap_or(fallback.policy),
        })
    }

    fn resolved(&self) -> Value {
        json!({"enabled": self.enabled, "permission_policy": self.policy})
    }
}

fn permission_policy(fields: &Fields<'_>) -> Outcome<Option<Value>> {
    let Some(value) = fields.value("permission_policy") else {
        return Ok(None);
    };
    let policy = Fields::of(value, fields.at("permission_policy"), &["type"])?;
    match policy.kind()? {
        kind @ ("always_allow" | "always_ask" | "auto") => Ok(Some(json!({"type": kind}))),
        _ => Err(policy.wrong("type", "must be always_allow, always_ask or auto")),
    }
}

/// The entries of `configs`, each completed by `resolve`, no name twice.
fn configs(
    toolset: &Fields<'_>,
    resolve: impl Fn(&Value, String) -> Outcome<Value>,
) -> Outcome<Vec<Value>> {
    let mut names = BTreeSet::new();
    let mut resolved = Vec::new();
    for (position, value) in toolset
        .array("configs")?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let here = format!("{}.{position}", toolset.at("configs"));
        let config = resolve(value, here.clone())?;
        let name = config
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if names.contains(&name) {
            return Err(Refusal::invalid(format!(
                "{here}.name: a second config for {name:?}"
            )));
        }
        names.insert(name);
        resolved.push(config);
    }
    Ok(resolved)
}

fn config_base(
    fields: &Fields<'_>,
    name: &str,
    defaults: &Defaults,
) -> Outcome<Map<String, Value>> {
    let enabled = fields.boolean("enabled")?.unwrap_or(defaults.enabled);
    let policy = permission_policy(fields)?.unwrap_or_else(|| defaults.policy.clone());
    let mut config = Map::new();
    config.insert("name".to_owned(), json!(name));
    config.insert("enabled".to_owned(), json!(enabled));
    config.insert("permission_policy".to_owned(), policy);
    Ok(config)
}

fn agent_toolset(value: &Value, path: String) -> Outcome<(String, Value)> {
    let fields = Fields::of(value, path, &["type", "default_config", "configs"])?;
    let defaults = Defaults::read(&fields, "always_allow")?;
    let configs = configs(&fields, |value, path| {
        built_in_config(value, path, &defaults)
    })?;
    let tool = json!({
        "type": "agent_toolset_20260401",
        "default_config": defaults.resolved(),
        "configs": configs,
    });
    Ok(("agent_toolset_20260401".to_owned(), tool))
}

fn built_in_config(value: &Value, path: String, defaults: &Defaults) -> Outcome<Value> {
    let open = Fields::open(value, path.as_str())?;
    let name = open.required_text("name")?;
    if !BUILT_IN.contains(&name) {
        return Err(open.wrong("name", &format!("must be one of {}", BUILT_IN.join(", "))));
    }
    let mut known = vec!["type", "name", "enabled", "permission_policy"];
    known.extend(match name {
        "web_fetch" => &[
            "allowed_domains",
            "blocked_domains",
            "max_content_tokens",
            "url_sources",
        ][..],
        "web_search" => &["allowed_domains", "blocked_domains", "user_location"][..],
        _ => &[],
    });
    let fields = Fields::of(value, path, &known)?;
    if fields.text("type")?.is_some_and(|kind| kind != name) {
        return Err(fields.wrong("type", "must be the same as name"));
    }
    let mut config = config_base(&fields, name, defaults)?;
    config.insert("type".to_owned(), json!(name));
    if let "web_fetch" | "web_search" = name {
        domains(&fields, name == "web_search", &mut config)?;
    }
    if name == "web_fetch" {
        if let Some(tokens) = fields.integer("max_content_tokens")? {
            if tokens == 0 {
                return Err(fields.wrong("max_content_tokens", "must be positive"));
            }
            config.insert("max_content_tokens".to_owned(), json!(tokens));
        }
        let sources = url_sources(&fields)?;
        config.insert("url_sources".to_owned(), sources);
    }
    if let Some(location) = fields.value("user_location") {
        let known = ["type", "city", "country", "region", "timezone"];
        let place = Fields::of(location, fields.at("user_location"), &known)?;
        if place.kind()? != "approximate" {
            return Err(place.wrong("type", "must be \"approximate\""));
        }
        config.insert("user_location".to_owned(), location.clone());
    }
    Ok(Value::Object(config))
}

/// Copies the domain lists, after checking that they are plain host names.
fn domains(fields: &Fields<'_>, paths_too: bool, config: &mut Map<String, Value>) -> Outcome<()> {
    let lists = ["allowed_domains", "blocked_domains"];
    if lists.iter().all(|list| fields.value(list).is_some()) {
        return Err(fields.wrong("blocked_domains", "cannot be combined with allowed_domains"));
    }
    for list in lists {
        let Some(domains) = fields.texts(list)? else {
            continue;
        };
        if !(1..=MOST_DOMAINS).contains(&domains.len()) {
            return Err(fields.wrong(list, "1 to 64 entries; leave it out for none"));
        }
        for domain in &domains {
            let host = match domain.split_once('/') {
                Some((host, _)) if paths_too => host,
                _ => domain,
            };
            let label = |label: &str| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            };
            if !host.split('.').all(label) {
                return Err(fields.wrong(list, &format!("{domain:?} is not a plain host name")));
            }
        }
        config.insert(list.to_owned(), json!(domains));
    }
    Ok(())
}

/// `url_sources` with its shorthands written out; null when it was not given.
fn url_sources(fields: &Fields<'_>) -> Outcome<Value> {
    let Some(value) = fields.value("url_sources") else {
        return Ok(Value::Null);
    };
    let known = ["client_tool_results", "server_tool_results", "user_input"];
    let sources = Fields::of(value, fields.at("url_sources"), &known)?;
    let mut resolved = Map::new();
    for source in known {
        let filter = match sources.value(source) {
            None => Value::Null,
            Some(Value::String(word)) if matches!(word.as_str(), "all" | "none") => {
                json!({"type": word})
            }
            Some(filter) => {
                let filter = Fields::of(filter, sources.at(source), &["type", "tools"])?;
                match filter.kind()? {
                    kind @ ("all" | "none") => json!({"type": kind}),
                    kind @ ("only" | "except") if source != "user_input" => {
                        let tools = filter.array("tools")?.unwrap_or_default();
                        json!({"type": kind, "tools": tools})
                    }
                    _ => return Err(filter.wrong("type", "is not a filter of this source")),
                }
            }
        };
        resolved.insert(source.to_owned(), filter);
    }
    Ok(Value::Object(resolved))
}

fn mcp_toolset(value: &Value, path: String) -> Outcome<(String, Value)> {
    let known = ["type", "mcp_server_name", "default_config", "configs"];
    let fields = Fields::of(value, path, &known)?;
    let server = fields.required_text("mcp_server_name")?;
    // Tools of foreign servers ask before they act unless somebody says otherwise.
    let defaults = Defaults::read(&fields, "always_ask")?;
    let configs = configs(&fields, |value, path| {
        let known = ["name", "enabled", "permission_policy"];
        let config = Fields::of(value, path, &known)?;
        let name = config.required_text("name")?;
        if name.chars().count() > 128 {
            return Err(config.wrong("name", "at most 128 characters"));
        }
        config_base(&config, name, &defaults).map(Value::Object)
    })?;
    let tool = json!({
        "type": "mcp_toolset",
        "mcp_server_name": server,
        "default_config": defaults.resolved(),
        "configs": configs,
    });
    Ok((format!("mcp_toolset for {server:?}"), tool))
}

fn custom(value: &Value, path: String) -> Outcome<(String, Value)> {
    let fields = Fields::of(
        value,
        path,
        &["type", "name", "description", "input_schema"],
    )?;
    let name = fields.required_text("name")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.len() > 128 || !name.chars().all(allowed) {
        return Err(fields.wrong("name", "1 to 128 letters, digits, underscores and hyphens"));
    }
    let description = fields.required_text("description")?;
    let Some(schema) = fields.value("input_schema") else {
        return Err(fields.wrong("input_schema", "is required"));
    };
    let schema_fields = Fields::open(schema, fields.at("input_schema"))?;
    if schema_fields.kind()? != "object" {
        return Err(schema_fields.wrong("type", "must be \"object\""));
    }
    let tool = json!({
        "type": "custom",
        "name": name,
        "description": description,
        "input_schema": schema,
    });
    Ok((format!("custom tool named {name:?}"), tool))
}
