//! Answers as bytes: read within bounds, and made into something readable.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use reqwest::Response;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::api::{ApiError, retry};

/// The largest answer that is read, unpacked: a page of 100 sessions of 100 KB three times over.
pub(crate) const LARGEST: usize = 32 << 20;

/// How much of an error's body is looked at, and for how long; its status is what counts.
const LARGEST_REFUSAL: usize = 64 << 10;
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);

/// How many characters of a service's words are passed on.
const LONGEST_MESSAGE: usize = 500;

/// Why a body could not be had.
pub(crate) enum Unread {
    TooLarge,
    /// Ended before it was complete.
    CutShort(reqwest::Error),
}

/// Reads a body of at most [`LARGEST`] bytes, counted after decompression.
pub(crate) async fn read(response: &mut Response) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > LARGEST {
        return Err(Unread::TooLarge);
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(Unread::CutShort)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads what there is of a refusal's body; nothing that goes wrong here may cost its status.
pub(crate) async fn read_refusal(response: &mut Response, deadline: Instant) -> Vec<u8> {
    let deadline = deadline.min(Instant::now() + REFUSAL_PATIENCE);
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_REFUSAL {
            body.truncate(LARGEST_REFUSAL);
            break;
        }
    }
    body
}

/// The id support can find a request by.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("request-id")?.to_str().ok()?.trim();
    (!id.is_empty()).then(|| cut(id, 200))
}

/// When the service sent the answer, by its own clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(http::header::DATE)?.to_str().ok()?).ok()
}

/// A refusal as an error: from the API's envelope, from what compatible servers and gateways
/// send instead, or from the status alone.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
    let text = String::from_utf8_lossy(body);
    let json = serde_json::from_slice::<Value>(body).ok();
    let of = |value: &Value, field: &str| Some(value.get(field)?.as_str()?.to_owned());
    let error = json.as_ref().and_then(|json| json.get("error"));
    let message = match &json {
        Some(json) => words(json),
        None => plain(&text),
    };
    let message = if message.is_empty() {
        let reason = status.canonical_reason().unwrap_or("no reason given");
        format!("{reason} (the answer has no message)")
    } else {
        message
    };
    ApiError::Refused {
        status: status.as_u16(),
        error_type: error.and_then(|error| of(error, "type")),
        message: cut(&message, LONGEST_MESSAGE),
        request_id: request_id(headers)
            .or_else(|| of(json.as_ref()?, "request_id"))
            .or_else(|| of(error?, "request_id"))
            .map(|id| cut(&id, 200)),
        retry_after: retry::retry_after(headers, SystemTime::now()),
        in_doubt: false,
    }
}

/// A redirect as an error, with no more of its target than the host.
pub(crate) fn redirect(status: StatusCode, headers: &HeaderMap, base: &url::Url) -> ApiError {
    let target = headers
        .get(http::header::LOCATION)
        .and_then(|location| base.join(location.to_str().ok()?).ok());
    let host = target.and_then(|target| {
        let host = target.host_str()?.to_owned();
        Some(match target.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        })
    });
    ApiError::Redirected {
        status: status.as_u16(),
        host,
        request_id: request_id(headers),
    }
}

/// The sentence in a JSON error, wherever it is: `{"error":{"message"}}`, `{"error":"…"}`,
/// `{"detail":"…"}`, `{"message":"…"}`; else the JSON itself.
fn words(json: &Value) -> String {
    let error = json.get("error");
    let found = [
        error.and_then(|error| error.get("message")),
        error,
        json.get("detail"),
        json.get("message"),
        Some(json),
    ];
    let text = found.into_iter().flatten().find_map(Value::as_str);
    let text = match (text, json) {
        // Token endpoints (RFC 6749, 5.2) put a code first and the sentence beside it.
        (Some(text), json) => match json.get("error_description").and_then(Value::as_str) {
            Some(sentence) => format!("{text}: {sentence}"),
            None => text.trim().to_owned(),
        },
        (None, Value::Null) => String::new(),
        (None, Value::Object(fields)) if fields.is_empty() => String::new(),
        // Lists of problems, say: an agent can read them as they are.
        (None, json) => json.get("detail").or(error).unwrap_or(json).to_string(),
    };
    // The one part of an answer that is stable enough to be looked up.
    let code = error
        .and_then(|error| error.get("details")?.get("error_code")?.as_str())
        .filter(|code| !text.contains(code));
    match code {
        Some(code) => format!("{} [{code}]", cut(&text, LONGEST_MESSAGE - 80)),
        None => text,
    }
}

/// Text as it is, or what a reader would see of an HTML page, in one line.
fn plain(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim();
    let visible = if text.starts_with('<') {
        without_tags(text)
    } else {
        text.to_owned()
    };
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_tags(html: &str) -> String {
    let mut visible = String::new();
    let mut hidden_until: Option<&str> = None;
    for piece in html.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.split_whitespace().next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        hidden_until = match (hidden_until, name.as_str()) {
            (Some(end), name) if name == end => None,
            (Some(end), _) => Some(end),
            (None, "style") => Some("/style"),
            (None, "script") => Some("/script"),
            (None, _) => None,
        };
        if hidden_until.is_none() {
            visible.push(' ');
            visible.push_str(text);
        }
    }
    visible
}

/// At most `longest` characters, with a sign when something was left out.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}
