//! `delete_session`: record, events and sandbox go for good; the answer holds the last snapshot.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::{
        ops::delete_session::delete_session,
        write::{conditions::First, guarded::Written},
    },
    domain::view::{lost::Lost, record::Record},
    explain::{lost::snapshot_cut, waiting::warnings},
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        confirmation::Confirmation,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
    model::Session,
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    #[serde(flatten)]
    write: WriteArgs,
    /// The token of an earlier answer confirmation_required, once a person has agreed.
    confirmation_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    /// In a dry run on a busy session: what would come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<First>,
    /// What it waited for, its open workflow runs, and what of the snapshot is cut.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The session as it was right before.
    snapshot: Record,
    /// What it used and what deletion leaves alone, by id.
    kept: Kept,
    /// What is gone with it, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Lost>,
    /// The file that record and history were exported to.
    #[serde(skip_serializing_if = "Option::is_none")]
    exported_to: Option<String>,
    /// In a dry run: the file that they would be exported to.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_export_to: Option<String>,
    #[serde(flatten)]
    confirmation: Confirmation,
}

#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Deleted,
    WouldDelete,
    ConfirmationRequired,
}

/// Things that are independent of the session. Mounted files were copies: those go, their
/// originals stay.
#[derive(Serialize, JsonSchema)]
struct Kept {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    vaults: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    memory_stores: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    skills: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    files: BTreeSet<String>,
}

impl Kept {
    fn of(session: &Session) -> Self {
        let resources = session.head.resources.iter();
        let strings = |value: Option<&Value>, field: Option<&str>| {
            let values = value.and_then(Value::as_array).into_iter().flatten();
            values
                .filter_map(|each| field.map_or(Some(each), |field| each.get(field))?.as_str())
                .map(str::to_owned)
                .collect()
        };
        Self {
            agent: session.head.agent.id.clone(),
            environment: session.head.environment_id.clone(),
            vaults: strings(session.fields.get("vault_ids"), None),
            memory_stores: resources
                .clone()
                .filter_map(|each| each.memory_store_id.clone())
                .collect(),
            skills: strings(session.agent_field("skills"), Some("skill_id")),
            files: resources.filter_map(|each| each.file_id.clone()).collect(),
        }
    }
}

impl SessionsTool for Args {
    const OP: Op = Op::DeleteSession;
    const TITLE: &'static str = "Delete a session";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always("Delete one session for good: record, event history and sandbox."),
        Text::Where(
            Op::ArchiveSession,
            "Cannot be undone; archive_session keeps the history instead.",
        ),
        Text::Always(
            "Refused while it is running or rescheduling unless if_busy says otherwise. Answers a \
             last snapshot and what is lost.",
        ),
        Text::WhereConfirmed(Op::DeleteSession, "This server asks for a confirmation first."),
    ];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Destroys;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let (id, conditions) = (self.session_id.id(), self.write.conditions());
        let token = self.confirmation_token;
        let deleted = delete_session(call.services, call.cx, id, &conditions, token).await?;
        let first = deleted.written.first();
        let (outcome, session, token) = match deleted.written {
            Written::Done { before, .. } => (Outcome::Deleted, before, None),
            Written::NeedsApproval { session, token } => {
                (Outcome::ConfirmationRequired, session, Some(token))
            }
            Written::DryRun { session, .. } | Written::Unchanged(session) => {
                (Outcome::WouldDelete, session, None)
            }
        };
        let is_deleted = outcome == Outcome::Deleted;
        let mut snapshot = call.services.record(&session).await;
        if is_deleted {
            // Nothing can be done to it any more.
            snapshot.operations = None;
        }
        let is_copied = call.services.exports();
        let mut warnings = warnings(&deleted.waiting, is_deleted);
        warnings.extend(snapshot_cut(&snapshot.left_out, is_copied, is_deleted));
        Ok(Output {
            outcome,
            first,
            warnings,
            snapshot,
            kept: Kept::of(&session),
            lost: deleted.lost,
            exported_to: deleted.exported_to,
            would_export_to: deleted.would_export_to,
            confirmation: Confirmation::of(token),
        })
    }
}
