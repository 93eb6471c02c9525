//! The token endpoint, `POST /v1/oauth/token`: refreshing a login, exchanging an identity token.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;

use crate::api::{
    attempt,
    attempt::SendOptions,
    body::{BodyError, Parse, json},
    credentials::{files::IssuedToken, secret::Secret, workload::Workload},
    error::{Acted, ApiError},
    request::Request,
    retry::{Policy, Repeat},
    settings::RequestOptions,
};

/// As in the official SDKs. Not the caller's deadline: a renewal may outlive the call.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Lifetime of a token without `expires_in`, in seconds; what the official tools assume.
const USUAL_LIFETIME: i64 = 3600;

const REFRESH_BETA: &str = "oauth-2025-04-20";
/// On the exchange only; a refresh with it is rejected.
const EXCHANGE_BETA: &str = "oauth-2025-04-20,oidc-federation-2026-04-01";

pub(crate) struct TokenRequest {
    body: Value,
    beta: &'static str,
    repeat: Repeat,
    secret: Secret,
}

impl TokenRequest {
    /// `grant_type=refresh_token`. Not repeated when the response is lost: the refresh token may
    /// be spent, and a second use can be taken for theft and end the login.
    pub(crate) fn refresh(client_id: &str, token: Secret) -> Self {
        let body = serde_json::json!({
            "grant_type": "refresh_token",
            "refresh_token": token.expose(),
            "client_id": client_id,
        });
        Self { body, beta: REFRESH_BETA, repeat: Repeat::IfNotActed, secret: token }
    }

    /// RFC 7523. An identity token can be exchanged any number of times. `workspace` is used if
    /// the workload names none.
    pub(crate) fn exchange(workload: &Workload, identity: Secret, workspace: Option<&str>) -> Self {
        let mut body = serde_json::json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": identity.expose(),
            "federation_rule_id": workload.federation_rule_id,
            "organization_id": workload.organization_id,
        });
        if let Some(fields) = body.as_object_mut() {
            let account = workload.service_account_id.as_deref();
            let workspace = workload.workspace_id.as_deref().or(workspace);
            fields.extend(account.map(|id| ("service_account_id".to_owned(), id.into())));
            fields.extend(workspace.map(|id| ("workspace_id".to_owned(), id.into())));
        }
        Self { body, beta: EXCHANGE_BETA, repeat: Repeat::Idempotent, secret: identity }
    }

    /// Sends it to `base`, since a token is only valid where it was issued.
    pub(crate) async fn send(
        self,
        http: &reqwest::Client,
        base: &Url,
        policy: Policy,
    ) -> Result<IssuedToken, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", HeaderValue::from_static(self.beta));
        let path = vec!["v1", "oauth", "token"];
        let request = Request::write(Method::POST, path).repeat(self.repeat).json(&self.body);
        let prepared = request.prepare(base, headers, self.secret);
        let options = SendOptions {
            policy,
            attempt_timeout: TIMEOUT,
            deadline: Instant::now() + TIMEOUT,
            // Not the caller's: it does not count against the rate of the Sessions API.
            caller: &RequestOptions::default(),
        };
        let parse: Parse<IssuedToken> = issued_token;
        match attempt::send(http, &prepared, &options, &parse).await {
            Ok(response) => Ok(response.body),
            // Whatever was issued, nothing was done to a session.
            Err(error) => Err(error.with_acted(Acted::No)),
        }
    }
}

fn issued_token(body: &[u8]) -> Result<IssuedToken, BodyError> {
    let fields: Map<String, Value> = json(body)?;
    let text = |name| fields.get(name).and_then(Value::as_str);
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(BodyError::Invalid("the token is not a Bearer token".into()));
    }
    let access = text("access_token").and_then(Secret::new);
    let access =
        access.ok_or_else(|| BodyError::Invalid("the response has no access_token".into()))?;
    let lifetime = match fields.get("expires_in") {
        None | Some(Value::Null) => Some(USUAL_LIFETIME),
        Some(value) => seconds(value),
    };
    let lifetime = lifetime.ok_or_else(|| {
        BodyError::Invalid("the token's expires_in is not a number of seconds".into())
    })?;
    Ok(IssuedToken {
        access,
        expires_at: Some(Timestamp::now().as_second().saturating_add(lifetime)),
        refresh: text("refresh_token").and_then(Secret::new),
    })
}

/// Whole seconds of a number or a numeric string.
fn seconds(value: &Value) -> Option<i64> {
    let text = || value.as_str()?.trim().parse().ok();
    let seconds = Duration::try_from_secs_f64(value.as_f64().or_else(text)?).ok()?;
    i64::try_from(seconds.as_secs()).ok()
}
