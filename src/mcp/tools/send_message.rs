//! `send_message`: say something to a session, and wait for its reply.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        ops::send_message::send_message,
        write::{
            conditions::{Conditions, First, IfBusy},
            guarded::Written,
        },
    },
    domain::view::brief::Brief,
    explain::answer::{NOT_TAKEN_UP, not_waited},
    mcp::{
        args::values::{ApiTimeArg, SessionIdArg},
        awaited::Awaited,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
        written,
    },
};

/// How long a turn may take to end that is stopped for a message.
const INTERRUPT_WAIT: Duration = Duration::from_secs(20);

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// What to say.
    #[schemars(length(max = 100_000))]
    text: String,
    /// What to do if the session is at work.
    #[serde(default)]
    if_busy: WhenBusy,
    /// How long to wait for the reply.
    #[serde(default)]
    #[schemars(range(min = 0, max = 40))]
    wait_seconds: u8,
    /// Check all, send nothing.
    #[serde(default)]
    dry_run: bool,
    /// Act only if updated_at is still this.
    expected_updated_at: Option<ApiTimeArg>,
}

#[derive(Deserialize, Serialize, JsonSchema, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum WhenBusy {
    /// send it; the agent takes it up at its next step
    #[default]
    Queue,
    /// send nothing
    Refuse,
    /// stop its turn, then send it
    Interrupt,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    /// In a dry run on a busy session: what would come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<First>,
    /// The id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(flatten)]
    awaited: Awaited,
    /// What could not be found out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The session, as last read.
    session: Brief,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Sent,
    WouldSend,
}

impl SessionsTool for Args {
    const OP: Op = Op::SendMessage;
    const TITLE: &'static str = "Send a message";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always("Say something to one session, and with wait_seconds wait for its reply."),
        Text::Where(
            Op::AnswerSession,
            "A session that waits for an answer takes none: use answer_session.",
        ),
    ];
    const GROUP: ToolGroup = ToolGroup::Work;
    const EFFECT: Effect = Effect::Adds;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let conditions = Conditions {
            if_busy: match self.if_busy {
                WhenBusy::Interrupt => IfBusy::Interrupt,
                WhenBusy::Queue | WhenBusy::Refuse => IfBusy::Refuse,
            },
            wait: INTERRUPT_WAIT,
            dry_run: self.dry_run,
            expected_updated_at: self.expected_updated_at.map(|at| at.0),
            ..Conditions::default()
        };
        let queues = self.if_busy == WhenBusy::Queue;
        let wait = Duration::from_secs(self.wait_seconds.into());
        let (services, cx, id) = (call.services, call.cx, self.session_id.id());
        let sent = send_message(services, cx, id, self.text, queues, &conditions, wait);
        let sent = Box::pin(sent).await?;
        let first = sent.written.first();
        let outcome = match &sent.written {
            Written::Done { .. } => Outcome::Sent,
            _ => Outcome::WouldSend,
        };
        let ((), mut session, ()) = written::shown(sent.written, (), (), ());
        if let Some(after) = &sent.after {
            session = Brief::of(&after.head);
        }
        let (mut awaited, mut warnings) = (Awaited::default(), Vec::new());
        match sent.end {
            Some(Ok(end)) => {
                session = Brief::of(&end.session.head);
                warnings.extend(end.is_queued.then(|| NOT_TAKEN_UP.to_owned()));
                (awaited, _) = Awaited::of(end);
            }
            Some(Err(error)) => warnings.push(not_waited(&error)),
            None => {}
        }
        let event_id = sent.event_id;
        Ok(Output { outcome, first, event_id, awaited, warnings, session })
    }
}
