//! What the Sessions API sends, read tolerantly: a field that is missing, null or of an
//! unexpected type is absent, and never fails the whole answer.
//!
//! [`SessionHead`] is what lists, guards and filters need, without the large fields; [`Session`]
//! keeps everything, unknown fields included.

mod agent;
mod lenient;
mod page;
mod time;
mod tools;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value, json, value::RawValue};

pub use self::{agent::AgentHead, page::Page, time::ApiTime, tools::WithToolNames};

use self::lenient::lenient;

/// The id of a session, safe as one path segment of a URL. No prefix is assumed: `sesn_…`,
/// `sess_…` and `ses_…` all exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

/// Why a text is not a session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidSessionId {
    /// The empty text.
    Empty,
    /// A relative path such as `..`.
    RelativePath,
    /// More than 256 characters.
    TooLong,
    /// It contains white space.
    WhiteSpace,
    /// It contains control characters.
    ControlCharacters,
}

impl SessionId {
    /// Accepts 1 to 256 characters without white space and control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        match text {
            "" => Err(InvalidSessionId::Empty),
            // The `url` crate drops these from a path, so the request would reach another route;
            // some servers drop what follows a semicolon before they look at a segment.
            _ if matches!(text.split(';').next(), Some("" | "." | "..")) => {
                Err(InvalidSessionId::RelativePath)
            }
            _ if text.chars().count() > 256 => Err(InvalidSessionId::TooLong),
            _ if text.chars().any(char::is_whitespace) => Err(InvalidSessionId::WhiteSpace),
            _ if text.chars().any(char::is_control) => Err(InvalidSessionId::ControlCharacters),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a thread or of a file, under the same rules as that of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectId(SessionId);

impl ObjectId {
    /// See [`SessionId::parse`].
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        SessionId::parse(text).map(Self)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Declares structs whose fields are read by [`lenient`].
macro_rules! lenient {
    ($($(#[$attribute:meta])* pub struct $name:ident {
        $($(#[$of_field:meta])* pub $field:ident: $type:ty,)*
    })*) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$of_field])* #[serde(deserialize_with = "lenient")] pub $field: $type,)*
        }
    )*};
}

lenient! {
    /// The part of a session that lists, guards and filters look at.
    pub struct SessionHead {
        /// `sesn_…`; compatible servers use other prefixes.
        pub id: String,
        /// The title, if one was given.
        pub title: Option<String>,
        /// `idle`, `running`, `rescheduling`, `terminated`, or a name not known yet.
        pub status: String,
        /// When it was created.
        pub created_at: Option<ApiTime>,
        /// When it last changed; some services leave it out.
        pub updated_at: Option<ApiTime>,
        /// When it was archived: the only sign of an archived session that all services share.
        pub archived_at: Option<ApiTime>,
        /// The agent it runs, without its large parts.
        pub agent: AgentHead,
        /// The environment it runs in.
        pub environment_id: Option<String>,
        /// The deployment that created it.
        pub deployment_id: Option<String>,
        /// Pairs set by its owner; strings by the API's rules, but not everywhere.
        pub metadata: Map<String, Value>,
        /// What it has consumed so far.
        pub usage: Usage,
        /// What is mounted into it.
        pub resources: Vec<Resource>,
    }

    /// Tokens, time and money a session has used.
    #[derive(PartialEq)]
    pub struct Usage {
        /// Tokens read, without cached ones.
        pub input_tokens: Option<u64>,
        /// Tokens written.
        pub output_tokens: Option<u64>,
        /// Tokens read from the cache.
        pub cache_read_input_tokens: Option<u64>,
        /// Tokens written to the cache, by how long they are kept.
        pub cache_creation: CacheCreation,
        /// Seconds in which the session was at work.
        pub active_seconds: Option<serde_json::Number>,
        /// The cost at list price.
        pub list_cost: Option<Amount>,
    }

    /// Tokens written to the prompt cache.
    #[derive(PartialEq, Eq)]
    pub struct CacheCreation {
        /// Kept for five minutes.
        pub ephemeral_5m_input_tokens: Option<u64>,
        /// Kept for an hour.
        pub ephemeral_1h_input_tokens: Option<u64>,
    }

    /// What is known of a file.
    #[derive(PartialEq, Eq)]
    pub struct FileHead {
        /// `file_…`.
        pub id: String,
        /// Its name; never a path to be trusted.
        pub filename: Option<String>,
        /// Its size in bytes.
        pub size_bytes: Option<u64>,
        /// False for what was uploaded, which can be had from its owner only.
        pub downloadable: Option<bool>,
        /// What it belongs to.
        pub scope: FileScope,
    }

    /// What a file belongs to.
    #[derive(PartialEq, Eq)]
    pub struct FileScope {
        /// The session's id.
        pub id: Option<String>,
    }

    /// Something mounted into a session.
    pub struct Resource {
        /// The resource's own id.
        pub id: Option<String>,
        /// `file`, `github_repository`, `memory_store`, …
        #[serde(rename = "type")]
        pub kind: Option<String>,
        /// Where it is mounted.
        pub mount_path: Option<String>,
        /// Of a memory store.
        pub memory_store_id: Option<String>,
        /// Of a file.
        pub file_id: Option<String>,
    }
}

impl SessionHead {
    /// The title, unless it is empty.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref().filter(|title| !title.is_empty())
    }

    /// Archived, whatever the status says.
    pub fn is_archived(&self) -> bool {
        self.archived_at.is_some()
    }
}

/// An amount of money as the API sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Amount {
    /// Minor units (cents), `"1234"` or `"1234.5"`; never read as a float.
    #[serde(default, deserialize_with = "amount_text")]
    pub amount: String,
    /// ISO 4217, `USD`.
    #[serde(default, deserialize_with = "lenient")]
    pub currency: String,
}

/// Reads a string, or a number as it is written.
fn amount_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

/// A whole session: its head, and every field as it was sent.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The fields that are understood.
    pub head: SessionHead,
    /// All fields as the service sent them, in its order, numbers unchanged.
    pub fields: Map<String, Value>,
}

impl Session {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn from_json(text: &[u8]) -> serde_json::Result<Self> {
        // Two passes over the text are cheaper than one pass and a copy of a 100 KB prompt.
        let fields = serde_json::from_slice(text)?;
        let head = serde_json::from_slice(text)?;
        Ok(Self { head, fields })
    }

    /// The agent's `field`, as it was sent.
    pub fn agent_field(&self, field: &str) -> Option<&Value> {
        self.fields.get("agent")?.get(field)
    }

    /// The most it may cost: `{"type": "limit", "max_list_cost": {"amount", "currency"}}`.
    pub fn budget(&self) -> Option<Amount> {
        let limit = self.fields.get("budget")?.get("max_list_cost")?;
        serde_json::from_value(limit.clone()).ok()
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get().as_bytes()).map_err(serde::de::Error::custom)
    }
}

/// Larger values are left out: a page holds many sessions.
const LARGEST_VALUE: usize = 16_384;

/// What changes with every change of a session, on services that tell when it was: `updated_at`
/// and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState(Option<ApiTime>, String);

impl SessionHead {
    /// The state that it was read in.
    pub fn state(&self) -> SessionState {
        SessionState(self.updated_at.clone(), self.status.clone())
    }
}

/// A session of a list: the head, and of its other fields the small ones that tell what it waits
/// for: `stop_reason`, `budget`, and whether its agent has a `multiagent`.
#[derive(Debug, Clone, Default)]
pub struct ListedSession(pub Session);

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedAgent {
    multiagent: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for ListedSession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let whole = serde_json::to_string(&raw).map_err(serde::de::Error::custom)?;
        let head = serde_json::from_str(&whole).map_err(serde::de::Error::custom)?;
        let mut fields = Map::new();
        for name in ["stop_reason", "budget"] {
            let small = raw.get(name).filter(|raw| raw.get().len() <= LARGEST_VALUE);
            let value = small.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        let agent =
            raw.get("agent").and_then(|raw| serde_json::from_str::<ListedAgent>(raw.get()).ok());
        if agent.is_some_and(|agent| agent.multiagent.is_some()) {
            fields.insert("agent".to_owned(), json!({"multiagent": {}}));
        }
        Ok(Self(Session { head, fields }))
    }
}

/// A session of a list, with what of it can be written: budget, tools, MCP servers.
#[derive(Debug, Clone, Default)]
pub struct SessionWithTools(pub Session);

#[derive(Default, Deserialize)]
#[serde(default)]
struct AgentTools {
    tools: Option<Value>,
    mcp_servers: Option<Value>,
}

impl<'de> Deserialize<'de> for SessionWithTools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let whole = serde_json::to_string(&raw).map_err(serde::de::Error::custom)?;
        let head = serde_json::from_str(&whole).map_err(serde::de::Error::custom)?;
        let agent =
            raw.get("agent").and_then(|raw| serde_json::from_str::<AgentTools>(raw.get()).ok());
        let fields = agent
            .into_iter()
            .flat_map(|agent| [("tools", agent.tools), ("mcp_servers", agent.mcp_servers)]);
        let fields = fields.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let agent = Value::Object(fields.collect());
        let mut fields = Map::from_iter([("agent".to_owned(), agent)]);
        let budget = raw.get("budget").filter(|raw| raw.get().len() <= LARGEST_VALUE);
        let budget = budget.and_then(|raw| serde_json::from_str(raw.get()).ok());
        fields.extend(budget.map(|budget| ("budget".to_owned(), budget)));
        Ok(Self(Session { head, fields }))
    }
}

/// One event of a session's history, as it was sent. Some services leave ids out.
pub type Event = Map<String, Value>;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

impl Order {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}
