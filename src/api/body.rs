//! Response bodies: read within bounds, parsed, and searched for an error's message.

use std::time::Duration;

use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use tokio::time::{Instant, timeout_at};

use crate::api::{
    credentials::secret::Secret,
    json::{MOST_VALUES, has_too_many_entries, has_too_many_values, repair_surrogates},
    transport::chain,
};

/// After decompression: three times a page of 100 sessions of 100 KB.
const LARGEST: usize = 32 << 20;

/// Of an error's body only the beginning is read, and not for long: its status is what counts.
const LARGEST_OF_ERROR: usize = 64 << 10;
const ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest message of a service that is passed on, in characters.
const LONGEST_MESSAGE: usize = 500;

/// Why the body of a success cannot be used.
pub(crate) enum BodyError {
    TimedOut,
    /// It ends too early, as when a connection is lost.
    Truncated(String),
    Invalid(String),
}

/// Parses the body of a success.
pub(crate) type Parse<T> = fn(&[u8]) -> Result<T, BodyError>;

/// What becomes of the body of a success.
pub(crate) trait ReadBody<T> {
    fn read(
        &self,
        response: Response,
        deadline: Instant,
    ) -> impl Future<Output = Result<T, BodyError>> + Send;
}

/// Read as a whole, then parsed. Where only the status counts, even an empty body will do.
impl<T: Send> ReadBody<T> for Parse<T> {
    async fn read(&self, mut response: Response, deadline: Instant) -> Result<T, BodyError> {
        let parsed = match timeout_at(deadline, read(&mut response)).await {
            Ok(body) => body.and_then(|mut body| {
                repair_surrogates(&mut body);
                self(&body)
            }),
            Err(_) => Err(BodyError::TimedOut),
        };
        parsed.or_else(|error| self(b"").map_err(|_| error))
    }
}

/// Reads at most [`LARGEST`] bytes.
async fn read(response: &mut Response) -> Result<Vec<u8>, BodyError> {
    let too_large = || BodyError::Invalid("the response is larger than 32 MiB".into());
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > LARGEST {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(truncated)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(crate) fn truncated(error: reqwest::Error) -> BodyError {
    let cause = chain(&error.without_url());
    BodyError::Truncated(format!("the response could not be read to its end: {cause}"))
}

/// Reads what there is of an error's body; a failure here must not cost the status.
pub(crate) async fn read_error(response: &mut Response, deadline: Instant) -> Vec<u8> {
    let deadline = deadline.min(Instant::now() + ERROR_TIMEOUT);
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_OF_ERROR {
            body.truncate(LARGEST_OF_ERROR);
            break;
        }
    }
    body
}

/// Any body will do.
#[expect(clippy::unnecessary_wraps, reason = "a `Parse`")]
pub(crate) fn ignore(_: &[u8]) -> Result<(), BodyError> {
    Ok(())
}

/// A JSON object as `T`, which keeps all of it.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    json_with(body, |text| serde_json::from_slice(text))
}

/// The same with another parser.
pub(crate) fn json_with<T>(
    body: &[u8],
    parse: impl FnOnce(&[u8]) -> serde_json::Result<T>,
) -> Result<T, BodyError> {
    let text = object(body)?;
    if has_too_many_values(text) {
        return Err(too_many_values());
    }
    parse(text).map_err(|error| invalid(&error))
}

/// A page of a list as `T`, which keeps the heads of its entries only.
pub(crate) fn list<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    let text = object(body)?;
    if has_too_many_entries(text) {
        return Err(too_many_values());
    }
    serde_json::from_slice(text).map_err(|error| invalid(&error))
}

fn too_many_values() -> BodyError {
    BodyError::Invalid(format!("the response has more than {MOST_VALUES} JSON values"))
}

/// The text of a JSON object.
fn object(body: &[u8]) -> Result<&[u8], BodyError> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = text.trim_ascii();
    match text.first() {
        Some(b'{') => Ok(text),
        None => Err(BodyError::Invalid("the response is empty".into())),
        Some(b'<') => Err(BodyError::Invalid("the response is HTML".into())),
        // Serde would also read structs from arrays, by position.
        Some(_) => Err(BodyError::Invalid("the response is not a JSON object".into())),
    }
}

fn invalid(error: &serde_json::Error) -> BodyError {
    match error.classify() {
        Category::Eof => BodyError::Truncated("the response is incomplete".into()),
        Category::Data => BodyError::Invalid("the response is JSON of an unexpected shape".into()),
        // Not the parser's message, which can quote the content.
        _ => BodyError::Invalid(format!("the response is not JSON (line {})", error.line())),
    }
}

/// The message in an error's body, which need not be the API's JSON; empty without one.
pub(crate) fn error_message(body: &str, json: Option<&Value>, secret: &Secret) -> String {
    // Again where it has come together: markup may have stood in its middle.
    let message = match json {
        Some(json) => json_message(json, secret),
        None => secret.scrub(&text_message(body)),
    };
    cut(&message, LONGEST_MESSAGE)
}

/// The message of a JSON error, wherever it is: `{"error":{"message"}}`, `{"error":"…"}`,
/// `{"detail":"…"}`, `{"message":"…"}`; else the JSON itself.
fn json_message(json: &Value, secret: &Secret) -> String {
    let found = ["/error/message", "/error", "/detail", "/message", ""]
        .into_iter()
        .find_map(|path| json.pointer(path)?.as_str());
    let text = match (found, json) {
        // Token endpoints (RFC 6749, 5.2) put a code in `error` and describe it beside it.
        (Some(text), json) => match json.get("error_description").and_then(Value::as_str) {
            Some(description) => format!("{text}: {description}"),
            None => text.trim().to_owned(),
        },
        (None, Value::Null) => String::new(),
        (None, Value::Object(fields)) if fields.is_empty() => String::new(),
        // For instance a list of problems.
        (None, json) => {
            let problems = json.get("detail").or_else(|| json.get("error"));
            problems.unwrap_or(json).to_string()
        }
    };
    let text = secret.scrub(&text);
    // The one part that is stable enough to be looked up.
    let code = json.pointer("/error/details/error_code").and_then(Value::as_str);
    match code.map(|code| secret.scrub(code)) {
        Some(code) if !text.contains(&code) => {
            format!("{} [{code}]", cut(&text, LONGEST_MESSAGE - 80))
        }
        _ => text,
    }
}

/// Text as it is, or the visible text of an HTML page, in one line.
fn text_message(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim();
    let visible = if text.starts_with('<') { without_tags(text) } else { text.to_owned() };
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_tags(html: &str) -> String {
    let mut visible = String::new();
    let mut hidden_until = None;
    for piece in html.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.split_whitespace().next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if hidden_until.as_ref() == Some(&name) {
            hidden_until = None;
        } else if hidden_until.is_none() && matches!(name.as_str(), "style" | "script") {
            hidden_until = Some(format!("/{name}"));
        }
        if hidden_until.is_none() {
            visible.push(' ');
            visible.push_str(text);
        }
    }
    visible
}

/// At most `longest` characters, with an ellipsis if something was cut off.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}
