//! `wait_for_session`: until it is not busy, or the time is up.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        error::ErrorKind,
        ops::wait_for_session::{LastSign, Waited, wait_for_session},
    },
    domain::{
        code::Code,
        diagnosis::OpenRun,
        events, text,
        view::row::{Row, short},
    },
    explain::{
        explain,
        unknown::{LAST_EVENT, warnings},
        values::ONE_OR_SEVERAL,
        vocabulary::Vocabulary,
    },
    mcp::{
        args::values::{SessionIdArg, number},
        awaited::Awaited,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
    model::{Event, SessionId},
};

/// How many workflow runs are shown.
const RUNS: usize = 10;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: Option<SessionIdArg>,
    /// Instead: several, until one of them is not busy.
    #[schemars(length(min = 1, max = 50))]
    session_ids: Option<Vec<SessionIdArg>>,
    /// How long at most.
    #[serde(default = "number::<30>")]
    #[schemars(range(min = 1, max = 40))]
    wait_seconds: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(flatten)]
    awaited: Awaited,
    /// Whether it is still running or rescheduling.
    busy: bool,
    /// How long this call has waited.
    waited_seconds: u64,
    /// Workflow runs that have not ended: an idle session with any of them is not done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workflow_runs: Vec<OpenRun>,
    /// How many more runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow_runs_more: Option<usize>,
    /// While it is busy: its newest event.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_event: Option<LastEvent>,
    /// While it is busy: how long nothing has happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet_for: Option<String>,
    /// The session as lists show it; of several the first that is not busy, else the one that was
    /// active last.
    session: Row,
    /// Of several: the others that are busy, to wait for next.
    #[serde(skip_serializing_if = "Option::is_none")]
    still_busy: Option<Vec<String>>,
    /// Of several: others that are not busy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also_free: Vec<String>,
    /// Of several: those that cannot be waited for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedSession>,
    /// What is not known, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The newest event of a busy session.
#[derive(Serialize, JsonSchema)]
struct LastEvent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<String>,
}

/// A session that cannot be waited for.
#[derive(Serialize, JsonSchema)]
struct FailedSession {
    id: String,
    #[schemars(with = "String")]
    code: Code,
    message: String,
}

impl SessionsTool for Args {
    const OP: Op = Op::WaitForSession;
    const TITLE: &'static str = "Wait for a session";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always(
            "Wait until a session, or one of several, is not busy and say why it stopped. Of \
             several, those that are gone are named in failed, and the others waited for.",
        ),
        Text::Where(
            Op::DiagnoseSession,
            "If it still is when the time is up, the answer says busy: call again, or \
             diagnose_session.",
        ),
    ];
    const GROUP: ToolGroup = ToolGroup::Events;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let wait = Duration::from_secs(self.wait_seconds.into());
        let several = self.session_ids.is_some();
        let ids = match (self.session_id, self.session_ids) {
            (Some(one), None) => vec![one.id().clone()],
            (None, Some(several)) => distinct(&several),
            _ => {
                return Err(ErrorKind::InvalidArguments(vec![ONE_OR_SEVERAL.to_owned()]).into());
            }
        };
        let waited = Box::pin(wait_for_session(call.services, call.cx, &ids, wait)).await?;
        Ok(Output::of(waited, several, call.vocabulary))
    }
}

fn distinct(ids: &[SessionIdArg]) -> Vec<SessionId> {
    let mut distinct: Vec<SessionId> = Vec::new();
    for id in ids {
        if !distinct.contains(id.id()) {
            distinct.push(id.id().clone());
        }
    }
    distinct
}

impl Output {
    fn of(waited: Waited, several: bool, vocabulary: &dyn Vocabulary) -> Self {
        let Waited { end, last_sign, others } = waited;
        let session = Row::of(&end.session.head);
        let texts = |ids: Vec<SessionId>| ids.iter().map(SessionId::to_string).collect();
        let failed = others.failed.into_iter().map(|(id, error)| FailedSession {
            id: id.to_string(),
            code: error.code(),
            message: text::shortened(&explain(&error, Op::WaitForSession, vocabulary).message, 300),
        });
        let (busy, waited) = (end.busy, end.waited);
        let (awaited, pause) = Awaited::of(end);
        let mut warnings = warnings(pause.unknown, None);
        if busy && last_sign.is_none() {
            warnings.push(LAST_EVENT.to_owned());
        }
        let (last_event, quiet_for) = match last_sign {
            Some(LastSign { event, age, quiet_for }) => {
                (event.map(|event| LastEvent::of(&event, age)), quiet_for)
            }
            None => (None, None),
        };
        let more_runs = pause.open_runs.len().saturating_sub(RUNS);
        Self {
            awaited,
            busy,
            waited_seconds: waited.as_secs(),
            workflow_runs: pause.open_runs.into_iter().take(RUNS).collect(),
            workflow_runs_more: (more_runs > 0).then_some(more_runs),
            last_event,
            quiet_for,
            session,
            still_busy: several.then(|| texts(others.busy)),
            also_free: texts(others.free),
            failed: failed.collect(),
            warnings,
        }
    }
}

impl LastEvent {
    fn of(event: &Event, age: Option<String>) -> Self {
        let is_call = events::kind(event).ends_with("tool_use");
        let tool = events::text(event, "name").filter(|_| is_call);
        Self { kind: short(events::kind(event)), tool: tool.map(short), age }
    }
}
