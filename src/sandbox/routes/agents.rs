//! `/v1/agents`.

use axum::response::Response;

use crate::sandbox::{
    agent::{Agent, AgentRecord},
    attributes,
    exchange::{ApiRequest, respond},
    fields::Fields,
    page::PageRequest,
    rejection::Result,
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let page = PageRequest::new(&request.query, &store.quirks, "a", None, (20, 100))?;
    respond(&page.select_by_rank(store.agents.values()))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    respond(store.agent(request.id())?)
}

pub(super) fn create(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let mut body = request.json()?;
    let id = format!("agent_{}", store.new_id_suffix());
    store.resolve_multiagent(&mut body, &id)?;
    let agent = Agent::create(&id, &body)?;
    let metadata = attributes::metadata(&Fields::new(&body, "")?)?;
    store.created += 1;
    let record = AgentRecord::new(agent, metadata, store.clock.stamp());
    let response = respond(&record)?;
    store.agents.insert(id, record);
    Ok(response)
}
