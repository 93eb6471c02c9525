//! The newest events of a session, also where a service ignores the order asked for.

use serde_json::{Map, Value};

use crate::{
    api::{EventQuery, Order},
    domain::events,
    explain::Failure,
    mcp::call::Call,
    model::{Event, SessionId},
};

/// How many pages are looked through for the newest where they come last.
const MOST_PAGES: usize = 50;
const LARGEST_PAGE: u32 = 1_000;

/// At most `count` of the newest events of these types (of any, if none is named), newest first.
pub(crate) async fn events(
    call: &Call,
    id: &SessionId,
    types: &[&str],
    count: u32,
) -> Result<Vec<Event>, Failure> {
    let mut query = EventQuery {
        types: types.iter().map(|&each| each.to_owned()).collect(),
        order: Some(Order::Desc),
        limit: Some(count),
        ..EventQuery::default()
    };
    let wanted = |event: &Event| types.is_empty() || types.contains(&events::kind(event));
    let mut found: Vec<Event> = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = call.client().list_events(id, &query).await;
        let page = page.map_err(|error| Failure::api(&format!("the events of {id}"), &error))?;
        let oldest_first = query.page.is_some() || is_oldest_first(&page.body.data);
        found.extend(page.body.data.into_iter().filter(wanted));
        if !oldest_first {
            break;
        }
        let surplus = found.len().saturating_sub(count as usize);
        found.drain(..surplus);
        query.page = page.body.next_page;
        query.limit = Some(LARGEST_PAGE);
        if query.page.is_none() {
            found.reverse();
            break;
        }
    }
    found.truncate(count as usize);
    Ok(found)
}

/// Why the session last came to rest, with what is known about it. What the session is doing is
/// known without it, so where its events cannot be read there is none.
pub(crate) async fn stop_reason(call: &Call, id: &SessionId) -> Option<Map<String, Value>> {
    let found = events(call, id, &["session.status_idle"], 2).await;
    let found = found.inspect_err(|failure| {
        tracing::debug!(code = failure.code, "the events could not be read");
    });
    reason(found.ok()?.first()?.get("stop_reason")?)
}

fn is_oldest_first(events: &[Event]) -> bool {
    let first = events.first().and_then(events::at);
    let last = events.last().and_then(events::at);
    matches!((first, last), (Some(first), Some(last)) if first < last)
}

/// Always an object, as the answer's schema says; some services send its type alone.
fn reason(reason: &Value) -> Option<Map<String, Value>> {
    match reason {
        Value::Object(reason) => Some(reason.clone()),
        Value::Null => None,
        bare => Some(Map::from_iter([("type".to_owned(), bare.clone())])),
    }
}
