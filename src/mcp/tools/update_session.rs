//! `update_session`: title, metadata and budget of one session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    api::{ApiError, ApiResponse, Client},
    app::{
        write,
        write::{Conditions, IfBusy, Outcome, Write},
    },
    config::Toolset,
    domain::{
        details,
        details::{Details, DetailsChange},
        guard::Operation,
        view::row::Row,
    },
    explain,
    explain::Failure,
    mcp::{
        args::values::{ApiTimeArg, Nullable, SessionIdArg},
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::{Session, SessionId},
};

pub(crate) struct UpdateSession;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// New title; null or "" takes it away.
    #[serde(default)]
    title: Nullable<String>,
    /// Pairs to set (string values); null deletes a key. Keys not given stay.
    metadata: Option<Map<String, Value>>,
    /// New limit such as "50.00 USD", above what is spent; null or "none" removes it for good.
    #[serde(default)]
    budget: Nullable<String>,
    /// Show what would change, change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Act only if the session's updated_at is still this.
    expected_updated_at: Option<ApiTimeArg>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened; unchanged = it already was so, nothing was sent.
    outcome: Word,
    /// For each field that differs: before, after.
    changes: Map<String, Value>,
    /// The session afterwards.
    session: Row,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Updated,
    Unchanged,
    WouldUpdate,
}

impl SessionsTool for UpdateSession {
    const NAME: &'static str = "update_session";
    const TITLE: &'static str = "Update a session";
    const DESCRIPTION: &'static str = "Change title, metadata or budget of one session, also \
        while it runs. A budget can only be changed on a session created with one.";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Writes;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let details = Details::read(args.title.into(), args.metadata, args.budget.into()).map_err(
            |mistakes| {
                let mistakes: Vec<_> = mistakes.iter().map(explain::details::mistake).collect();
                Failure::invalid_arguments(Self::NAME, &mistakes)
            },
        )?;
        let conditions = Conditions {
            if_busy: IfBusy::Refuse,
            wait: std::time::Duration::ZERO,
            dry_run: args.dry_run,
            expected_updated_at: args.expected_updated_at.map(|at| at.0),
        };
        let id = args.session_id.id();
        Ok(
            match write::carry_out(server, call, id, &conditions, &Change(details)).await? {
                Outcome::NothingToDo(session) => output(Word::Unchanged, Map::new(), &session),
                Outcome::Would { session, prepared } => {
                    output(Word::WouldUpdate, prepared.changes, &session)
                }
                Outcome::Written {
                    before,
                    prepared,
                    after,
                } => output(
                    Word::Updated,
                    prepared.changes,
                    after.as_deref().unwrap_or(&before),
                ),
            },
        )
    }
}

fn output(outcome: Word, changes: Map<String, Value>, session: &Session) -> Output {
    Output {
        outcome,
        changes,
        session: Row::of(&session.head),
    }
}

struct Change(Details);

impl Write for Change {
    type Prepared = DetailsChange;

    fn operation(&self) -> Operation {
        if self.0.touches_budget() {
            Operation::UpdateBudget
        } else {
            Operation::UpdateDetails
        }
    }

    fn prepare(&self, session: &Session) -> Result<Option<DetailsChange>, Failure> {
        let planned = details::plan(&self.0, session);
        Ok((!planned.changes.is_empty()).then_some(planned))
    }

    async fn send(
        &self,
        client: &Client,
        id: &SessionId,
        planned: &DetailsChange,
    ) -> Result<ApiResponse<Option<Session>>, ApiError> {
        Ok(client.update_session(id, &planned.body).await?.map(Some))
    }

    fn verify(&self, _: &DetailsChange, after: &Session) -> Result<(), Vec<String>> {
        let left = details::plan(&self.0, after).changes;
        if left.is_empty() {
            return Ok(());
        }
        Err(left
            .keys()
            .map(|field| format!("{field} is not as asked for"))
            .collect())
    }
}
