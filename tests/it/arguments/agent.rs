//! The agent of a filter: an id or a name, found with few requests.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::support::{Api, Host, error, ids, session, with_fields};

const SESSIONS: &str = "GET /v1/sessions";
const AGENTS: &str = "GET /v1/agents";

fn agent(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "agent", "name": name, "version": 1})
}

/// A service of these agents, two of them with one session each, that pages agents by two.
async fn service(agents: Vec<Value>) -> Api {
    let api = Api::new().await;
    let of = |id: &str, agent: &str| {
        let agent = json!({"id": agent, "name": "A", "version": 1});
        with_fields(session(id, "idle"), json!({"agent": agent}))
    };
    let sessions = [of("sesn_1", "agent_1"), of("sesn_2", "agent_2")];
    let parameter = |request: &Request, name: &str| {
        let pair = request.url.query_pairs().find(|(each, _)| each == name);
        pair.map(|(_, value)| value.into_owned())
    };
    let list = move |request: &Request| {
        let wanted = parameter(request, "agent_id");
        let matches = |each: &&Value| {
            wanted.as_ref().is_none_or(|wanted| each["agent"]["id"] == *wanted.as_str())
        };
        let data: Vec<&Value> = sessions.iter().filter(matches).collect();
        ResponseTemplate::new(200).set_body_json(json!({"data": data, "next_page": null}))
    };
    let mock = Mock::given(matchers::method("GET")).and(matchers::path("/v1/sessions"));
    mock.respond_with(list).mount(&api.0).await;
    let list = move |request: &Request| {
        assert_eq!(parameter(request, "include_archived").as_deref(), Some("true"));
        let start = parameter(request, "page").map_or(0, |page| page.parse().expect("a number"));
        let end = agents.len().min(start + 2);
        let next = (end < agents.len()).then(|| end.to_string());
        let body = json!({"data": agents[start..end], "next_page": next});
        ResponseTemplate::new(200).set_body_json(body)
    };
    let mock = Mock::given(matchers::method("GET")).and(matchers::path("/v1/agents"));
    mock.respond_with(list).mount(&api.0).await;
    api
}

fn some_agents() -> Vec<Value> {
    vec![
        agent("agent_1", "Policy assistant"),
        agent("agent_2", "deploy_bot"),
        agent("agent_4", "Twin"),
        agent("agent_5", "twin"),
        agent("agent_6", "Fixer"),
    ]
}

async fn list(host: &Host, agent: &str) -> Value {
    host.answer("list_sessions", json!({"agent": agent})).await
}

#[tokio::test]
async fn an_agent_is_found_by_id_or_name_with_few_requests() {
    let api = service(some_agents()).await;
    let host = api.host().await;
    for (given, found, requests) in [
        // An id costs nothing more.
        ("agent_1", vec!["sesn_1"], vec![SESSIONS]),
        // A name that cannot be an id is looked up first, whatever its case.
        ("POLICY Assistant", vec!["sesn_1"], vec![AGENTS, AGENTS, AGENTS, SESSIONS]),
        // A name that could be an id is looked up where no session has it as such.
        ("Deploy_Bot", vec!["sesn_2"], vec![SESSIONS, AGENTS, AGENTS, AGENTS, SESSIONS]),
        // An agent without sessions is no mistake.
        ("agent_6", vec![], vec![SESSIONS, AGENTS, AGENTS, AGENTS]),
        ("Fixer", vec![], vec![AGENTS, AGENTS, AGENTS, SESSIONS]),
    ] {
        let before = api.asked().await.len();
        let answer = list(&host, given).await;
        assert_eq!(ids(&answer["sessions"]), found, "{given}");
        assert_eq!(answer.get("warnings"), None, "{given}: {answer}");
        assert_eq!(api.asked().await.split_off(before), requests, "{given}");
        let by_alias = host.answer("list_sessions", json!({"agent_id": given, "agent": null}));
        assert_eq!(by_alias.await, answer);
    }
}

#[tokio::test]
async fn an_agent_that_does_not_exist_is_said_with_those_that_do() {
    let api = service(some_agents()).await;
    let host = api.host().await;
    for (tool, arguments) in [
        ("list_sessions", json!({"agent": "agent_3"})),
        ("summarize_sessions", json!({"agent": "agent_3"})),
        ("triage_sessions", json!({"agent": "agent_3"})),
        ("plan_changes", json!({"agent": "agent_3", "action": "archive"})),
        ("list_sessions", json!({"agent": "Polcy assistant"})),
    ] {
        let answer = host.answer(tool, arguments.clone()).await;
        let warning = answer["warnings"][0].as_str().expect("a warning").to_owned();
        let wanted = arguments["agent"].to_string();
        assert!(warning.contains(&format!("no agent has the id or name {wanted}")), "{warning}");
        assert!(warning.contains("\"Policy assistant\" (agent_1)"), "{warning}");
        assert!(warning.contains("\"Fixer\" (agent_6)"), "{warning}");
    }
    let near = list(&host, "Polcy assistant").await["warnings"][0].to_string();
    assert!(
        near.contains("there are \\\"Policy assistant\\\" (agent_1), "),
        "the nearest first: {near}"
    );
}

#[tokio::test]
async fn a_warning_names_few_agents_however_many_there_are() {
    let many = (0..300).map(|number| {
        agent(&format!("agent_{number:03}"), &format!("{number:03}{}", "\u{202e}x".repeat(300)))
    });
    let api = service(many.collect()).await;
    let answer = list(&api.host().await, "nobody").await;
    let warning = answer["warnings"][0].as_str().expect("a warning").to_owned();
    assert!(warning.ends_with(" and 290 more"), "{warning}");
    assert!(warning.len() < 8_000, "{}", warning.len());
    assert!(!warning.contains('\u{202e}'));
}

#[tokio::test]
async fn a_name_of_several_agents_is_refused_with_their_ids() {
    let api = service(some_agents()).await;
    let host = api.host().await;
    for tool in ["list_sessions", "summarize_sessions", "triage_sessions", "plan_changes"] {
        let mut arguments = json!({"agent": "Twin"});
        if tool == "plan_changes" {
            arguments["action"] = "archive".into();
        }
        let failure = host.failure(tool, arguments).await;
        let expected =
            "invalid_arguments: 2 agents have the name \"Twin\": agent_4, agent_5. Next: ";
        assert!(failure.starts_with(expected), "{failure}");
    }
    // By id there is one.
    assert_eq!(list(&host, "agent_4").await["sessions"], json!([]));
}

#[tokio::test]
async fn a_service_without_a_list_of_agents_is_given_the_value_as_an_id() {
    for status in [404, 405, 501] {
        let api = Api::new().await;
        let agent = json!({"id": "my agent", "name": "A", "version": 1});
        let session = with_fields(session("sesn_1", "idle"), json!({"agent": agent}));
        let page = json!({"data": [session], "next_page": null});
        api.answers("GET", "/v1/sessions", 200, page).await;
        api.answers("GET", "/v1/agents", status, error("not_found_error", "No route.")).await;
        let host = api.host().await;
        let found = list(&host, "my agent").await;
        assert_eq!(ids(&found["sessions"]), ["sesn_1"], "{status}");
        let none = list(&host, "agent_7").await;
        assert_eq!((&none["sessions"], none.get("warnings")), (&json!([]), None), "{status}");
    }
}

#[tokio::test]
async fn agents_that_cannot_be_read_make_no_empty_answer() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions", 200, json!({"data": [], "next_page": null})).await;
    api.answers("GET", "/v1/agents", 500, error("api_error", "Oh.")).await;
    let host = api.host().await;
    for agent in ["agent_3", "Some name"] {
        let failure = host.failure("list_sessions", json!({"agent": agent})).await;
        assert!(failure.starts_with("api_error: "), "{failure}");
        assert!(failure.contains("the list of agents"), "{failure}");
    }
}

#[tokio::test]
async fn an_id_that_the_service_refuses_is_named_as_no_agent() {
    let api = service(some_agents()).await;
    let strict = Api::new().await;
    let refused = error("invalid_request_error", "agent_id is malformed.");
    strict.answers("GET", "/v1/sessions", 400, refused).await;
    let agents = json!({"data": some_agents(), "next_page": null});
    strict.answers("GET", "/v1/agents", 200, agents).await;
    let failure = strict.host().await.failure("list_sessions", json!({"agent": "agent_3"})).await;
    assert!(failure.starts_with("invalid_arguments: no agent has the id or name"), "{failure}");
    drop(api);
}

#[tokio::test]
async fn only_allowed_agents_are_named() {
    let api = service(some_agents()).await;
    let flags = Flags { allow_agent: vec!["agent_1".to_owned()], ..Flags::default() };
    let host = api.host_with(flags).await;
    for given in ["deploy_bot", "agent_2", "Twin", "nobody"] {
        let answer = list(&host, given).await;
        let expected = format!(
            "no agent has the id or name \"{given}\"; there are \"Policy assistant\" (agent_1)"
        );
        assert_eq!(answer["warnings"], json!([expected]));
        assert_eq!(answer["sessions"], json!([]));
    }
    assert_eq!(ids(&list(&host, "policy assistant").await["sessions"]), ["sesn_1"]);
}

#[tokio::test]
async fn later_pages_do_not_look_the_agent_up_again() {
    let api = Api::new().await;
    let agent_1 = json!({"id": "agent_1", "name": "A", "version": 1});
    let row = |id: &str| with_fields(session(id, "idle"), json!({"agent": agent_1.clone()}));
    api.answers_once(
        "GET",
        "/v1/sessions",
        200,
        json!({"data": [row("sesn_1")], "next_page": "b"}),
    )
    .await;
    api.answers("GET", "/v1/sessions", 200, json!({"data": [row("sesn_2")], "next_page": null}))
        .await;
    let agents = json!({"data": [agent("agent_1", "Policy assistant")], "next_page": null});
    api.answers("GET", "/v1/agents", 200, agents).await;
    let host = api.host().await;
    let first = json!({"agent": "Policy assistant", "limit": 1});
    let page = host.answer("list_sessions", first.clone()).await["next_page"].clone();
    let second = host.answer("list_sessions", with_fields(first, json!({"page": page}))).await;
    assert_eq!(ids(&second["sessions"]), ["sesn_2"]);
    assert_eq!(api.asked().await, [AGENTS, SESSIONS, SESSIONS]);
}
