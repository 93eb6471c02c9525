//! `diagnose_session`: why is it stuck or waiting, and what to do next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{op::Op, recent},
    config::Toolset,
    domain::{
        diagnosis,
        diagnosis::{Facts, Verdict},
        events,
        guard::Activity,
        step::LeftOut,
        view::row::Row,
    },
    explain,
    explain::{Failure, vocabulary::Vocabulary},
    mcp::{
        args::values::SessionIdArg,
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::{Event, Session, SessionId},
};

/// How many of the newest events are looked at.
const EVENTS: u32 = 100;

pub(crate) struct DiagnoseSession;

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
}

/// The tools that are offered, by their names.
struct Offered<'a>(&'a LeftOut);

impl Vocabulary for Offered<'_> {
    fn name(&self, op: Op) -> Option<&str> {
        (!self.0.contains(op.name())).then(|| op.name())
    }
}

impl SessionsTool for DiagnoseSession {
    const NAME: &'static str = "diagnose_session";
    const TITLE: &'static str = "Diagnose a session";
    const DESCRIPTION: &'static str = "Find out why a session is stuck, waiting or ended: one \
        verdict, the evidence, and the next step.";
    const TOOLSET: Toolset = Toolset::Events;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let session = call.session(id).await?;
        let activity = server.statuses().activity(&session.head);
        let newest = recent::events(call, id, &[], EVENTS).await?;
        let newest = with_what_it_waits_for(call, id, activity, newest).await?;
        let threads = threads(call, id, &session, &newest).await;
        let record = server.record(&session).await;
        let found = diagnosis::diagnose(&Facts {
            session: &session,
            activity,
            events: &newest,
            threads: &threads,
            console_url: record.console_url.as_deref(),
            now: Timestamp::now(),
        });
        Ok(Output {
            verdict: found.verdict,
            evidence: found.evidence,
            next: explain::diagnosis::next_step(&found.next, &Offered(server.left_out())),
            session: record.row,
        })
    }
}

/// Adds the pause of an idle session, and the calls it waits for, if newer events hide them.
async fn with_what_it_waits_for(
    call: &Call,
    id: &SessionId,
    activity: Activity,
    mut newest: Vec<Event>,
) -> Result<Vec<Event>, Failure> {
    let pause = "session.status_idle";
    let has_more = newest.len() >= EVENTS as usize;
    if activity == Activity::Idle
        && has_more
        && !newest.iter().any(|each| events::kind(each) == pause)
    {
        newest.extend(recent::events(call, id, &[pause], 1).await?);
    }
    let known = |wanted: &str| {
        newest
            .iter()
            .any(|each| events::text(each, "id") == Some(wanted))
    };
    let waits = diagnosis::waited_for(&newest);
    if has_more && !waits.into_iter().all(known) {
        let calls = [
            "agent.tool_use",
            "agent.mcp_tool_use",
            "agent.custom_tool_use",
        ];
        newest.extend(recent::events(call, id, &calls, EVENTS).await?);
    }
    Ok(newest)
}

/// The threads of a multi-agent session, as far as the service tells.
async fn threads(call: &Call, id: &SessionId, session: &Session, newest: &[Event]) -> Vec<Event> {
    let several = session
        .agent_field("multiagent")
        .is_some_and(|it| !it.is_null())
        || newest
            .iter()
            .any(|each| events::kind(each).starts_with("session.thread_"));
    if !several {
        return Vec::new();
    }
    match call.client().list_threads(id).await {
        Ok(threads) => threads.body.data,
        Err(error) => {
            tracing::debug!(%error, "the threads could not be read");
            Vec::new()
        }
    }
}
