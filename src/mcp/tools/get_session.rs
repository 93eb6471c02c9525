//! `get_session`: everything worth knowing about one session, in one small answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::recent,
    config::Toolset,
    domain::view::record::Record,
    explain::Failure,
    mcp::{
        args::values::SessionIdArg,
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
};

pub(crate) struct GetSession;

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

impl SessionsTool for GetSession {
    const NAME: &'static str = "get_session";
    const TITLE: &'static str = "Get a session";
    const DESCRIPTION: &'static str = "Read one session: status, agent, model, tools, usage, cost, \
        budget, and under `operations` what could be done to it now (\"allowed\", \
        \"nothing_to_do\", or the code of the refusal it would meet).";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Record;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Record, Failure> {
        let id = args.session_id.id();
        let session = call.session(id).await?;
        let record = server.record(&session).await;
        if args.detail == Detail::Concise {
            return Ok(record);
        }
        let stop_reason = recent::stop_reason(call, id).await;
        Ok(record.with_details(&session, stop_reason))
    }
}
