//! Change the tools of one session.

use serde_json::{Map, Value, json};

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind, Mismatch},
        services::Services,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{
        guard::Operation,
        toolset::{self, NoUndo, Patch, Toolset, ToolsetChange},
    },
    model::{Session, SessionId},
};

/// The patch that undoes a change, or the reason why there is none.
pub(crate) type Undo = Result<Patch, NoUndo>;

pub(crate) async fn update_session_tools(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    patch: Patch,
    conditions: &Conditions,
) -> Result<(Written<ToolsetChange>, Option<Undo>), Error> {
    let written = write(services, cx, id, conditions, &mut UpdateTools(patch)).await?;
    let undo = undo(&written);
    Ok((written, undo))
}

/// The patch that restores the tools, of a dry run as if it had been carried out.
fn undo(written: &Written<ToolsetChange>) -> Option<Undo> {
    let (before, after) = match written {
        Written::DryRun { session, prepared, .. } => {
            let before = Toolset::of(session);
            let after = prepared.applied_to(&before);
            (before, after)
        }
        Written::Done { before, after: Some(after), .. } => {
            (Toolset::of(before), Toolset::of(after))
        }
        Written::Done { before, prepared, after: None } => {
            let before = Toolset::of(before);
            let after = prepared.applied_to(&before);
            (before, after)
        }
        Written::Unchanged(_) | Written::NeedsApproval { .. } => return None,
    };
    toolset::undo(&before, &after)
}

struct UpdateTools(Patch);

impl GuardedWrite for UpdateTools {
    type Prepared = ToolsetChange;

    fn operation(&self) -> Operation {
        Operation::UpdateTools
    }

    fn prepare(&self, session: &Session) -> Result<Option<ToolsetChange>, Error> {
        let plan = toolset::plan(&Toolset::of(session), &self.0);
        let mut plan = plan.map_err(|problems| ErrorKind::InvalidToolset {
            session: Box::new(session.head.clone()),
            problems,
        })?;
        let vaults = session.fields.get("vault_ids").and_then(Value::as_array);
        if vaults.is_some_and(Vec::is_empty) {
            plan.warnings.extend(toolset::added_without_vault(&plan.changes));
        }
        Ok((!plan.changes.is_empty()).then_some(plan))
    }

    async fn send(&self, client: &Client, id: &SessionId, plan: &ToolsetChange) -> Sent {
        let mut agent = Map::new();
        for (field, value) in [("tools", &plan.tools), ("mcp_servers", &plan.mcp_servers)] {
            if let Some(value) = value {
                agent.insert(field.to_owned(), Value::Array(value.clone()));
            }
        }
        let body = Map::from_iter([("agent".to_owned(), json!(agent))]);
        Ok(client.update_session(id, &body).await?.map(Some))
    }

    fn verify(&self, plan: &ToolsetChange, after: &Session) -> Result<(), Mismatch> {
        toolset::verify(plan, &Toolset::of(after)).map_err(Mismatch::Toolset)
    }
}
