//! The endpoint of agents.

use crate::{
    api::{body::json, client::Client, error::ApiError, request::Request, response::ApiResponse},
    model::{Event, Page},
};

/// The parameters of `GET /v1/agents`. There is no filter by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentQuery {
    /// Archived agents too; the API omits them by default.
    pub include_archived: bool,
    /// Agents a page, at most 100; the API's default is 20.
    pub limit: Option<u32>,
    /// The cursor of an earlier page.
    pub page: Option<String>,
}

impl Client {
    /// `GET /v1/agents`: one page, as the service sends its agents.
    pub async fn list_agents(
        &self,
        query: &AgentQuery,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        let request = Request::get(vec!["v1", "agents"])
            .param("include_archived", query.include_archived.then_some(true))
            .param("limit", query.limit)
            .param("page", query.page.as_ref());
        self.send(&request, json).await
    }
}
