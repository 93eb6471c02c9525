//! The endpoints of environments.

use crate::{
    api::{
        agents::{AgentQuery, about, object_with_id},
        body::json,
        client::Client,
        error::ApiError,
        request::Request,
        response::ApiResponse,
    },
    model::{Event, ObjectId, Page},
};

impl Client {
    /// `GET /v1/environments`: one page, as the service sends its environments; the parameters are
    /// those of agents.
    pub async fn list_environments(
        &self,
        query: &AgentQuery,
    ) -> Result<ApiResponse<Page<Event>>, ApiError> {
        self.send(&query.apply(Request::get(vec!["v1", "environments"])), json).await
    }

    /// `GET /v1/environments/{id}`.
    pub async fn get_environment(&self, id: &ObjectId) -> Result<ApiResponse<Event>, ApiError> {
        let request = Request::get(vec!["v1", "environments", id.as_str()]);
        about(id, self.send(&request, object_with_id).await?)
    }
}
