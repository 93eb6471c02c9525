//! The endpoints of sessions.

use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    api::{
        body::{BodyError, ignore, json_with, list},
        client::Client,
        error::ApiError,
        request::Request,
        response::ApiResponse,
    },
    model::{Order, Page, Session, SessionHead, SessionId},
};

/// The parameters of `GET /v1/sessions`. Some services ignore filters: check the result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionQuery {
    /// Only sessions of this agent.
    pub agent_id: Option<String>,
    /// Only this version of the agent; the API accepts it with `agent_id` only.
    pub agent_version: Option<i64>,
    /// Only sessions created by this deployment.
    pub deployment_id: Option<String>,
    /// Only sessions with this memory store mounted.
    pub memory_store_id: Option<String>,
    /// Only these statuses; empty for all.
    pub statuses: Vec<String>,
    /// Archived sessions too; the API omits them by default.
    pub include_archived: bool,
    /// Created after.
    pub created_gt: Option<Timestamp>,
    /// Created at or after.
    pub created_gte: Option<Timestamp>,
    /// Created before.
    pub created_lt: Option<Timestamp>,
    /// Created at or before.
    pub created_lte: Option<Timestamp>,
    /// By creation; the API's default is descending.
    pub order: Option<Order>,
    /// Entries a page; services clamp it silently.
    pub limit: Option<u32>,
    /// The cursor of an earlier page with the same order.
    pub page: Option<String>,
}

impl SessionQuery {
    fn request(&self) -> Request<'static> {
        Request::get(vec!["v1", "sessions"])
            .param("agent_id", self.agent_id.as_ref())
            .param("agent_version", self.agent_version)
            .param("created_at[gt]", self.created_gt)
            .param("created_at[gte]", self.created_gte)
            .param("created_at[lt]", self.created_lt)
            .param("created_at[lte]", self.created_lte)
            .param("deployment_id", self.deployment_id.as_ref())
            .param("include_archived", self.include_archived.then_some(true))
            .param("limit", self.limit)
            .param("memory_store_id", self.memory_store_id.as_ref())
            .param("order", self.order.map(Order::as_str))
            .param("page", self.page.as_ref())
            .params("statuses[]", &self.statuses)
    }
}

impl Client {
    /// `GET /v1/sessions/{id}`.
    pub async fn get_session(&self, id: &SessionId) -> Result<ApiResponse<Session>, ApiError> {
        let request = Request::get(vec!["v1", "sessions", id.as_str()]);
        self.send(&request, session).await
    }

    /// `GET /v1/sessions`: one page, without the large parts of its sessions.
    pub async fn list_sessions(
        &self,
        query: &SessionQuery,
    ) -> Result<ApiResponse<Page<SessionHead>>, ApiError> {
        self.list_sessions_as(query).await
    }

    /// The same with more of each session than its head.
    pub async fn list_sessions_as<T: DeserializeOwned + Send>(
        &self,
        query: &SessionQuery,
    ) -> Result<ApiResponse<Page<T>>, ApiError> {
        self.send(&query.request(), list).await
    }

    /// `POST /v1/sessions`: a new session, `running` if the body has `initial_events`.
    pub async fn create_session(
        &self,
        body: &Map<String, Value>,
    ) -> Result<ApiResponse<Session>, ApiError> {
        let request = Request::write(Method::POST, vec!["v1", "sessions"]);
        self.send(&request.json(&Value::Object(body.clone())), session).await
    }

    /// `POST /v1/sessions/{id}`, body: any of `agent`, `title`, `metadata`, `budget`.
    ///
    /// Every field is the complete new value (`metadata`, a patch, has the new value of each key).
    pub async fn update_session(
        &self,
        id: &SessionId,
        body: &Map<String, Value>,
    ) -> Result<ApiResponse<Session>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str()];
        let request = Request::write(Method::POST, path).json(&Value::Object(body.clone()));
        self.send(&request, session).await
    }

    /// `POST /v1/sessions/{id}/archive`.
    pub async fn archive_session(&self, id: &SessionId) -> Result<ApiResponse<Session>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str(), "archive"];
        self.send(&Request::write(Method::POST, path), session).await
    }

    /// `DELETE /v1/sessions/{id}`. Services answer with `session_deleted`, with nothing, or with
    /// something else: only reading the session tells whether it is gone.
    pub async fn delete_session(&self, id: &SessionId) -> Result<ApiResponse<()>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str()];
        self.send(&Request::write(Method::DELETE, path), ignore).await
    }
}

/// A session, which always has an id: `{"error": …}` with a status of 200 would otherwise be read
/// as a session of unknown status.
fn session(body: &[u8]) -> Result<Session, BodyError> {
    let session = json_with(body, Session::from_json)?;
    if session.head.id.is_empty() {
        let cause = "the response is not a session: it has no id".to_owned();
        return Err(BodyError::Invalid(cause));
    }
    Ok(session)
}
