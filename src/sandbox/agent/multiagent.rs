//! The `multiagent` of an agent: who it may hand work to, and whether it may start workflow runs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sandbox::{
    fields::Fields,
    rejection::{Rejection, Result},
};

/// The kind with workflow runs.
const WITH_WORKFLOWS: &str = "multiagent_20261001";

/// What a reference to an agent resolves to.
pub(in crate::sandbox) struct Member {
    pub(in crate::sandbox) version: u64,
    pub(in crate::sandbox) is_multiagent: bool,
}

/// Finds an agent by id and, if given, version.
pub(in crate::sandbox) type Lookup<'a> = &'a dyn Fn(&str, Option<u64>) -> Result<Member>;

/// Puts the resolved `multiagent` into the body of a request that makes the agent `own`, given by
/// id and version.
///
/// # Errors
/// If the configuration is invalid or names agents that cannot be members.
pub(in crate::sandbox) fn resolve_body(
    body: &mut Value,
    own: (&str, u64),
    find: Lookup<'_>,
) -> Result<()> {
    let fields = Fields::new(body, "")?;
    let Some(given) = fields.value("multiagent") else {
        return Ok(());
    };
    let given = Fields::new(given, "multiagent")?;
    let resolved = match given.kind()? {
        "coordinator" => {
            given.allow("type agents")?;
            given.required("agents")?;
            let agents = members(&given, "agents", own, true, find)?;
            if agents.is_empty() {
                return Err(given.error("agents", "1 to 20 entries"));
            }
            json!({"type": "coordinator", "agents": agents})
        }
        WITH_WORKFLOWS => {
            given.allow("type advisor subagents workflows")?;
            json!({
                "type": WITH_WORKFLOWS,
                "advisor": advisor(&given)?,
                "subagents": helpers(&given, "subagents", own, find)?,
                "workflows": helpers(&given, "workflows", own, find)?,
            })
        }
        _ => {
            let complaint = format!("must be coordinator or {WITH_WORKFLOWS}");
            return Err(given.error("type", complaint));
        }
    };
    if let Some(body) = body.as_object_mut() {
        body.insert("multiagent".to_owned(), resolved);
    }
    Ok(())
}

/// The resolved entries of a list of agents.
fn members(
    fields: &Fields<'_>,
    key: &str,
    own: (&str, u64),
    takes_advisor: bool,
    find: Lookup<'_>,
) -> Result<Vec<Value>> {
    let entries = fields.array(key)?.map_or(&[][..], Vec::as_slice);
    if entries.len() > 20 {
        return Err(fields.error(key, "at most 20 entries"));
    }
    let mut known = BTreeSet::new();
    let mut resolved = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        let path = format!("{}.{position}", fields.at(key));
        if let Some(id) = entry.as_str() {
            resolved.push(reference(id, None, own, &path, find)?);
        } else {
            let entry = Fields::new(entry, path.clone())?;
            resolved.push(match entry.kind()? {
                "agent" => {
                    entry.allow("type id version")?;
                    let version = entry.integer("version")?;
                    reference(entry.required_text("id")?, version, own, &path, find)?
                }
                "self" => {
                    entry.allow("type")?;
                    reference(own.0, None, own, &path, find)?
                }
                "advisor" if takes_advisor => {
                    entry.allow("type model")?;
                    json!({"type": "advisor", "model": entry.required_text("model")?})
                }
                _ => return Err(entry.error("type", "is not a kind of member")),
            });
        }
        let identity = resolved.last().map(|entry| entry.get("id").cloned());
        if !known.insert(json!(identity).to_string()) {
            return Err(Rejection::field(&path, "names the same agent a second time"));
        }
    }
    Ok(resolved)
}

fn reference(
    id: &str,
    version: Option<u64>,
    own: (&str, u64),
    path: &str,
    find: Lookup<'_>,
) -> Result<Value> {
    if id == own.0 {
        return Ok(json!({"type": "agent", "id": id, "version": version.unwrap_or(own.1)}));
    }
    let member = find(id, version)?;
    if member.is_multiagent {
        let complaint = format!("{id:?} is a multi-agent agent itself");
        return Err(Rejection::field(path, complaint));
    }
    Ok(json!({"type": "agent", "id": id, "version": member.version}))
}

/// Whether an object says `enabled`, as it does if it is not given.
fn is_enabled(fields: Option<&Fields<'_>>) -> Result<bool> {
    let Some(fields) = fields else {
        return Ok(true);
    };
    match fields.kind()? {
        "enabled" => Ok(true),
        "disabled" => Ok(false),
        _ => Err(fields.error("type", "must be enabled or disabled")),
    }
}

fn advisor(given: &Fields<'_>) -> Result<Value> {
    let advisor = given.object("advisor", "type model")?;
    match advisor {
        Some(advisor) if is_enabled(Some(&advisor))? => {
            Ok(json!({"type": "enabled", "model": advisor.required_text("model")?}))
        }
        _ => Ok(json!({"type": "disabled"})),
    }
}

/// `subagents` or `workflows`.
fn helpers(given: &Fields<'_>, key: &str, own: (&str, u64), find: Lookup<'_>) -> Result<Value> {
    let fields = given.object(key, "type inline_agents predefined_agents")?;
    if !is_enabled(fields.as_ref())? {
        return Ok(json!({"type": "disabled"}));
    }
    let Some(fields) = fields else {
        return Ok(json!({
            "type": "enabled",
            "inline_agents": {"type": "enabled"},
            "predefined_agents": [],
        }));
    };
    let inline = is_enabled(fields.object("inline_agents", "type")?.as_ref())?;
    let agents = members(&fields, "predefined_agents", own, false, find)?;
    if !inline && agents.is_empty() {
        let complaint = "at least one, since inline agents are disabled";
        return Err(fields.error("predefined_agents", complaint));
    }
    let inline = if inline { "enabled" } else { "disabled" };
    Ok(json!({
        "type": "enabled",
        "inline_agents": {"type": inline},
        "predefined_agents": agents,
    }))
}

/// Whether an agent with this configuration can start workflow runs.
pub(in crate::sandbox) fn has_workflows(multiagent: Option<&Value>) -> bool {
    is_on(multiagent, "/workflows")
}

/// Whether an agent with this configuration can hand work to agents that it defines itself.
pub(in crate::sandbox) fn has_inline_agents(multiagent: Option<&Value>) -> bool {
    is_on(multiagent, "/subagents") && is_on(multiagent, "/subagents/inline_agents")
}

fn is_on(multiagent: Option<&Value>, pointer: &str) -> bool {
    let kind = multiagent.and_then(|multiagent| multiagent.pointer(&format!("{pointer}/type")));
    kind.is_some_and(|kind| kind == "enabled")
}

/// The lists of agents in a configuration that are called by delegation.
const ROSTERS: [&str; 2] = ["/agents", "/subagents/predefined_agents"];

/// The agents that work can be handed to.
pub(in crate::sandbox) fn roster(multiagent: &Value) -> impl Iterator<Item = &Value> {
    let lists = ROSTERS.iter().filter_map(|list| multiagent.pointer(list)?.as_array());
    lists.flatten().filter(|entry| entry.get("id").is_some())
}

/// All references to agents, those for workflow runs too.
pub(in crate::sandbox) fn references_mut(multiagent: &mut Value) -> Vec<&mut Value> {
    let Some(multiagent) = multiagent.as_object_mut() else {
        return Vec::new();
    };
    let lists = multiagent.iter_mut().filter_map(|(key, value)| match key.as_str() {
        "agents" => value.as_array_mut(),
        _ => value.get_mut("predefined_agents")?.as_array_mut(),
    });
    lists.flatten().filter(|entry| entry.get("id").is_some()).collect()
}
