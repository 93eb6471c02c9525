//! The reading tools, on the sandbox and on services that misbehave.

mod events;
mod filters;
mod list;
mod prompts;
mod record;
mod several;
mod since;
mod standing;
mod stops;
mod summary;
mod threads;
mod views;

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::support::{Api, session, with_fields};

/// Flags that allow only sessions of this agent.
pub(crate) fn allowing(agent: &str) -> Flags {
    Flags { allow_agent: vec![agent.to_owned()], ..Flags::default() }
}

/// A service that pages `data` by numbers and ignores every filter.
async fn ignoring_filters(path: &str, data: Vec<Value>) -> Api {
    let answer = move |request: &Request| {
        let number = |name: &str| {
            let mut pairs = request.url.query_pairs();
            let (_, value) = pairs.find(|(each, _)| each == name)?;
            Some(value.parse::<usize>().expect("a number"))
        };
        let start = number("page").unwrap_or(0);
        let end = data.len().min(start + number("limit").unwrap_or(20));
        let next = (end < data.len()).then(|| end.to_string());
        let body = json!({"data": data[start..end], "next_page": next});
        ResponseTemplate::new(200).set_body_json(body)
    };
    let api = Api::new().await;
    let mock = Mock::given(matchers::method("GET")).and(matchers::path(path));
    mock.respond_with(answer).mount(&api.0).await;
    api
}

/// Sessions `sesn_000`, `sesn_001` and so on, newest first, with every value of each filter.
pub(crate) fn sessions(count: usize) -> Vec<Value> {
    let session = |number: usize| {
        let statuses = ["idle", "running", "terminated"];
        let agent = json!({"id": format!("agent_{}", number % 2), "name": "A", "version": 1});
        let (minute, second) = (59 - number / 60, 59 - number % 60);
        with_fields(
            session(&format!("sesn_{number:03}"), statuses[number % 3]),
            json!({
                "agent": agent,
                "title": if number.is_multiple_of(5) { "Refund" } else { "Other" },
                "metadata": {"team": if number.is_multiple_of(4) { "web" } else { "data" }},
                "created_at": format!("2026-03-01T00:{minute:02}:{second:02}Z"),
            }),
        )
    };
    (0..count).map(session).collect()
}

/// The ids of [`sessions`] with these numbers.
fn session_ids(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    let numbers = numbers.into_iter();
    numbers.map(|number| format!("sesn_{number:03}")).collect()
}
