//! `diagnose_session`: why is it stuck or waiting, and what to do next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::ops::diagnose_session::diagnose_session,
    domain::{diagnosis::Verdict, view::row::Row},
    explain::diagnosis::next_step,
    mcp::{
        args::values::SessionIdArg,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What it is found to be.
    verdict: Verdict,
    /// Facts: events with ids, tools that wait, ages.
    evidence: Map<String, Value>,
    /// The one thing to do.
    next: String,
    /// The session as lists show it.
    session: Row,
    /// Its page in the console, at the call to answer if it waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    console_url: Option<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::DiagnoseSession;
    const TITLE: &'static str = "Diagnose a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Find out why a session is stuck, waiting or ended: one \
        verdict, the evidence, and the next step.",
    )];
    const GROUP: ToolGroup = ToolGroup::Events;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let id = self.session_id.id();
        let (diagnosis, session) = diagnose_session(call.services, call.cx, id).await?;
        Ok(Output {
            verdict: diagnosis.verdict,
            evidence: diagnosis.evidence,
            next: next_step(&diagnosis.next, call.vocabulary),
            session,
            console_url: diagnosis.next.console_url,
        })
    }
}
