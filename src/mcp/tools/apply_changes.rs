//! `apply_changes`: carry out a plan, in steps that end in time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        ops::apply_changes::{Applied, apply_changes},
        plan::progress::{PlanProgress, Skipped},
    },
    domain::{code::Code, view::size::SizeBudget},
    explain::{approval, explain, explanation::whole_seconds, vocabulary::Vocabulary},
    mcp::{
        confirmation::Confirmation,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

/// What the failed sessions of an answer may take, in bytes.
const FAILED_BYTES: usize = 6_000;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// plan_id of plan_changes.
    plan_id: String,
    /// Only if an answer asked for it.
    confirmation_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// in_progress = call again.
    outcome: Outcome,
    #[serde(flatten)]
    progress: Progress,
    /// The sessions that this call changed, the first 100.
    changed: Vec<String>,
    /// Why this call stopped early: rate_limited, overloaded, …
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    stopped_by: Option<Code>,
    /// How long to wait before the next call.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_seconds: Option<u64>,
    /// What the user has to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
    #[serde(flatten)]
    confirmation: Confirmation,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Completed,
    InProgress,
    ConfirmationRequired,
}

/// How far the plan is, over all calls: `done + skipped + failed_count + remaining = matched`.
#[derive(Serialize, JsonSchema)]
struct Progress {
    /// Sessions of the plan.
    matched: usize,
    /// Changed as planned.
    done: usize,
    /// Left alone, by code: count and first ids.
    skipped: Skipped,
    /// How many could not be written.
    failed_count: usize,
    /// The first of them: id, code, message.
    failed: Vec<FailedSession>,
    /// Still to do; call again until it is 0.
    remaining: usize,
}

/// A session that could not be written.
#[derive(Serialize, JsonSchema)]
struct FailedSession {
    id: String,
    #[schemars(with = "String")]
    code: Code,
    message: String,
    /// It may have been carried out all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_doubt: bool,
}

impl Progress {
    fn of(progress: PlanProgress, vocabulary: &dyn Vocabulary) -> Self {
        let failed = progress.failed.into_iter().map(|failed| FailedSession {
            id: failed.id,
            code: failed.error.code(),
            in_doubt: failed.error.is_in_doubt(),
            message: explain(&failed.error, Op::ApplyChanges, vocabulary).message,
        });
        // The sessions of a plan are shown by plan_changes, whatever does not fit here.
        let mut budget = SizeBudget::of(FAILED_BYTES);
        let failed = failed.take_while(|failed| budget.take(failed));
        Self {
            matched: progress.matched,
            done: progress.done,
            skipped: progress.skipped,
            failed_count: progress.failed_count,
            failed: failed.collect(),
            remaining: progress.remaining,
        }
    }
}

impl SessionsTool for Args {
    const OP: Op = Op::ApplyChanges;
    const TITLE: &'static str = "Apply a plan";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always(
            "Carry out one plan. Each session is read and checked again right before it is \
             written; what has changed since or may not be written is skipped. Works for up to \
             40 s: call again with the same plan_id until remaining is 0. Counts are over all \
             calls.",
        ),
        Text::WhereConfirmed(Op::DeleteSession, "This server asks for a confirmation first."),
    ];
    const GROUP: ToolGroup = ToolGroup::Fleet;
    const EFFECT: Effect = Effect::Destroys;
    const BULK: bool = true;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let token = self.confirmation_token.as_deref();
        let applied = apply_changes(call.services, call.cx, &self.plan_id, token).await?;
        let (mut changed, mut question) = (Vec::new(), None);
        let (outcome, progress, stopped_by, token) = match applied {
            Applied::NeedsApproval { progress, token, subject } => {
                question = Some(approval::question(&subject));
                (Outcome::ConfirmationRequired, progress, None, Some(token))
            }
            Applied::Worked { progress, changed: now, stopped_by } => {
                changed = now;
                let outcome = match progress.remaining {
                    0 => Outcome::Completed,
                    _ => Outcome::InProgress,
                };
                (outcome, progress, stopped_by, None)
            }
        };
        Ok(Output {
            outcome,
            progress: Progress::of(progress, call.vocabulary),
            changed,
            question,
            stopped_by: stopped_by.map(|stop| stop.code),
            wait_seconds: stopped_by.map(|stop| whole_seconds(stop.wait)),
            confirmation: Confirmation::of(token),
        })
    }
}
