//! The endpoints of a session's events.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::{
        body::{BodyError, json},
        client::Client,
        error::ApiError,
        request::Request,
        response::ApiResponse,
    },
    model::{Event, Order, Page, SessionId},
};

/// The parameters of `GET /v1/sessions/{id}/events`. Times are compared with `processed_at`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only these types, for instance `session.status_idle`; empty for all.
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
    /// The cursor of an earlier page with the same order.
    pub page: Option<String>,
}

impl Client {
    /// `GET /v1/sessions/{id}/events`: one page.
    pub async fn list_events(
        &self,
        id: &SessionId,
        query: &EventQuery,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        let request = Request::get(vec!["v1", "sessions", id.as_str(), "events"])
            .param("created_at[gt]", query.created_gt)
            .param("created_at[gte]", query.created_gte)
            .param("created_at[lt]", query.created_lt)
            .param("created_at[lte]", query.created_lte)
            .param("limit", query.limit)
            .param("order", query.order.map(Order::as_str))
            .param("page", query.page.as_ref())
            .params("types[]", &query.types);
        self.send(&request, json).await
    }

    /// `POST /v1/sessions/{id}/events`. Answers the events with their ids as far as the service
    /// does: some answer 202 with an empty body.
    pub async fn send_events(
        &self,
        id: &SessionId,
        events: &[Value],
    ) -> Result<ApiResponse<Vec<Event>>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str(), "events"];
        let body = serde_json::json!({ "events": events });
        self.send(&Request::write(Method::POST, path).json(&body), sent).await
    }
}

/// The events of an answer; none where it has another form.
#[expect(clippy::unnecessary_wraps, reason = "the type of every parser")]
fn sent(body: &[u8]) -> Result<Vec<Event>, BodyError> {
    let page: Result<Page<Event>, _> = json(body);
    Ok(page.map(|page| page.data).unwrap_or_default())
}
