//! The one way a request takes: built from a call and a credential, sent, renewed when refused.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::timeout_at;
use url::Url;

use crate::api::{
    ApiError, ApiResponse, Client,
    auth::Access,
    exchange::{Failure, Limits, Prepared, Read, after, exchange},
    retry,
    retry::Repeat,
};

/// Every Sessions endpoint is in beta under this name.
const BETA: &str = "managed-agents-2026-04-01";
/// Needed beside it with every OAuth token, whatever its source.
pub(crate) const OAUTH_BETA: &str = "oauth-2025-04-20";

/// A request to one endpoint, before anything about hosts and credentials is known.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Pushed one by one and percent-encoded, so that an id cannot reach another route.
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) repeat: Repeat,
}

impl<'a> Call<'a> {
    /// A read, which may always be repeated.
    pub(crate) fn get(path: Vec<&'a str>) -> Self {
        Self::write(Method::GET, path, Repeat::Harmless)
    }

    /// A write without a body.
    pub(crate) fn write(method: Method, path: Vec<&'a str>, repeat: Repeat) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body: None,
            repeat,
        }
    }
}

impl Client {
    /// Sends `call` with a fresh credential. After a 401 a credential that can be renewed is
    /// renewed once, and the call repeated once: a refused request was not carried out.
    pub(crate) async fn send<T>(
        &self,
        call: &Call<'_>,
        read: Read<T>,
    ) -> Result<ApiResponse<T>, Failure> {
        let settings = &self.inner.settings;
        let deadline = self.deadline.unwrap_or_else(|| after(settings.timeout));
        let late = |_| ApiError::TimedOut;
        let within = |rejected| timeout_at(deadline, self.inner.access(rejected));

        let mut access = within(None).await.map_err(late)??;
        let mut renewed = false;
        // A try that was lost with the credential before this one.
        let mut lost = None;
        loop {
            // Each time, since a profile that is read anew may name another place.
            let connect_timeout = settings.connect_timeout;
            let http = self.inner.transport.client(&access.base, connect_timeout);
            let http = timeout_at(deadline, http).await.map_err(late)??;
            let prepared = self.prepare(call, &access)?;
            let limits = Limits {
                policy: retry::Policy {
                    waits_at_limits: !self.leaves_limits && settings.retry.waits_at_limits,
                    ..settings.retry
                },
                request_timeout: settings.request_timeout,
                deadline,
                counter: self.counter.as_deref(),
            };
            let mut failure = match exchange(http, &prepared, limits, read).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure.scrubbed(&access.secret),
            };
            failure.earlier = failure.earlier.or(lost);
            if failure.error.http_status() != Some(401) || !access.renewable || renewed {
                return Err(failure);
            }
            renewed = true;
            let next = within(Some(access.clone())).await.map_err(late);
            let next = match next.and_then(|next| next) {
                Ok(next) => next,
                Err(error) => return Err(Failure { error, ..failure }),
            };
            if next.secret == access.secret {
                return Err(failure);
            }
            lost = failure.earlier;
            access = next;
        }
    }

    fn prepare(&self, call: &Call<'_>, access: &Access) -> Result<Prepared, ApiError> {
        let settings = &self.inner.settings;
        let mut url = endpoint(&access.base, &call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let beta = if access.oauth {
            format!("{BETA},{OAUTH_BETA}")
        } else {
            BETA.to_owned()
        };
        let version = setting(&settings.api_version, "MANAGED_SESSIONS_API_VERSION")?;
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", version);
        headers.insert("anthropic-beta", setting(&beta, "anthropic-beta")?);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(access.header.clone(), access.value.clone());
        if let Some(workspace) = &access.workspace {
            headers.insert("anthropic-workspace-id", workspace.clone());
        }
        if call.method != Method::GET {
            // The official SDKs send it on every write, body or none.
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        if call.method == Method::POST && call.body.is_none() {
            // Neither reqwest nor hyper adds it, and some gateways answer 411 without.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(Prepared {
            method: call.method.clone(),
            url,
            headers,
            body: call.body.clone(),
            repeat: call.repeat,
        })
    }
}

/// `base` with `path` appended, each part as one percent-encoded segment.
pub(crate) fn endpoint(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Fails for URLs without a host only, which `check_base_url` refuses.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// A setting as a header.
pub(crate) fn setting(value: &str, variable: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(value).map_err(|_| ApiError::InvalidConfiguration {
        variable: variable.to_owned(),
        cause: "contains characters that a header cannot carry".to_owned(),
    })
}

/// The header name of `x-api-key`, which `http` has no constant for.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
