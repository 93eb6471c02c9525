//! `update_session`: title, metadata and budget of one session.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{error::ErrorKind, ops::update_session::update_session, write::conditions::Conditions},
    domain::{
        details::{Clearable, Details},
        view::brief::Brief,
    },
    mcp::{
        args::values::{ApiTimeArg, SessionIdArg},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
        written::UpdateOutcome,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// New title.
    title: Option<String>,
    /// Pairs to set (string values); null deletes a key. Keys not given stay.
    metadata: Option<Map<String, Value>>,
    /// New limit such as "50.00 USD", above what is spent.
    budget: Option<String>,
    /// Fields to take away; a budget goes for good.
    #[serde(default)]
    clear: Vec<ClearArg>,
    /// Show what would change, change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Act only if the session's updated_at is still this.
    expected_updated_at: Option<ApiTimeArg>,
}

#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum ClearArg {
    Title,
    Budget,
}

impl From<ClearArg> for Clearable {
    fn from(field: ClearArg) -> Self {
        match field {
            ClearArg::Title => Self::Title,
            ClearArg::Budget => Self::Budget,
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened; unchanged = it already was so, nothing was sent.
    outcome: UpdateOutcome,
    /// For each field that differs: before, after.
    changes: Map<String, Value>,
    /// After a change of an idle session's budget: whether its work goes on by itself; absent if
    /// that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    resumes: Option<bool>,
    /// The session afterwards.
    session: Brief,
}

impl SessionsTool for Args {
    const OP: Op = Op::UpdateSession;
    const TITLE: &'static str = "Update a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Change title, metadata or budget of one session, also \
        while it runs. A budget can only be changed on a session created with one.",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    // A budget that was taken away never comes back.
    const EFFECT: Effect = Effect::Destroys;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let clear: Vec<Clearable> = self.clear.into_iter().map(Clearable::from).collect();
        let details = Details::read(self.title, self.metadata, self.budget, &clear);
        let details = details.map_err(ErrorKind::InvalidDetails)?;
        let conditions = Conditions {
            dry_run: self.dry_run,
            expected_updated_at: self.expected_updated_at.map(|at| at.0),
            ..Conditions::default()
        };
        let id = self.session_id.id();
        let (written, resumes) =
            update_session(call.services, call.cx, id, details, &conditions).await?;
        let (outcome, session, prepared) = UpdateOutcome::shown(written);
        Ok(Output { outcome, changes: prepared.changes, resumes, session })
    }
}
