//! The endpoints of sessions, and which of them may be sent twice.

use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    api::{
        ApiError, ApiResponse, Client,
        exchange::{Failure, Unreadable},
        retry::Repeat,
        send::Call,
    },
    model::{Page, Session, SessionHead, SessionId},
};

/// What `GET /v1/sessions` can be asked for. Some services ignore filters: look again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionQuery {
    /// Only sessions of this agent.
    pub agent_id: Option<String>,
    /// Only this version of it; the API takes it with `agent_id` only.
    pub agent_version: Option<i64>,
    /// Only sessions this deployment created.
    pub deployment_id: Option<String>,
    /// Only sessions with this memory store mounted.
    pub memory_store_id: Option<String>,
    /// Only these statuses; empty for all.
    pub statuses: Vec<String>,
    /// Archived ones too; the API leaves them out by default.
    pub include_archived: bool,
    /// Created after.
    pub created_gt: Option<Timestamp>,
    /// Created at or after.
    pub created_gte: Option<Timestamp>,
    /// Created before.
    pub created_lt: Option<Timestamp>,
    /// Created at or before.
    pub created_lte: Option<Timestamp>,
    /// By creation; the API's default is descending.
    pub order: Option<Order>,
    /// Entries a page; services clamp it in silence.
    pub limit: Option<u32>,
    /// The cursor of an earlier page, made with the same order.
    pub page: Option<String>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

impl Order {
    /// As the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

impl SessionQuery {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Pairs::default();
        pairs.add("agent_id", self.agent_id.as_ref());
        pairs.add("agent_version", self.agent_version);
        pairs.add("created_at[gt]", self.created_gt);
        pairs.add("created_at[gte]", self.created_gte);
        pairs.add("created_at[lt]", self.created_lt);
        pairs.add("created_at[lte]", self.created_lte);
        pairs.add("deployment_id", self.deployment_id.as_ref());
        pairs.add("include_archived", self.include_archived.then_some(true));
        pairs.add("limit", self.limit);
        pairs.add("memory_store_id", self.memory_store_id.as_ref());
        pairs.add("order", self.order.map(Order::as_str));
        pairs.add("page", self.page.as_ref());
        for status in &self.statuses {
            pairs.add("statuses[]", Some(status));
        }
        pairs.0
    }
}

/// The query of a list, without what is not asked for.
#[derive(Default)]
pub(crate) struct Pairs(pub(crate) Vec<(&'static str, String)>);

impl Pairs {
    pub(crate) fn add(&mut self, name: &'static str, value: Option<impl ToString>) {
        self.0.extend(value.map(|value| (name, value.to_string())));
    }
}

impl Client {
    /// `GET /v1/sessions/{id}`.
    ///
    /// # Errors
    /// [`ApiError`]; a body that is not a session is [`ApiError::BadResponse`].
    pub async fn get_session(&self, id: &SessionId) -> Result<ApiResponse<Session>, ApiError> {
        let call = Call::get(vec!["v1", "sessions", id.as_str()]);
        Ok(self.send(&call, session).await?)
    }

    /// `GET /v1/sessions`: one page, without the large parts of its sessions.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn list_sessions(
        &self,
        query: &SessionQuery,
    ) -> Result<ApiResponse<Page<SessionHead>>, ApiError> {
        let mut call = Call::get(vec!["v1", "sessions"]);
        call.query = query.pairs();
        Ok(self.send(&call, json).await?)
    }

    /// `POST /v1/sessions/{id}`, body: any of `agent`, `title`, `metadata`, `budget`.
    ///
    /// Repeated when its fate is unknown: every field is the complete new value (`metadata`, a
    /// patch, names the value of each key), so that twice is once. Should the repetition be
    /// refused, the error is that of the first try, since that may have been carried out.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn update_session(
        &self,
        id: &SessionId,
        body: &Map<String, Value>,
    ) -> Result<ApiResponse<Session>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str()];
        let mut call = Call::write(Method::POST, path, Repeat::Harmless);
        call.body = Some(encode(body)?);
        Ok(self.send(&call, session).await?)
    }

    /// `POST /v1/sessions/{id}/archive`.
    ///
    /// Repeated when its fate is unknown: a session cannot be more than archived (some services
    /// move `archived_at`, which nobody relies on to the second). Services may refuse the
    /// repetition *because* the first try succeeded, so a refusal after such a try is checked by
    /// reading the session.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn archive_session(&self, id: &SessionId) -> Result<ApiResponse<Session>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str(), "archive"];
        let call = Call::write(Method::POST, path, Repeat::Harmless);
        match self.send(&call, session).await {
            Err(Failure {
                error:
                    ApiError::Refused {
                        status: 400 | 409, ..
                    },
                earlier: Some(earlier),
            }) => {
                let Ok(now) = self.get_session(id).await else {
                    return Err(earlier.with_note("it may have been carried out"));
                };
                if now.body.head.is_archived() {
                    return Ok(now);
                }
                // It is not archived, so the first try did nothing and the refusal is the truth.
                let call = Call::write(Method::POST, call.path, Repeat::OnlyIfNotDone);
                Ok(self.send(&call, session).await?)
            }
            other => Ok(other?),
        }
    }

    /// `DELETE /v1/sessions/{id}`.
    ///
    /// Repeated when its fate is unknown: what is gone cannot go again. A 404 after a try that
    /// may have been carried out is therefore the success of that try. The answer is whether the
    /// service says that the session is deleted; some say nothing, and only a reading tells.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete_session(&self, id: &SessionId) -> Result<ApiResponse<bool>, ApiError> {
        let path = vec!["v1", "sessions", id.as_str()];
        let call = Call::write(Method::DELETE, path, Repeat::Harmless);
        match self.send(&call, deleted).await {
            Err(Failure {
                error:
                    ApiError::Refused {
                        status: 404,
                        request_id,
                        ..
                    },
                earlier: Some(_),
            }) => Ok(ApiResponse {
                body: true,
                request_id,
                date: None,
            }),
            Err(failure) if failure.error.http_status() == Some(429) => Err(failure.into()),
            // It is still there to be refused, so no earlier try deleted it.
            Err(Failure {
                error:
                    error @ ApiError::Refused {
                        status: 400 | 409, ..
                    },
                ..
            }) => Err(error),
            other => Ok(other?),
        }
    }
}

/// A body to send.
pub(crate) fn encode(body: &impl serde::Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body).map_err(|error| ApiError::InvalidConfiguration {
        variable: "body".to_owned(),
        cause: error.to_string(),
    })
}

/// Whether the body says that the session is deleted.
#[expect(clippy::unnecessary_wraps, reason = "one of the ways to read a body")]
fn deleted(body: &[u8]) -> Result<bool, Unreadable> {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    Ok(said.is_some_and(|said| {
        said.get("type")
            .is_some_and(|kind| kind == "session_deleted")
    }))
}

/// Any success will do.
#[expect(clippy::unnecessary_wraps, reason = "one of the ways to read a body")]
pub(crate) fn nothing(_: &[u8]) -> Result<(), Unreadable> {
    Ok(())
}

/// A JSON object as `T`.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = text.trim_ascii();
    match text.first() {
        None => return Err(Unreadable::Wrong("the answer is empty".to_owned())),
        Some(b'{') => {}
        // Structures would also be read from arrays, by position.
        Some(b'<') => return Err(Unreadable::Wrong("the answer is HTML".to_owned())),
        Some(_) => {
            let cause = "the answer is not a JSON object".to_owned();
            return Err(Unreadable::Wrong(cause));
        }
    }
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => Unreadable::CutShort,
        serde_json::error::Category::Data => {
            Unreadable::Wrong("the answer is JSON of another shape than expected".to_owned())
        }
        // Not the parser's words: they can quote the content.
        _ => Unreadable::Wrong(format!("the answer is not JSON (line {})", error.line())),
    })
}

/// A session. Something without an id is not one, whatever else it has: `{"error": …}` with a
/// status of 200 would otherwise be read as a session of unknown status.
fn session(body: &[u8]) -> Result<Session, Unreadable> {
    let session: Session = json(body)?;
    if session.head.id.is_empty() {
        let cause = "the answer is not a session: it has no id".to_owned();
        return Err(Unreadable::Wrong(cause));
    }
    Ok(session)
}
