//! `/v1/agents`, except for the list of versions.

use axum::response::Response;

use crate::sandbox::{
    agent::versions::AgentVersions,
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::{Rejection, Result},
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (query, quirks) = (&request.query, &store.quirks);
    let page = PageRequest::new(query, quirks, "a", None, (20, 100))?;
    let include_archived = query.boolean("include_archived")?;
    let created_at = query.created_at_inclusive(quirks)?;
    let agents = store.agents.iter().map(|(key, agent)| (key, agent.newest()));
    let matching = agents.filter(|(_, agent)| {
        (include_archived || agent.archived_at.is_none())
            && created_at.contains(Some(agent.created_at))
    });
    respond(&page.select(matching))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let agent = store.agents.get(request.id())?;
    let version = request.query.integer("version")?;
    if version == Some(0) {
        return Err(Rejection::field("version", "must be at least 1"));
    }
    respond(agent.version(version)?)
}

pub(super) fn create(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let mut body = request.json()?;
    let id = format!("agent_{}", store.new_id_suffix());
    store.resolve_multiagent(&mut body, &id, 1)?;
    let agent = AgentVersions::create(&id, &body, store.clock.stamp())?;
    store.created += 1;
    let response = respond(agent.newest())?;
    store.agents.insert(id, agent);
    Ok(response)
}

pub(super) fn update(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let mut body = request.json()?;
    let current = store.agents.get(request.id())?.newest().agent.version;
    store.resolve_multiagent(&mut body, request.id(), current)?;
    let agent = store.agents.get_mut(request.id())?;
    agent.update(&mut store.clock, &body)?;
    respond(agent.newest())
}

pub(super) fn archive(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let agent = store.agents.get_mut(request.id())?;
    agent.archive(&mut store.clock);
    respond(agent.newest())
}
