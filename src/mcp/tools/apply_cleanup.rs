//! `apply_cleanup`: carry out a plan, in steps that end in time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        approval::{Confirmed, Subject, Token},
        plan,
        plan::{Action, Plan, Standing},
    },
    config::Toolset,
    explain::Failure,
    mcp::{
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
};

pub(crate) struct ApplyCleanup;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// plan_id of plan_cleanup.
    plan_id: String,
    /// Only if an answer asked for it.
    confirmation_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// in_progress = call again.
    outcome: Word,
    /// How far the plan is, over all calls.
    #[serde(flatten)]
    standing: Standing,
    /// Why this call stopped early: rate_limited, overloaded, …
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_by: Option<&'static str>,
    /// Give it as confirmation_token once the user agrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_token: Option<String>,
    /// When that token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Completed,
    InProgress,
    ConfirmationRequired,
}

impl SessionsTool for ApplyCleanup {
    const NAME: &'static str = "apply_cleanup";
    const TITLE: &'static str = "Apply a clean-up plan";
    const DESCRIPTION: &'static str = "Archive or delete the sessions of one plan. Each is read \
        and checked again right before; changed or busy ones are skipped. Works for up to 40 s: \
        call again with the same plan_id until remaining is 0. Counts are over all calls.";
    const TOOLSET: Toolset = Toolset::Fleet;
    const EFFECT: Effect = Effect::Destroys;
    const BULK: bool = true;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let Some(plan) = server.fleet().find(&args.plan_id) else {
            return Err(Failure::plan_not_found(&args.plan_id));
        };
        if plan.action == Action::Delete && !plan.is_confirmed() {
            let given = args.confirmation_token.as_deref();
            match server
                .confirmer()
                .confirm(call, given, &subject(&plan))
                .await?
            {
                Confirmed::Yes => plan.confirm(),
                Confirmed::Needs(token) => return Ok(unconfirmed(&plan, token)),
            }
        }
        let stopped_by = plan::apply::apply(server, call, &plan).await?;
        let standing = plan.standing();
        let outcome = if standing.remaining == 0 {
            Word::Completed
        } else {
            Word::InProgress
        };
        Ok(Output {
            outcome,
            standing,
            stopped_by,
            confirmation_token: None,
            expires_at: None,
        })
    }
}

fn subject(plan: &Plan) -> Subject {
    let count = plan.matched;
    Subject {
        bound_to: format!("delete {}", plan.id),
        named: format!("deleting the {count} sessions of {}", plan.id),
        question: format!(
            "Delete {count} sessions for good, with their event histories and sandboxes? They \
             cost {} so far. This cannot be undone. (Clean-up plan {})",
            plan.list_cost.as_deref().unwrap_or("an unknown amount"),
            plan.id
        ),
    }
}

fn unconfirmed(plan: &Plan, token: Token) -> Output {
    Output {
        outcome: Word::ConfirmationRequired,
        standing: plan.standing(),
        stopped_by: None,
        confirmation_token: Some(token.token),
        expires_at: Some(token.expires_at),
    }
}
