//! The reading tools: through the real client, on the sandbox and on services that misbehave.

mod events;
mod list;
mod prompts;
mod record;
mod stops;
mod summary;

use managed_sessions_mcp::sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::support::{Api, Host, session, with};

/// A sandbox set up like this, without lagging.
async fn sandbox(options: Options) -> Sandbox {
    let options = Options {
        status_lag: std::time::Duration::ZERO,
        ..options
    };
    Sandbox::start("127.0.0.1:0".parse().expect("an address"), options)
        .await
        .expect("the sandbox starts")
}

/// The value of a query parameter, and those of one that repeats.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.url.query_pairs();
    pairs
        .find(|(each, _)| each == name)
        .map(|(_, value)| value.into_owned())
}

/// A service that pages `data` by numbers and ignores every filter.
async fn ignoring_filters(path: &str, data: Vec<Value>) -> Api {
    let api = Api::new().await;
    let answer = move |request: &Request| {
        let start = parameter(request, "page").map_or(0, |page| page.parse().expect("a number"));
        let limit =
            parameter(request, "limit").map_or(20, |limit| limit.parse().expect("a number"));
        let end = data.len().min(start + limit);
        let next = (end < data.len()).then(|| end.to_string());
        ResponseTemplate::new(200)
            .set_body_json(json!({"data": data[start..end], "next_page": next}))
    };
    Mock::given(matchers::method("GET"))
        .and(matchers::path(path))
        .respond_with(answer)
        .mount(&api.0)
        .await;
    api
}

/// All entries of `field`, page by page.
async fn all(host: &Host, tool: &str, arguments: Value, field: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut page = Value::Null;
    for _ in 0..500 {
        let answer = host
            .call(tool, with(arguments.clone(), json!({"page": page})))
            .await
            .answer();
        assert!(answer.to_string().len() < 40_000);
        found.extend(answer[field].as_array().expect("an array").clone());
        match answer.get("next_page") {
            Some(next) => page = next.clone(),
            None => return found,
        }
    }
    panic!("it does not end")
}

/// The ids of rows.
fn ids(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Sessions `sesn_000…`, newest first, of every kind of filter.
fn sessions(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| {
            let statuses = ["idle", "running", "terminated"];
            let agent = json!({"id": format!("agent_{}", number % 2), "name": "A", "version": 1});
            with(
                session(&format!("sesn_{number:03}"), statuses[number % 3]),
                json!({
                    "agent": agent,
                    "title": if number % 5 == 0 { "Refund" } else { "Other" },
                    "metadata": {"team": if number % 4 == 0 { "web" } else { "data" }},
                    "created_at": format!("2026-03-01T00:{:02}:{:02}Z", 59 - number / 60, 59 - number % 60),
                }),
            )
        })
        .collect()
}
