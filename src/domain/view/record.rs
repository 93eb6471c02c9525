//! One session in full.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::{
    domain::{
        guard::{Operation, Ruling, Statuses},
        text,
        time::to_the_second,
        toolset::Toolset,
        view::{
            bound::is_readable,
            row::{Row, short, shown_amount},
        },
    },
    model::{Resource, Session, SessionHead},
};

/// Longest system prompt shown by `detail: "full"`, in characters.
const SYSTEM_CHARACTERS: usize = 4_000;
/// Longest description or explanation of an outcome shown, in characters.
const OUTCOME_CHARACTERS: usize = 300;

/// The top-level fields a record shows in its own form; `extra` holds all others.
const KNOWN_FIELDS: [&str; 17] = [
    "id",
    "type",
    "title",
    "status",
    "created_at",
    "updated_at",
    "archived_at",
    "environment_id",
    "deployment_id",
    "metadata",
    "vault_ids",
    "agent",
    "resources",
    "outcome_evaluations",
    "stats",
    "usage",
    "budget",
];

/// One session with everything worth knowing about it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Record {
    /// What lists show.
    #[serde(flatten)]
    pub row: Row,
    /// The model's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The environment it runs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
    /// The deployment that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// When it was archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<String>,
    /// Its owner's key-value pairs.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Tokens by kind, and seconds at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageByKind>,
    /// The most it may cost, such as "50.00 USD".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The tools as the API gives them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// The MCP servers as the API gives them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<Value>,
    /// The vaults whose credentials it uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vault_ids: Vec<String>,
    /// What is mounted: type, id, mount.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<MountedResource>,
    /// Outcomes it works toward, and how they were judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Value>,
    /// Its page in the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_url: Option<String>,
    /// What could be done to it now: "allowed", "nothing_to_do", or the code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Operations>,
    /// The agent's system prompt, cut (detail "full").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// How many characters of the system prompt were cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_cut: Option<usize>,
    /// Why it last went idle, with the ids of the events it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<Map<String, Value>>,
    /// Fields this server does not know, unchanged (detail "full").
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// What did not fit: how many `input_schemas` of custom tools, entries of a list, bytes of
    /// long values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<&'static str, usize>,
}

/// Tokens by kind, and time at work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct UsageByKind {
    /// Tokens read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens read from the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// Tokens written to the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Seconds at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub active_seconds: Option<Number>,
}

/// Something mounted into the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MountedResource {
    /// file, `github_repository`, `memory_store`, …
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
}

/// What could be done to the session now: `allowed`, `nothing_to_do`, or the refusal's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Operations {
    /// Changing tools or MCP servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_tools: Option<&'static str>,
    /// Archiving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<&'static str>,
    /// Deleting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<&'static str>,
    /// Interrupting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupt: Option<&'static str>,
}

impl Operations {
    /// How the guard would rule on each operation now.
    pub(crate) fn of(session: &SessionHead, statuses: &Statuses) -> Self {
        let ruling = |operation| Some(statuses.judge(operation, session).as_str());
        Self {
            update_tools: ruling(Operation::UpdateTools),
            archive: ruling(Operation::Archive),
            delete: ruling(Operation::Delete),
            interrupt: ruling(Operation::Interrupt),
        }
    }

    /// The same of a session of which it is not known whether it waits for an answer.
    pub(crate) fn while_unknown(self) -> Self {
        let known = |ruling: &&str| *ruling != Ruling::NothingToDo.as_str();
        Self { interrupt: self.interrupt.filter(known), ..self }
    }

    /// The same of a session that waits for an answer, which an interrupt would end.
    pub(crate) fn while_waiting(self) -> Self {
        let allowed = |ruling| {
            if ruling == Ruling::NothingToDo.as_str() { Ruling::Go.as_str() } else { ruling }
        };
        Self { interrupt: self.interrupt.map(allowed), ..self }
    }
}

impl Record {
    /// The concise record of a session. `console` is whether it has a console page.
    pub(crate) fn concise(session: &Session, statuses: &Statuses, console: bool) -> Self {
        let head = &session.head;
        let Toolset { tools, mcp_servers } = Toolset::of(session);
        Self {
            row: Row::of(head),
            model: session.agent_field("model").and_then(model_id),
            environment_id: head.environment_id.as_deref().map(short),
            deployment_id: head.deployment_id.as_deref().map(short),
            archived_at: head.archived_at.as_ref().map(to_the_second),
            metadata: head.metadata.clone(),
            usage: usage_by_kind(session),
            budget: session.budget().as_ref().and_then(shown_amount),
            tools,
            mcp_servers,
            vault_ids: vault_ids(session),
            resources: head.resources.iter().map(mounted).collect(),
            outcomes: outcomes(session),
            console_url: console.then(|| {
                format!("https://platform.claude.com/workspaces/default/sessions/{}", head.id)
            }),
            operations: Some(Operations::of(head, statuses)),
            system: None,
            system_cut: None,
            stop_reason: None,
            extra: Map::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// Adds what `detail: "full"` shows.
    pub(crate) fn with_details(mut self, session: &Session) -> Self {
        if let Some(Value::String(system)) = session.agent_field("system") {
            let (head, more) = text::cut(system, SYSTEM_CHARACTERS);
            self.system = Some(head.to_owned());
            self.system_cut = (more > 0).then_some(more);
        }
        self.extra = session
            .fields
            .iter()
            .filter(|(name, _)| !KNOWN_FIELDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self
    }
}

/// The model's id; some services send a bare string instead of an object.
fn model_id(model: &Value) -> Option<String> {
    let id = model.as_str().or_else(|| model.get("id")?.as_str())?;
    Some(short(id))
}

fn usage_by_kind(session: &Session) -> Option<UsageByKind> {
    let usage = &session.head.usage;
    let cache = &usage.cache_creation;
    let cache_creation = [cache.ephemeral_5m_input_tokens, cache.ephemeral_1h_input_tokens];
    let in_stats = || session.fields.get("stats")?.get("active_seconds")?.as_number();
    let active_seconds = usage.active_seconds.as_ref().or_else(in_stats);
    let shown = UsageByKind {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cache_read_input_tokens: usage.cache_read_input_tokens,
        cache_creation_input_tokens: cache_creation
            .into_iter()
            .flatten()
            .reduce(u64::saturating_add),
        active_seconds: active_seconds.filter(|number| is_readable(number)).cloned(),
    };
    (shown != UsageByKind::default()).then_some(shown)
}

fn vault_ids(session: &Session) -> Vec<String> {
    let ids = session.fields.get("vault_ids").and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str).map(short).collect()
}

fn mounted(resource: &Resource) -> MountedResource {
    let ids = [&resource.id, &resource.memory_store_id, &resource.file_id];
    MountedResource {
        kind: resource.kind.as_deref().map(short),
        id: ids.into_iter().flatten().next().map(|id| short(id)),
        mount: resource.mount_path.as_deref().map(short),
    }
}

/// The outcomes without nulls, long text cut.
fn outcomes(session: &Session) -> Vec<Value> {
    let Some(Value::Array(evaluations)) = session.fields.get("outcome_evaluations") else {
        return Vec::new();
    };
    let shown = |evaluation: &Value| match evaluation {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) => text::shortened(text, OUTCOME_CHARACTERS).into(),
                    other => other.clone(),
                };
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    };
    evaluations.iter().map(shown).collect()
}
