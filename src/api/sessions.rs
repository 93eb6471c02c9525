//! The endpoints of sessions.

use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    api::{
        attempt::SendError,
        body::{BodyError, json_with, list},
        client::Client,
        error::ApiError,
        request::Request,
        response::ApiResponse,
        retry::Repeat,
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
        Ok(self.send(&request, session).await?)
    }

    /// `GET /v1/sessions`: one page, without the large parts of its sessions.
    pub async fn list_sessions(
        &self,
        query: &SessionQuery,
    ) -> Result<ApiResponse<Page<SessionHead>>, ApiError> {
        Ok(self.send(&query.request(), list).await?)
    }

    /// `POST /v1/sessions/{id}`, body: any of `agent`, `title`, `metadata`, `budget`.
    ///
    /// Idempotent: every field is the complete new value (`metadata`, a patch, has the new value of
    /// each key).
    pub async fn update_session(
        &self,
        id: &SessionId,
        body: &Map<String, Value>,
    ) -> Result<ApiResponse<Session>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str()];
        let request = Request::write(Method::POST, path, Repeat::Idempotent)
            .json(&Value::Object(body.clone()));
        Ok(self.send(&request, session).await?)
    }

    /// `POST /v1/sessions/{id}/archive`.
    ///
    /// Idempotent (some services move `archived_at`, whose exact value nobody relies on). Services
    /// may reject a retry *because* the first attempt succeeded, so a rejection after an attempt
    /// that may have been carried out is checked by reading the session.
    pub async fn archive_session(&self, id: &SessionId) -> Result<ApiResponse<Session>, ApiError> {
        let request = |repeat| {
            let path = vec!["v1", "sessions", id.as_str(), "archive"];
            Request::write(Method::POST, path, repeat)
        };
        match self.send(&request(Repeat::Idempotent), session).await {
            Err(SendError { error, earlier: Some(earlier) })
                if matches!(error.http_status(), Some(400 | 409)) =>
            {
                let Ok(current) = self.get_session(id).await else {
                    return Err(earlier);
                };
                if current.body.head.is_archived() {
                    return Ok(current);
                }
                // The first attempt did nothing, so the rejection is about the session's state.
                Ok(self.send(&request(Repeat::IfNotActed), session).await?)
            }
            result => Ok(result?),
        }
    }

    /// `DELETE /v1/sessions/{id}`. The body is whether the service confirms that the session is
    /// deleted; some confirm nothing, and only reading the session can tell.
    ///
    /// Idempotent. A 404 after an attempt that may have been carried out is the success of that
    /// attempt.
    pub async fn delete_session(&self, id: &SessionId) -> Result<ApiResponse<bool>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str()];
        let request = Request::write(Method::DELETE, path, Repeat::Idempotent);
        match self.send(&request, is_deleted).await {
            Err(failed) if failed.error.is_not_found() && failed.earlier.is_some() => {
                Ok(ApiResponse {
                    body: true,
                    request_id: failed.error.request_id().map(str::to_owned),
                    date: None,
                })
            }
            // The session still exists, so no earlier attempt deleted it.
            Err(SendError { error, .. }) if matches!(error.http_status(), Some(400 | 409)) => {
                Err(error)
            }
            result => Ok(result?),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a `Parse`")]
fn is_deleted(body: &[u8]) -> Result<bool, BodyError> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    Ok(body.get("type").is_some_and(|kind| kind == "session_deleted"))
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
