//! The token endpoint, `POST /v1/oauth/token`: refreshing a login, exchanging an identity token.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use crate::api::{
    ApiError,
    auth::{Inner, now, unusable},
    credentials::{Credential, Secret, Workload},
    exchange::{Limits, Prepared, Unreadable, exchange},
    retry::Repeat,
    send::{OAUTH_BETA, endpoint},
    sessions::json,
};

/// How long the endpoint is waited for: as long as the official SDKs do. Not the caller's time,
/// since a renewal outlives the call that began it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Only on the exchange; a refresh with it is refused.
const FEDERATION_BETA: &str = "oauth-2025-04-20,oidc-federation-2026-04-01";

/// A token request.
pub(crate) struct Request {
    body: Value,
    beta: &'static str,
    repeat: Repeat,
    /// What must not come back in a message.
    secret: Secret,
}

/// What the endpoint granted.
pub(crate) struct Granted {
    pub(crate) access: Secret,
    /// Unix seconds.
    pub(crate) ends: i64,
    /// A new refresh token, when the old one is spent.
    pub(crate) refresh: Option<Secret>,
}

impl Request {
    /// `grant_type=refresh_token`. Not repeated when its fate is unknown: the refresh token may
    /// be spent, and a second use can be taken for theft and end the login.
    pub(crate) fn refresh(client_id: &str, token: &Secret) -> Self {
        Self {
            body: json!({
                "grant_type": "refresh_token",
                "refresh_token": token.expose(),
                "client_id": client_id,
            }),
            beta: OAUTH_BETA,
            repeat: Repeat::OnlyIfNotDone,
            secret: token.clone(),
        }
    }

    /// RFC 7523. Repeated freely: an identity token can be exchanged any number of times.
    /// `workspace` fills in when the workload names none.
    pub(crate) fn exchange(
        workload: &Workload,
        identity: &Secret,
        workspace: Option<&str>,
    ) -> Self {
        let mut body = json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": identity.expose(),
            "federation_rule_id": workload.federation_rule_id,
            "organization_id": workload.organization_id,
        });
        if let Some(fields) = body.as_object_mut() {
            if let Some(account) = &workload.service_account_id {
                fields.insert("service_account_id".to_owned(), account.as_str().into());
            }
            if let Some(workspace) = workload.workspace_id.as_deref().or(workspace) {
                fields.insert("workspace_id".to_owned(), workspace.into());
            }
        }
        Self {
            body,
            beta: FEDERATION_BETA,
            repeat: Repeat::Harmless,
            secret: identity.clone(),
        }
    }
}

impl Inner {
    /// Asks the token endpoint of `base`: a token is only good where it was made.
    pub(crate) async fn grant(
        &self,
        credential: &Credential,
        base: &Url,
        request: &Request,
    ) -> Result<Granted, ApiError> {
        let settings = &self.settings;
        let http = self
            .transport
            .client(base, settings.connect_timeout)
            .await?;
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", HeaderValue::from_static(request.beta));
        headers.insert(header::ACCEPT, json.clone());
        headers.insert(header::CONTENT_TYPE, json);
        let prepared = Prepared {
            method: Method::POST,
            url: endpoint(base, &["v1", "oauth", "token"]),
            headers,
            body: Some(request.body.to_string().into_bytes()),
            repeat: request.repeat,
        };
        let limits = Limits {
            policy: settings.retry,
            request_timeout: PATIENCE,
            deadline: Instant::now() + PATIENCE,
            // Not one of the Sessions API.
            counter: None,
        };
        let failure = match exchange(http, &prepared, limits, granted).await {
            Ok(answer) => return Ok(answer.body),
            Err(failure) => failure.scrubbed(&request.secret),
        };
        let error = failure.error;
        // What will pass keeps its own kind, so that it is treated as such.
        if error.is_transient() {
            return Err(error);
        }
        Err(unusable(
            credential,
            &format!("no token from {}: {error}", host(base)),
        ))
    }
}

fn host(base: &Url) -> &str {
    base.host_str().unwrap_or_default()
}

fn granted(body: &[u8]) -> Result<Granted, Unreadable> {
    let wrong = |cause: &str| Unreadable::Wrong(cause.to_owned());
    let fields: Map<String, Value> = json(body)?;
    let text = |name| fields.get(name).and_then(Value::as_str);
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(wrong("the token is not a Bearer token"));
    }
    let access = text("access_token")
        .and_then(Secret::new)
        .ok_or_else(|| wrong("the answer has no access_token"))?;
    let lasts = match fields.get("expires_in") {
        // What the official tools assume.
        None | Some(Value::Null) => 3600,
        Some(value) => {
            let number = value
                .as_f64()
                .or_else(|| value.as_str()?.trim().parse().ok());
            number
                .filter(|number| number.is_finite())
                .and_then(|number| {
                    i64::try_from(Duration::try_from_secs_f64(number).ok()?.as_secs()).ok()
                })
                .ok_or_else(|| wrong("the token's expires_in is not a number of seconds"))?
        }
    };
    Ok(Granted {
        access,
        ends: now().saturating_add(lasts),
        refresh: text("refresh_token").and_then(Secret::new),
    })
}
