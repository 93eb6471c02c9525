//! The endpoints of a session's threads. Everything of a child thread is only in its own history;
//! the session's has a condensed view of it.

use crate::{
    api::{body::json, client::Client, error::ApiError, request::Request, response::ApiResponse},
    model::{Event, ObjectId, Page, SessionId},
};

/// The parameters of `GET /v1/sessions/{id}/threads`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadQuery {
    /// Only these statuses; empty for all.
    pub statuses: Vec<String>,
    /// Threads a page; the API's default is 1000.
    pub limit: Option<u32>,
    /// The cursor of an earlier page.
    pub page: Option<String>,
}

impl Client {
    /// `GET /v1/sessions/{id}/threads`: one page, the primary thread among them.
    pub async fn list_threads(
        &self,
        id: &SessionId,
        query: &ThreadQuery,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        let request = Request::get(vec!["v1", "sessions", id.as_str(), "threads"])
            .param("limit", query.limit)
            .param("page", query.page.as_ref())
            .params("statuses[]", &query.statuses);
        self.send(&request, json).await
    }

    /// `GET /v1/sessions/{id}/threads/{thread}/events`: one page of the thread's own history,
    /// oldest first. The API has no types and no order here; its default limit is 1000.
    pub async fn list_thread_events(
        &self,
        id: &SessionId,
        thread: &ObjectId,
        limit: Option<u32>,
        page: Option<&str>,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str(), "threads", thread.as_str(), "events"];
        let request = Request::get(path).param("limit", limit).param("page", page);
        self.send(&request, json).await
    }
}
