//! `/v1/deployments`, to read only.

use axum::response::Response;

use crate::sandbox::{
    clock::Timestamp,
    deployment::DeploymentStatus,
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::{Rejection, Result},
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (query, quirks) = (&request.query, &store.quirks);
    let page = PageRequest::new(query, quirks, "d", None, (20, 100))?;
    let include_archived = query.boolean("include_archived")?;
    let created_at = query.created_at_inclusive(quirks)?;
    let agent = query.one("agent_id")?;
    let status = match query.one("status")? {
        None => None,
        Some(_) if include_archived => {
            let complaint = "cannot be combined with include_archived";
            return Err(Rejection::field("status", complaint));
        }
        Some("active") => Some(DeploymentStatus::Active),
        Some("paused") => Some(DeploymentStatus::Paused),
        Some(_) => return Err(Rejection::field("status", "must be active or paused")),
    };
    let now = Timestamp::now();
    let matching = store.deployments.iter().filter(|(_, deployment)| {
        (include_archived || deployment.archived_at.is_none())
            && created_at.contains(Some(deployment.created_at))
            && agent.is_none_or(|id| deployment.agent_id() == Some(id))
            && status.is_none_or(|status| deployment.settings.status == status)
    });
    respond(&page.select(matching).map(|deployment| deployment.view(now)))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let deployment = store.deployments.get(request.id())?;
    respond(&deployment.view(Timestamp::now()))
}
