//! `start_session`: a new session, from an agent or like another one.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{
        error::ErrorKind,
        ops::start_session::{Request, start_session},
    },
    domain::{
        new_session::{Details, Mistake, patch},
        view::size::SizeBudget,
    },
    explain::{explain, start::warning},
    mcp::{
        args::values::SessionIdArg,
        awaited::Awaited,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

/// What the warnings of an answer may take, in bytes.
const WARNINGS_BYTES: usize = 5_000;
/// Fields of a record that say nothing about a session that is not there.
const OF_EXISTING: [&str; 4] = ["id", "archived", "operations", "usage"];

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id or name. Not needed with like_session.
    #[schemars(length(max = 256))]
    agent: Option<String>,
    /// Id or name. Not needed with like_session.
    #[schemars(length(max = 256))]
    environment: Option<String>,
    /// Session to copy: agent, version, environment, vaults, resources, metadata, tools; not title,
    /// budget or history. What is given beside it wins.
    like_session: Option<SessionIdArg>,
    /// Its title.
    title: Option<String>,
    /// First message: it starts to work at once.
    #[schemars(length(max = 100_000))]
    message: Option<String>,
    /// Pairs (string values); null leaves a copied key out.
    metadata: Option<Map<String, Value>>,
    /// The most it may cost, such as "50.00 USD"; none can be set later.
    budget: Option<String>,
    /// Entries to add or change, such as [{"type":"agent_toolset_20260401"}]; only in this session.
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    tools: Option<Vec<Value>>,
    /// The same, such as [{"type":"url","name":"linear","url":"https://mcp.linear.app/mcp"}].
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    mcp_servers: Option<Vec<Value>>,
    /// Vaults with its credentials.
    #[serde(default)]
    vault_ids: Vec<String>,
    /// How long to wait for the reply to message.
    #[serde(default)]
    #[schemars(range(min = 0, max = 40))]
    wait_seconds: u8,
    /// Check all and show the session, start none.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Started,
    WouldStart,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    #[serde(flatten)]
    awaited: Awaited,
    /// Things worth a second thought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Its record; in a dry run what would be created, without an id.
    session: Map<String, Value>,
}

impl SessionsTool for Args {
    const OP: Op = Op::StartSession;
    const TITLE: &'static str = "Start a session";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always(
            "Start a session of an agent in an environment, or like another session. Each call \
             starts one more, which costs.",
        ),
        Text::Where(Op::WaitForSession, "wait_for_session waits for its reply later."),
    ];
    const GROUP: ToolGroup = ToolGroup::Work;
    const EFFECT: Effect = Effect::Adds;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let dry_run = self.dry_run;
        let request = self.request().map_err(ErrorKind::InvalidStart)?;
        let started = Box::pin(start_session(call.services, call.cx, request)).await?;
        let mut warnings: Vec<String> = started.warnings.iter().map(warning).collect();
        let turn = match started.turn {
            Some(Ok(turn)) => Some(turn),
            Some(Err(error)) => {
                let cause = explain(&error, Op::StartSession, call.vocabulary);
                let (code, message) = (cause.code, cause.message);
                warnings.push(format!(
                    "the session is started, but its reply could not be waited for: {code}: \
                     {message}"
                ));
                None
            }
            None => None,
        };
        let session = turn.as_ref().map_or(&started.session, |turn| &turn.session);
        let record = call.services.record(session).await;
        let Ok(Value::Object(mut session)) = serde_json::to_value(record) else {
            return Err(ErrorKind::Internal.into());
        };
        if dry_run {
            session.retain(|field, _| !OF_EXISTING.contains(&field.as_str()));
        }
        Ok(Output {
            outcome: if dry_run { Outcome::WouldStart } else { Outcome::Started },
            awaited: turn.map(|turn| Awaited::of(turn).0).unwrap_or_default(),
            warnings: within_answer(warnings),
            session,
        })
    }
}

impl Args {
    fn request(self) -> Result<Request, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        if self.like_session.is_none() {
            let given = [("agent", &self.agent), ("environment", &self.environment)];
            let missing = given.into_iter().filter(|(_, value)| value.is_none());
            mistakes.extend(missing.map(|(name, _)| Mistake::Missing(name)));
        }
        let budget = self.budget.as_deref();
        let details = Details::read(self.title, self.message, self.metadata, budget, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Request {
            agent: self.agent,
            environment: self.environment,
            like_session: self.like_session.map(|id| id.id().clone()),
            details,
            patch: patch(self.tools, self.mcp_servers),
            vaults: self.vault_ids,
            wait: Duration::from_secs(self.wait_seconds.into()),
            dry_run: self.dry_run,
        })
    }
}

/// As many warnings as fit beside the record.
fn within_answer(warnings: Vec<String>) -> Vec<String> {
    let mut budget = SizeBudget::of(WARNINGS_BYTES);
    let (mut shown, rest): (Vec<_>, Vec<_>) =
        warnings.into_iter().partition(|warning| budget.take(warning));
    if !rest.is_empty() {
        shown.push(format!("{} more warnings", rest.len()));
    }
    shown
}
