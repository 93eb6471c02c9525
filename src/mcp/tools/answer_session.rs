//! `answer_session`: allow or deny the tool call that a session waits for, or give its result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{error::ErrorKind, ops::answer_session::answer_session, write::guarded::Written},
    domain::{
        answer::Answer,
        view::brief::Brief,
        waiting::{WaitingCall, first_calls},
    },
    mcp::{
        args::values::{ObjectIdArg, SessionIdArg, TextOrJsonArg},
        confirmation::Confirmation,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
        written,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// Id of the call, if several wait.
    event_id: Option<ObjectIdArg>,
    /// A person's decision.
    decision: Option<Decision>,
    /// Why it is denied, for the agent.
    #[schemars(length(max = 100_000))]
    reason: Option<String>,
    /// For a tool that is carried out elsewhere: its result, text or JSON.
    #[schemars(length(max = 100_000))]
    result: Option<TextOrJsonArg>,
    /// The tool failed.
    #[serde(default)]
    is_error: bool,
    /// The token of an earlier answer confirmation_required, once a person has agreed.
    confirmation_token: Option<String>,
    /// Check all, send nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize, Serialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    /// The call that was answered, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<WaitingCall>,
    /// What is still waited for.
    waiting: Vec<WaitingCall>,
    /// How many more calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_more: Option<usize>,
    /// The session, as read right before.
    session: Brief,
    #[serde(flatten)]
    confirmation: Confirmation,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Answered,
    WouldAnswer,
    ConfirmationRequired,
}

impl Args {
    /// The answer, or every mistake in the arguments for it.
    fn answer(&mut self) -> Result<Answer, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut mistake = |text: &str| mistakes.push(text.to_owned());
        let reason = self.reason.take();
        if reason.is_some() && self.decision != Some(Decision::Deny) {
            mistake("reason goes with decision \"deny\" only");
        }
        if self.is_error && self.result.is_none() {
            mistake("is_error goes with a result only");
        }
        let result = self.result.take();
        let answer = match (self.decision, result) {
            (Some(_), Some(_)) => {
                mistake("decision and result are both given; give the one that is waited for");
                None
            }
            (None, None) => {
                mistake(
                    "nothing is given to answer; give decision for a tool call that waits for a \
                     person, or result for one that is carried out elsewhere",
                );
                None
            }
            (Some(Decision::Allow), None) => Some(Answer::Allow),
            (Some(Decision::Deny), None) => Some(Answer::Deny { reason }),
            (None, Some(TextOrJsonArg(text))) => {
                Some(Answer::Result { text, is_error: self.is_error })
            }
        };
        answer.filter(|_| mistakes.is_empty()).ok_or(mistakes)
    }
}

impl SessionsTool for Args {
    const OP: Op = Op::AnswerSession;
    const TITLE: &'static str = "Answer a session";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always(
            "Answer a tool call that one session waits for: allow or deny it as a person decided, \
             or give the result of a tool that is carried out elsewhere. What an allowed call \
             does cannot be taken back.",
        ),
        Text::WhereConfirmed(
            Op::AnswerSession,
            "This server asks for a confirmation of an allow first.",
        ),
    ];
    const GROUP: ToolGroup = ToolGroup::Work;
    const EFFECT: Effect = Effect::Destroys;
    type Output = Output;

    async fn call(mut self, call: ToolCall<'_>) -> Result<Output, Error> {
        let answer = self.answer().map_err(ErrorKind::InvalidArguments)?;
        let event_id = self.event_id.map(|id| id.0.to_string());
        let (services, cx, id) = (call.services, call.cx, self.session_id.id());
        let (token, dry_run) = (self.confirmation_token, self.dry_run);
        let answered = answer_session(services, cx, id, event_id, answer, token, dry_run);
        let answered = Box::pin(answered).await?;
        let (outcome, token) = match &answered.written {
            Written::Done { .. } => (Outcome::Answered, None),
            Written::NeedsApproval { token, .. } => {
                (Outcome::ConfirmationRequired, Some(token.clone()))
            }
            Written::DryRun { .. } | Written::Unchanged(_) => (Outcome::WouldAnswer, None),
        };
        let (waiting, waiting_more) = first_calls(answered.waiting);
        let ((), mut session, ()) = written::shown(answered.written, (), (), ());
        if let Some(after) = &answered.after {
            session = Brief::of(&after.head);
        }
        Ok(Output {
            outcome,
            answered: answered.call,
            waiting,
            waiting_more,
            session,
            confirmation: Confirmation::of(token),
        })
    }
}
