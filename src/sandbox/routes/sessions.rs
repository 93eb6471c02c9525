//! `/v1/sessions`, except for events and threads.

use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};

use crate::sandbox::{
    agent::Agent,
    attributes,
    clock::Timestamp,
    exchange::{ApiRequest, respond},
    fields::Fields,
    page::{Order, PageRequest},
    query::Query,
    quirks::{Quirk, Quirks},
    rejection::{Rejection, Result},
    resource::NewResource,
    session::{
        Session, SessionView, Status,
        inbox::{self, IncomingEvent},
    },
    store::Store,
};

/// A session's record as it is sent.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Record(SessionView<'a>),
    Reshaped(Value),
}

fn show<'a>(session: &'a Session, now: Timestamp, quirks: &Quirks) -> Shown<'a> {
    let record = session.view(now);
    if quirks.is_empty() {
        return Shown::Record(record);
    }
    let mut reshaped = json!(record);
    quirks.reshape(&mut reshaped);
    Shown::Reshaped(reshaped)
}

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (query, quirks) = (&request.query, &store.quirks.clone());
    let page = PageRequest::new(query, quirks, "s", Some(Order::Descending), (20, 100))?;
    let created_at = query.created_at(quirks)?;
    page.check_created_at(&created_at)?;
    let include_archived = query.boolean("include_archived")?;
    let agent = query.one("agent_id")?;
    // The version counts only together with an agent.
    let version = query.integer("agent_version")?.filter(|_| agent.is_some());
    let deployment = query.one("deployment_id")?;
    let memory_store = query.one("memory_store_id")?;
    let statuses = statuses(query, quirks)?;
    let uses = |session: &Session, memory_store: &str| {
        let mut resources = session.resources.iter();
        let id = json!(memory_store);
        resources.any(|resource| resource.get("memory_store_id") == Some(&id))
    };
    let matches = |session: &Session| {
        (include_archived || session.archived_at.is_none())
            && created_at.contains(Some(session.created_at))
            && agent.is_none_or(|id| session.agent.id == id)
            && version.is_none_or(|version| session.agent.version == version)
            && deployment.is_none_or(|id| session.deployment_id.as_deref() == Some(id))
            && memory_store.is_none_or(|id| uses(session, id))
            && (statuses.is_empty() || statuses.contains(&session.status))
    };
    let now = Timestamp::now();
    let sessions = store.sessions(now);
    let matching = sessions.iter().filter(|(_, session)| matches(session));
    let page = page.select(matching.map(|(key, session)| (*key, session)));
    let page = page.map(|session| show(session, now, quirks));
    respond(&page.two_way())
}

/// The `statuses[]` to filter by; none for no filter.
pub(super) fn statuses(query: &Query, quirks: &Quirks) -> Result<Vec<Status>> {
    if quirks.has(Quirk::IgnoresStatuses) {
        return Ok(Vec::new());
    }
    let status = |text: &str| {
        let complaint = format!("{text:?} is not a status");
        Status::parse(text).ok_or_else(|| Rejection::field("statuses", complaint))
    };
    query.many("statuses").into_iter().map(status).collect()
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    show_by_id(store, request.id())
}

fn show_by_id(store: &mut Store, id: &str) -> Result<Response> {
    let (session, _, quirks) = store.session(id)?;
    respond(&show(session, Timestamp::now(), quirks))
}

pub(super) fn create(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let body = request.json()?;
    let known = "agent environment_id title metadata resources vault_ids budget initial_events";
    let fields = Fields::body(&body, known)?;
    let agent = read_agent(store, &fields)?;
    let environment = read_environment(store, &fields)?;
    let too_many = |events: &Vec<Value>| events.len() > 50;
    if fields.array("initial_events")?.is_some_and(too_many) {
        return Err(fields.error("initial_events", "at most 50 events"));
    }
    let initial_events = inbox::read(&fields, "initial_events")?;
    if !initial_events.iter().all(IncomingEvent::may_be_initial) {
        let complaint = "only user.message and user.define_outcome";
        return Err(fields.error("initial_events", complaint));
    }
    let now = store.clock.stamp();
    let suffix = store.new_id_suffix();
    let vault_ids = fields.strings("vault_ids")?.unwrap_or_default();
    store.check_vaults(&vault_ids)?;
    let mut session = Session::new(&suffix, agent.into(), environment, now);
    session.self_hosted = store.environments.get(environment)?.is_self_hosted();
    session.title = fields.text("title")?.map(str::to_owned);
    session.metadata = attributes::metadata(&fields)?;
    for resource in fields.objects("resources")? {
        let resource = NewResource::read(&resource?, &store.files, now)?;
        session.mount(resource, now)?;
    }
    session.vault_ids = vault_ids;
    session.budget_cents = attributes::budget(&fields)?;
    session.receive(&mut store.clock, &store.quirks, initial_events)?;
    let id = session.id.clone();
    store.created += 1;
    store.add_session(session);
    show_by_id(store, &id)
}

/// The `agent` of a new session: an id, a reference, or a reference with overrides.
fn read_agent(store: &Store, fields: &Fields<'_>) -> Result<Agent> {
    let given = fields.required("agent")?;
    if let Some(id) = given.as_str() {
        return store.agent_for_session(id);
    }
    let reference = Fields::new(given, "agent")?;
    let overrides = match reference.kind()? {
        "agent" => "",
        "agent_with_overrides" => "model system tools mcp_servers skills",
        _ => return Err(reference.error("type", "must be agent or agent_with_overrides")),
    };
    let id = reference.required_text("id")?;
    reference.allow(&format!("type id version {overrides}"))?;
    let version = reference.integer("version")?;
    let mut agent = store.agent_version_for_session(id, version)?;
    agent.apply_overrides(&reference)?;
    Ok(agent)
}

fn read_environment<'a>(store: &Store, fields: &Fields<'a>) -> Result<&'a str> {
    let id = fields.required_text("environment_id")?;
    let environment = store.environments.get(id);
    let environment = environment.map_err(|error| error.with_code("environment_not_found"))?;
    if environment.archived_at.is_some() {
        let error = fields.error("environment_id", "is archived");
        return Err(error.with_code("environment_archived"));
    }
    Ok(id)
}

pub(super) fn update(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let body = request.json()?;
    let (session, clock, quirks) = store.session(request.id())?;
    session.update(clock, quirks, &body)?;
    show_by_id(store, request.id())
}

pub(super) fn archive(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, clock, quirks) = store.session(request.id())?;
    session.archive(clock, quirks)?;
    show_by_id(store, request.id())
}

pub(super) fn delete(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let id = request.id();
    let (session, clock, quirks) = store.session(id)?;
    if session.status == Status::Running {
        if !quirks.has(Quirk::DeletesBusy) {
            return Err(Rejection::conflict(
                "A running session cannot be deleted. Send a user.interrupt event first.",
            ));
        }
    } else {
        if !quirks.has(Quirk::EndsRuns) {
            session.check_no_open_run()?;
        }
        session.stop_runs(clock);
        session.record("session.deleted", clock.stamp(), json!({}));
        store.remove_session(id);
    }
    let deleted = json!({"id": id, "type": "session_deleted"});
    respond(&deleted)
}
