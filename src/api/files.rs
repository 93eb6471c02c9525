//! The endpoints of files: what a session produced, which is gone with the session.

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use crate::{
    api::{
        body::{BodyError, ReadBody, list, truncated},
        client::Client,
        error::{ApiError, ApiErrorKind},
        request::Request,
        response::ApiResponse,
    },
    model::{FileHead, ObjectId, Page, SessionId},
};

/// The content of a file on its way.
#[derive(Debug)]
pub struct Download(Response);

impl Download {
    /// The next piece of the content; `None` at its end.
    ///
    /// # Errors
    /// If the connection is lost or `deadline` passes. The content is then incomplete; after a
    /// deadline, reading can go on.
    pub async fn chunk(&mut self, deadline: Instant) -> Result<Option<Bytes>, ApiError> {
        match timeout_at(deadline, self.0.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => {
                let (BodyError::Truncated(cause) | BodyError::Invalid(cause)) = truncated(error)
                else {
                    return Err(ApiError::timed_out());
                };
                Err(ApiErrorKind::Unreachable { cause }.into())
            }
            Err(_) => Err(ApiError::timed_out()),
        }
    }
}

/// Leaves the body to be read piece by piece: files can be larger than what fits into memory.
struct Open;

impl ReadBody<Download> for Open {
    async fn read(&self, response: Response, _: Instant) -> Result<Download, BodyError> {
        Ok(Download(response))
    }
}

impl Client {
    /// `GET /v1/files?scope_id=…`: one page of the files of a session. What a turn made appears
    /// some seconds after its end.
    pub async fn list_session_files(
        &self,
        id: &SessionId,
        page: Option<&str>,
    ) -> Result<ApiResponse<Page<FileHead>>, ApiError> {
        let request = Request::get(vec!["v1", "files"])
            .param("scope_id", Some(id.as_str()))
            .param("limit", Some(100))
            .param("page", page);
        self.send(&request, list).await
    }

    /// `GET /v1/files/{id}/content`, as a stream.
    pub async fn open_file(&self, file: &ObjectId) -> Result<ApiResponse<Download>, ApiError> {
        let path = vec!["v1", "files", file.as_str(), "content"];
        let request = Request::get(path).of_any_content();
        self.send_and_read(&request, &Open).await
    }
}
