//! A request to an endpoint, and the same request ready to be sent.

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use crate::api::{absence::Place, credentials::secret::Secret, retry::Repeat, settings::BaseUrl};

/// A request to an endpoint, whatever the host and the credential.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) repeat: Repeat,
    accept: &'static str,
}

/// A request as it is sent.
pub(crate) struct PreparedRequest<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Removed from error texts, since services may echo it.
    pub(crate) secret: Secret,
}

impl<'a> Request<'a> {
    /// Each part of `path` becomes one percent-encoded segment, so that an id cannot reach another
    /// route.
    pub(crate) fn get(path: Vec<&'a str>) -> Self {
        Self::write(Method::GET, path).repeat(Repeat::Idempotent)
    }

    /// Never sent again by the client itself.
    pub(crate) fn write(method: Method, path: Vec<&'a str>) -> Self {
        let accept = "application/json";
        Self { method, path, query: Vec::new(), body: None, repeat: Repeat::Never, accept }
    }

    pub(crate) fn repeat(self, repeat: Repeat) -> Self {
        Self { repeat, ..self }
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self
    }

    /// Accepts any content, as of a file.
    pub(crate) fn of_any_content(self) -> Self {
        Self { accept: "*/*", ..self }
    }

    /// A query parameter, if it has a value.
    pub(crate) fn param(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// A query parameter that repeats.
    pub(crate) fn params(mut self, name: &'static str, values: &[String]) -> Self {
        self.query.extend(values.iter().map(|value| (name, value.clone())));
        self
    }

    pub(crate) fn prepare(
        &self,
        base: &Url,
        mut headers: HeaderMap,
        secret: Secret,
    ) -> PreparedRequest<'_> {
        let mut url = base.clone();
        // Fails for URLs without a host only, which `check_base_url` rejects.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static(self.accept));
        if self.method != Method::GET {
            // The official SDKs send it on every write, with or without a body.
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        if self.method == Method::POST && self.body.is_none() {
            // Neither reqwest nor hyper adds it, and some gateways answer 411 without.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        PreparedRequest { request: self, url, headers, secret }
    }
}

impl PreparedRequest<'_> {
    pub(crate) fn place(&self, base: &BaseUrl) -> Place {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}"));
        let path = self.secret.scrub(self.url.path());
        Place {
            method: self.request.method.to_string(),
            url: format!("{host}{}{path}", port.unwrap_or_default()),
            repeats_v1: base.url.path().trim_end_matches('/').ends_with("/v1"),
            base_url_source: base.source.clone(),
        }
    }
}
