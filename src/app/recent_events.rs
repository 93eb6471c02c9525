//! The newest events of a session, also where a service ignores the order asked for.

use serde_json::{Map, Value};

use super::{
    context::Context,
    error::{About, Error},
};
use crate::{
    api::EventQuery,
    domain::events,
    model::{Event, Order, SessionId},
};

/// To find the newest events where they come last.
const MAX_PAGES: usize = 50;
const MAX_PAGE_SIZE: u32 = 1_000;

/// At most `count` of the newest events of these types (of any, if none is named), newest first.
pub(crate) async fn recent_events(
    cx: &Context,
    id: &SessionId,
    types: &[&str],
    count: u32,
) -> Result<Vec<Event>, Error> {
    let mut query = EventQuery {
        types: types.iter().map(|&each| each.to_owned()).collect(),
        order: Some(Order::Desc),
        limit: Some(count),
        ..EventQuery::default()
    };
    let wanted = |event: &Event| types.is_empty() || types.contains(&events::kind(event));
    let mut found: Vec<Event> = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = cx.client().list_events(id, &query).await;
        let page = page.map_err(|error| Error::api(About::Events(id.clone()), error))?;
        let oldest_first = query.page.is_some() || is_oldest_first(&page.body.data);
        found.extend(page.body.data.into_iter().filter(wanted));
        if !oldest_first {
            break;
        }
        let surplus = found.len().saturating_sub(count as usize);
        found.drain(..surplus);
        query.page = page.body.next_page;
        query.limit = Some(MAX_PAGE_SIZE);
        if query.page.is_none() {
            found.reverse();
            break;
        }
    }
    found.truncate(count as usize);
    Ok(found)
}

/// Why the session last went idle; `None` where its events cannot be read.
pub(crate) async fn stop_reason(cx: &Context, id: &SessionId) -> Option<Map<String, Value>> {
    let found = recent_events(cx, id, &["session.status_idle"], 2).await;
    let found = found.inspect_err(|error| tracing::debug!(%error, "the events cannot be read"));
    reason(found.ok()?.first()?.get("stop_reason")?)
}

fn is_oldest_first(events: &[Event]) -> bool {
    let first = events.first().and_then(events::at);
    let last = events.last().and_then(events::at);
    matches!((first, last), (Some(first), Some(last)) if first < last)
}

/// Always an object, as the answer's schema says; some services send the type alone.
fn reason(reason: &Value) -> Option<Map<String, Value>> {
    match reason {
        Value::Object(reason) => Some(reason.clone()),
        Value::Null => None,
        bare => Some(Map::from_iter([("type".to_owned(), bare.clone())])),
    }
}
