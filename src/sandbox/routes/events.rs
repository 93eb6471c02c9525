//! `/v1/sessions/{id}/events`.

use std::convert::Infallible;

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response, Sse, sse},
};
use futures_util::{StreamExt as _, stream::unfold};
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::sandbox::{
    event_type::is_event_type,
    exchange::{ApiRequest, respond},
    fields::Fields,
    history::Event,
    page::{Order, PageRequest},
    quirks::Quirk,
    rejection::{Rejection, Result},
    session::inbox,
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let query = &request.query;
    let (session, _, quirks) = store.session(request.id())?;
    let page = PageRequest::new(query, quirks, "e", Some(Order::Ascending), (1000, 1000))?;
    let created_at = query.created_at(quirks)?;
    let types = query.many("types");
    if let Some(unknown) = types.iter().find(|kind| !is_event_type(kind)) {
        let complaint = format!("{unknown:?} is not an event type");
        return Err(Rejection::field("types", complaint));
    }
    let without_ids = quirks.has(Quirk::EventsWithoutIds);
    let matches = |event: &Event| {
        (types.is_empty() || types.contains(&event.kind())) && created_at.contains(event.at)
    };
    let happened = session.history.events.iter().map(|event| (0, event));
    let queued = session.history.queue.iter().map(|event| (1, event));
    let matching = happened.chain(queued).filter(|(_, event)| matches(event));
    let page = page.select(matching.map(|(rank, event)| ((rank, event.position), event)));
    respond(&page.map(|event| shown(event, without_ids)))
}

/// An event as it is listed.
pub(super) fn shown(event: &Event, without_ids: bool) -> Value {
    let mut json = event.json.clone();
    if let (true, Some(json)) = (without_ids, json.as_object_mut()) {
        json.shift_remove("id");
    }
    json
}

pub(super) fn send(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let body = request.json()?;
    let (session, clock, quirks) = store.session(request.id())?;
    let fields = Fields::body(&body, "events")?;
    let events = fields.array("events")?;
    if events.is_none_or(Vec::is_empty) {
        return Err(fields.error("events", "at least one event"));
    }
    let interrupt = Some(&json!("user.interrupt"));
    let interrupts = |event: &Value| event.get("type") == interrupt;
    let silent =
        quirks.has(Quirk::InterruptAccepted) && events.into_iter().flatten().any(interrupts);
    let recorded = session.receive(clock, quirks, inbox::read(&fields, "events")?)?;
    if silent {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    respond(&json!({"data": recorded}))
}

/// Server-sent events from now on, until the session is deleted or the sandbox stops.
pub(super) fn stream(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, ..) = store.session(request.id())?;
    let events = session.history.subscribe();
    Ok(follow(events, store.closing.clone()))
}

/// The response that sends these events as they come.
pub(super) fn follow(
    events: broadcast::Receiver<sse::Event>,
    closing: CancellationToken,
) -> Response {
    let events = unfold(events, async |mut events| {
        loop {
            match events.recv().await {
                Ok(event) => return Some((Ok::<_, Infallible>(event), events)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events.take_until(closing.cancelled_owned())).into_response()
}
