//! Change the tools of one session.

use serde_json::{Map, Value, json};

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind, Mismatch},
        services::Services,
        waiting::Look,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{
        guard::Operation,
        toolset::{self, NoUndo, Patch, Toolset, ToolsetChange},
    },
    model::{Session, SessionId},
};

/// The patch that undoes a change, or why no patch can.
pub(crate) type Undo = Result<Patch, NoUndo>;

pub(crate) async fn update_session_tools(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    patch: &Patch,
    conditions: &Conditions,
) -> Result<(Written<ToolsetChange>, Option<Undo>), Error> {
    let mut update = UpdateTools { patch, look: None };
    let written = write(services, cx, id, conditions, &mut update).await?;
    let undo = undo(&written);
    Ok((written, undo))
}

/// The patch that restores the tools, of a dry run as if it had been carried out.
pub(crate) fn undo(written: &Written<ToolsetChange>) -> Option<Undo> {
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

/// What a patch makes of a session's tools; nothing if they already are so.
pub(crate) fn changed(patch: &Patch, session: &Session) -> Result<Option<ToolsetChange>, Error> {
    let plan = toolset::plan(&Toolset::of(session), patch);
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

pub(crate) struct UpdateTools<'a> {
    patch: &'a Patch,
    look: Option<(&'a Services, Look)>,
}

impl<'a> UpdateTools<'a> {
    /// A change that leaves a session that waits alone, if the look refuses that.
    pub(crate) fn planned(services: &'a Services, patch: &'a Patch, look: Look) -> Self {
        Self { patch, look: Some((services, look)) }
    }
}

impl GuardedWrite for UpdateTools<'_> {
    type Prepared = ToolsetChange;

    fn operation(&self) -> Operation {
        Operation::UpdateTools
    }

    fn prepare(&self, session: &Session) -> Result<Option<ToolsetChange>, Error> {
        changed(self.patch, session)
    }

    async fn inspect(&mut self, cx: &Context, session: &Session) -> Result<bool, Error> {
        match &mut self.look {
            Some((services, look)) => look.at(services, cx, session, Operation::UpdateTools).await,
            None => Ok(false),
        }
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
