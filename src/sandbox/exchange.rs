//! A request as operations read it, and the response they make.

use axum::{
    RequestExt as _,
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    query::Query,
    rejection::{Rejection, Result},
};

#[derive(Debug)]
pub(super) struct ApiRequest {
    path: RawPathParams,
    pub(super) query: Query,
    headers: HeaderMap,
    body: Bytes,
}

impl ApiRequest {
    /// The decoded `{id}` of the path.
    pub(super) fn id(&self) -> &str {
        self.parameter("id")
    }

    /// The decoded parameter of the path with this name; empty if the path has none.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let mut parameters = self.path.iter();
        let value = parameters.find(|(known, _)| *known == name);
        value.map_or("", |(_, value)| value)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Rejection::invalid(format!("The body is not valid JSON: {error}.")))
    }
}

impl<S: Send + Sync> FromRequest<S> for ApiRequest {
    type Rejection = Rejection;

    async fn from_request(mut request: Request, _: &S) -> Result<Self> {
        let path = request.extract_parts::<RawPathParams>().await;
        let undecodable = |_| Rejection::invalid("The id in the path cannot be decoded.");
        Ok(Self {
            path: path.map_err(undecodable)?,
            query: Query::parse(request.uri().query()),
            headers: std::mem::take(request.headers_mut()),
            body: read_body(request.into_body()).await?,
        })
    }
}

/// The whole body, up to the largest that the API takes.
pub(super) async fn read_body(body: Body) -> Result<Bytes> {
    const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
    to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        let message = "The body is larger than the service reads.";
        Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    })
}

/// A successful response with this JSON.
pub(super) fn respond(body: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(body).map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Rejection::new(status, error.to_string())
    })?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
