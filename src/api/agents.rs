//! The endpoints of agents.

use crate::{
    api::{
        body::{BodyError, json},
        client::Client,
        error::ApiError,
        request::Request,
        response::ApiResponse,
    },
    model::{Event, ObjectId, Page},
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

impl AgentQuery {
    pub(super) fn apply<'a>(&self, request: Request<'a>) -> Request<'a> {
        request
            .param("include_archived", self.include_archived.then_some(true))
            .param("limit", self.limit)
            .param("page", self.page.as_ref())
    }
}

impl Client {
    /// `GET /v1/agents`: one page, as the service sends its agents.
    pub async fn list_agents(
        &self,
        query: &AgentQuery,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        self.send(&query.apply(Request::get(vec!["v1", "agents"])), json).await
    }

    /// `GET /v1/agents/{id}`, its newest version or this one.
    pub async fn get_agent(
        &self,
        id: &ObjectId,
        version: Option<i64>,
    ) -> Result<ApiResponse<Event>, ApiError> {
        let request = Request::get(vec!["v1", "agents", id.as_str()]).param("version", version);
        about(id, self.send(&request, object_with_id).await?)
    }
}

/// `{"error": …}` with a status of 200 would otherwise be read as an agent without a name.
pub(super) fn object_with_id(body: &[u8]) -> Result<Event, BodyError> {
    let object: Event = json(body)?;
    if object.get("id").is_none_or(|id| !id.is_string()) {
        return Err(BodyError::Invalid("the response has no id".to_owned()));
    }
    Ok(object)
}

/// The same response, which must be about this object.
pub(super) fn about(
    id: &ObjectId,
    response: ApiResponse<Event>,
) -> Result<ApiResponse<Event>, ApiError> {
    if response.body.get("id").is_some_and(|found| found == id.as_str()) {
        return Ok(response);
    }
    let cause = "the answer is about another object";
    Err(ApiError::bad_response(200, cause, response.request_id))
}
