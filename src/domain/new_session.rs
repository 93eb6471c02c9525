//! A new session: what is asked for, what it takes over of another one, and whether what the
//! service created is that.

mod copy;
mod warning;

use serde_json::{Map, Value, json};

pub(crate) use self::copy::{agent_fields_of_its_own, metadata, resources, vaults};
pub use self::warning::StartWarning;
use crate::{
    domain::{
        details::{self, pairs},
        money::{InvalidAmount, Money},
        toolset::{self, Difference, Patch, Toolset, ToolsetChange, Warning, diff, same, verify},
    },
    model::{Event, Session},
};

/// The only currency the API takes a budget in.
const CURRENCY: &str = "USD";

/// Why the arguments cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// This argument is needed unless another session is copied.
    Missing(&'static str),
    /// The session to be copied names no agent or no environment, so this argument is needed.
    NotCopied(&'static str),
    /// Of the metadata.
    Details(details::Mistake),
    /// The budget is not an amount.
    Budget(InvalidAmount),
    /// The budget is not in dollars, but in this currency.
    BudgetCurrency(String),
    /// The budget is not a number of cents of at least one.
    BudgetCents,
}

/// What was given, checked as far as possible without the service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// The title.
    pub title: Option<String>,
    /// The first message.
    pub message: Option<String>,
    /// Pairs; `None` for a key that is not to be taken over.
    pub metadata: Vec<(String, Option<String>)>,
    /// The most it may cost.
    pub budget: Option<Money>,
}

impl Details {
    /// Reads the arguments, or adds what is wrong with them to `mistakes`.
    pub(crate) fn read(
        title: Option<String>,
        message: Option<String>,
        metadata: Option<Map<String, Value>>,
        budget: Option<&str>,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let mut of_metadata = Vec::new();
        let metadata = pairs(metadata.unwrap_or_default(), &mut of_metadata);
        mistakes.extend(of_metadata.into_iter().map(Mistake::Details));
        let budget = budget.map(self::budget).and_then(|read| match read {
            Ok(budget) => Some(budget),
            Err(mistake) => {
                mistakes.push(mistake);
                None
            }
        });
        Self { title, message, metadata, budget }
    }
}

fn budget(text: &str) -> Result<Money, Mistake> {
    let money = Money::parse_major(text).map_err(Mistake::Budget)?;
    if money.currency() != CURRENCY {
        return Err(Mistake::BudgetCurrency(money.currency().to_owned()));
    }
    if money.is_zero() || money.to_minor_string().contains('.') {
        return Err(Mistake::BudgetCents);
    }
    Ok(money)
}

/// The agent of a new session.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAgent {
    /// Its id.
    pub id: String,
    /// The version to use; the newest one without.
    pub version: Option<i64>,
    /// The agent as the service sent it, if it could be read.
    pub fields: Event,
    /// The tools that the session gets instead of the agent's, where they differ.
    pub toolset: Option<ToolsetChange>,
}

impl NewAgent {
    /// The agent with the tools of `wanted` instead of its own.
    pub(crate) fn with_toolset(mut self, wanted: &Toolset) -> Self {
        let own = toolset_of(&self.fields);
        let changes = diff(&own, wanted);
        let tools = (!changes.tools.is_empty()).then(|| wanted.tools.clone());
        let servers = (!changes.mcp_servers.is_empty()).then(|| wanted.mcp_servers.clone());
        let change = ToolsetChange { tools, mcp_servers: servers, changes, warnings: Vec::new() };
        self.toolset = (!change.changes.is_empty()).then_some(change);
        self
    }

    fn reference(&self) -> Value {
        let Some(toolset) = &self.toolset else {
            return match self.version {
                Some(version) => json!({"type": "agent", "id": self.id, "version": version}),
                None => json!(self.id),
            };
        };
        let mut reference = Map::new();
        reference.insert("type".to_owned(), "agent_with_overrides".into());
        reference.insert("id".to_owned(), self.id.clone().into());
        // What was merged into the tools of a version belongs to that version.
        let version = self.version.or_else(|| self.fields.get("version")?.as_i64());
        if let Some(version) = version {
            reference.insert("version".to_owned(), version.into());
        }
        for (field, value) in [("tools", &toolset.tools), ("mcp_servers", &toolset.mcp_servers)] {
            if let Some(value) = value {
                reference.insert(field.to_owned(), value.clone().into());
            }
        }
        reference.into()
    }
}

/// The tools and servers of an agent as the service sent it.
pub(crate) fn toolset_of(agent: &Event) -> Toolset {
    let array = |field| match agent.get(field) {
        Some(Value::Array(values)) => values.clone(),
        _ => Vec::new(),
    };
    Toolset { tools: array("tools"), mcp_servers: array("mcp_servers") }
}

/// What the arguments add to the tools; `None` if they add nothing.
pub(crate) fn patch(tools: Option<Vec<Value>>, mcp_servers: Option<Vec<Value>>) -> Option<Patch> {
    // Hosts in strict mode give every array.
    let given = |array: Option<Vec<Value>>| array.filter(|array| !array.is_empty());
    let (tools, mcp_servers) = (given(tools), given(mcp_servers));
    (tools.is_some() || mcp_servers.is_some()).then(|| Patch {
        tools,
        mcp_servers,
        ..Patch::default()
    })
}

/// `current` with what the patch adds to it, and what is worth a look about that.
pub(crate) fn merged(
    current: &Toolset,
    patch: &Patch,
    has_vaults: bool,
) -> Result<(Toolset, Vec<Warning>), Vec<toolset::Problem>> {
    let plan = toolset::plan(current, patch)?;
    let mut warnings = plan.warnings.clone();
    if !has_vaults {
        warnings.extend(toolset::added_without_vault(&plan.changes));
    }
    Ok((plan.applied_to(current), warnings))
}

/// A session to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSession {
    /// Its agent.
    pub agent: NewAgent,
    /// The id of its environment.
    pub environment: String,
    /// Its title.
    pub title: Option<String>,
    /// Its first message.
    pub message: Option<String>,
    /// Its pairs.
    pub metadata: Map<String, Value>,
    /// The most it may cost.
    pub budget: Option<Money>,
    /// The ids of its vaults.
    pub vaults: Vec<String>,
    /// What is mounted into it, as the API takes it.
    pub resources: Vec<Value>,
}

impl NewSession {
    /// The body of the request that creates it.
    pub(crate) fn body(&self) -> Map<String, Value> {
        let mut body = self.shared_fields();
        body.insert("agent".to_owned(), self.agent.reference());
        body.extend(self.message.as_ref().map(|text| {
            let content = json!([{"type": "text", "text": text}]);
            let message = json!({"type": "user.message", "content": content});
            ("initial_events".to_owned(), json!([message]))
        }));
        body
    }

    /// The fields that are the same in the request and in the session.
    fn shared_fields(&self) -> Map<String, Value> {
        let budget = self.budget.as_ref().map(|money| {
            let cost = json!({"amount": money.to_minor_string(), "currency": money.currency()});
            json!({"type": "limit", "max_list_cost": cost})
        });
        let list = |list: &[Value]| (!list.is_empty()).then(|| json!(list));
        let fields = [
            ("environment_id", Some(json!(self.environment))),
            ("title", self.title.as_ref().map(|title| json!(title))),
            ("metadata", (!self.metadata.is_empty()).then(|| json!(self.metadata))),
            ("vault_ids", (!self.vaults.is_empty()).then(|| json!(self.vaults))),
            ("budget", budget),
            ("resources", list(&self.resources)),
        ];
        let given = fields.into_iter();
        given.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The session as it would be, without an id.
    pub(crate) fn preview(&self) -> Session {
        let mut agent = self.agent.fields.clone();
        agent.insert("id".to_owned(), json!(self.agent.id));
        if let Some(version) = self.agent.version {
            agent.insert("version".to_owned(), version.into());
        }
        if let Some(toolset) = &self.agent.toolset {
            let Toolset { tools, mcp_servers } =
                toolset.applied_to(&toolset_of(&self.agent.fields));
            agent.insert("tools".to_owned(), tools.into());
            agent.insert("mcp_servers".to_owned(), mcp_servers.into());
        }
        let mut fields = self.shared_fields();
        let status = if self.message.is_some() { "running" } else { "idle" };
        fields.insert("status".to_owned(), status.into());
        fields.insert("agent".to_owned(), agent.into());
        // Tokens of repositories are never among them: none can be given or taken over.
        let text = Value::Object(fields).to_string();
        Session::from_json(text.as_bytes()).unwrap_or_default()
    }

    /// How the session that the service created differs from this one. Agent, environment and
    /// vaults count only where the service names them.
    pub(crate) fn differences(&self, created: &Session) -> Differences {
        let head = &created.head;
        let limit = created.budget().as_ref().and_then(Money::from_amount);
        let has_pairs = || {
            let mut pairs = self.metadata.iter();
            pairs.all(|(key, value)| head.metadata.get(key).is_some_and(|own| same(own, value)))
        };
        let has_vaults = || {
            let given = created.fields.get("vault_ids").and_then(Value::as_array);
            given.is_none_or(|given| self.vaults.iter().all(|id| given.contains(&json!(id))))
        };
        let is_agent = head.agent.id.as_ref().is_none_or(|id| *id == self.agent.id);
        let is_version = match (self.agent.version, head.agent.version) {
            (Some(wanted), Some(version)) => wanted == version,
            _ => true,
        };
        let environment = head.environment_id.as_ref().filter(|id| !id.is_empty());
        let is_as_asked = [
            ("agent", is_agent),
            ("agent.version", is_version),
            ("environment_id", environment.is_none_or(|id| *id == self.environment)),
            ("title", self.title.is_none() || head.title() == self.title.as_deref()),
            ("metadata", has_pairs()),
            ("budget", self.budget.is_none() || limit == self.budget),
            ("vault_ids", has_vaults()),
        ];
        let differing = is_as_asked.into_iter().filter(|(_, is_as_asked)| !is_as_asked);
        let toolset = self.agent.toolset.as_ref();
        Differences {
            fields: differing.map(|(field, _)| field).collect(),
            toolset: toolset
                .and_then(|asked| verify(asked, &Toolset::of(created)).err())
                .unwrap_or_default(),
        }
    }
}

/// How a created session differs from what was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// These fields.
    pub fields: Vec<&'static str>,
    /// Its tools.
    pub toolset: Vec<Difference>,
}

impl Differences {
    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.toolset.is_empty()
    }
}

#[cfg(test)]
mod tests;
