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
        toolset::{self, Patch, Toolset, ToolsetChange},
    },
    model::{Session, SessionId},
};

pub(crate) async fn update_session_tools(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    patch: Patch,
    conditions: &Conditions,
) -> Result<Written<ToolsetChange>, Error> {
    write(services, cx, id, conditions, &mut UpdateTools(patch)).await
}

struct UpdateTools(Patch);

impl GuardedWrite for UpdateTools {
    type Prepared = ToolsetChange;

    fn operation(&self) -> Operation {
        Operation::UpdateTools
    }

    fn prepare(&self, session: &Session) -> Result<Option<ToolsetChange>, Error> {
        let plan = toolset::plan(&Toolset::of(session), &self.0);
        let plan = plan.map_err(|problems| ErrorKind::InvalidToolset {
            session: Box::new(session.head.clone()),
            problems,
        })?;
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
