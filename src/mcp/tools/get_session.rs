//! `get_session`: everything worth knowing about one session, in one small answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::ops::get_session::get_session,
    domain::view::record::Record,
    mcp::{
        args::values::SessionIdArg,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// How much to show.
    #[serde(default)]
    detail: Detail,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Detail {
    /// the record
    #[default]
    Concise,
    /// also the system prompt, why it last stopped, unknown fields
    Full,
}

impl SessionsTool for Args {
    const OP: Op = Op::GetSession;
    const TITLE: &'static str = "Get a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Read one session: status, agent, model, tools, usage, cost, \
        budget, and under `operations` what could be done to it now (\"allowed\", \
        \"nothing_to_do\", or the code of the refusal it would meet).",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Reads;
    type Output = Record;

    async fn call(self, call: ToolCall<'_>) -> Result<Record, Error> {
        let full = self.detail == Detail::Full;
        get_session(call.services, call.cx, self.session_id.id(), full).await
    }
}
