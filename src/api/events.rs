//! The endpoints of a session's events and threads.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    api::{
        ApiError, ApiResponse, Client,
        retry::Repeat,
        send::Call,
        sessions::{Order, Pairs, encode, json, nothing},
    },
    model::{Event, Page, SessionId},
};

/// What `GET /v1/sessions/{id}/events` can be asked for. Times are compared with the event's
/// `processed_at`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only these types, `session.status_idle` for instance; empty for all.
    pub types: Vec<String>,
    /// After.
    pub created_gt: Option<Timestamp>,
    /// At or after.
    pub created_gte: Option<Timestamp>,
    /// Before.
    pub created_lt: Option<Timestamp>,
    /// At or before.
    pub created_lte: Option<Timestamp>,
    /// The API's default is ascending.
    pub order: Option<Order>,
    /// Events a page; the API's default is 1000.
    pub limit: Option<u32>,
    /// The cursor of an earlier page, made with the same order.
    pub page: Option<String>,
}

impl EventQuery {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Pairs::default();
        pairs.add("created_at[gt]", self.created_gt);
        pairs.add("created_at[gte]", self.created_gte);
        pairs.add("created_at[lt]", self.created_lt);
        pairs.add("created_at[lte]", self.created_lte);
        pairs.add("limit", self.limit);
        pairs.add("order", self.order.map(Order::as_str));
        pairs.add("page", self.page.as_ref());
        for kind in &self.types {
            pairs.add("types[]", Some(kind));
        }
        pairs.0
    }
}

impl Client {
    /// `GET /v1/sessions/{id}/events`: one page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn list_events(
        &self,
        id: &SessionId,
        query: &EventQuery,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        let mut call = Call::get(vec!["v1", "sessions", id.as_str(), "events"]);
        call.query = query.pairs();
        Ok(self.send(&call, json).await?)
    }

    /// `POST /v1/sessions/{id}/events`; any success will do, since some services answer 202 with
    /// an empty body.
    ///
    /// Interrupts are repeated when their fate is unknown: stopping what has stopped is nothing.
    /// (A turn that somebody begins between the two is stopped with it; a session that goes on
    /// although it was to be stopped is worse.)
    /// Any other event, a message above all, would be there twice, so it is repeated only when
    /// the first cannot have arrived.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn send_events(
        &self,
        id: &SessionId,
        events: &[Value],
    ) -> Result<ApiResponse<()>, ApiError> {
        let interrupts = events
            .iter()
            .all(|event| event.get("type").and_then(Value::as_str) == Some("user.interrupt"));
        let repeat = if interrupts {
            Repeat::Harmless
        } else {
            Repeat::OnlyIfNotDone
        };
        let path = vec!["v1", "sessions", id.as_str(), "events"];
        let mut call = Call::write(Method::POST, path, repeat);
        call.body = Some(encode(&json!({ "events": events }))?);
        Ok(self.send(&call, nothing).await?)
    }

    /// `GET /v1/sessions/{id}/threads`: the first page of a multi-agent session's threads.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn list_threads(&self, id: &SessionId) -> Result<ApiResponse<Page<Event>>, ApiError> {
        let call = Call::get(vec!["v1", "sessions", id.as_str(), "threads"]);
        Ok(self.send(&call, json).await?)
    }
}
