//! Answers to tool calls, and the permissions that decide who gives them.

use serde_json::{Value, json};

use super::{HttpClient, confirm, custom_result, fast_turns};

fn tool_result(call: &str) -> Value {
    json!({"type": "user.tool_result", "tool_use_id": call})
}

/// An agent whose built-in tools have this policy, and which has a custom tool.
fn with_policy(policy: &str) -> Value {
    json!({"agent": {
        "type": "agent_with_overrides", "id": "agent_02", "mcp_servers": [],
        "tools": [
            {
                "type": "agent_toolset_20260401",
                "default_config": {"permission_policy": {"type": policy}},
            },
            {
                "type": "custom", "name": "lookup", "description": "d",
                "input_schema": {"type": "object"},
            },
        ],
    }})
}

#[tokio::test]
async fn some_answers_leave_the_session_idle_with_the_rest() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.after_turn(with_policy("always_ask"), "/use bash,lookup,read").await;
    let calls = client.waiting_for(&id).await;
    assert_eq!(calls.len(), 3);
    let answers = [custom_result(&calls[1]), confirm(&calls[0], "deny")];
    for (answer, rest) in answers.into_iter().zip([[0, 2].as_slice(), &[2]]) {
        assert_eq!(client.send(&id, answer).await.0, 200);
        let expected: Vec<_> = rest.iter().map(|index| calls[*index].clone()).collect();
        assert_eq!(client.waiting_for(&id).await, expected);
        assert_eq!(client.session(&id).await["status"], "idle");
    }
    client.send(&id, confirm(&calls[2], "allow")).await;
    client.settled(&id).await;
    let results = client.ok(&format!("/v1/sessions/{id}/events?types[]=agent.tool_result")).await;
    let results = results["data"].as_array().unwrap().iter();
    let results: Vec<_> =
        results.map(|r| (r["tool_use_id"].clone(), r["is_error"].clone())).collect();
    let expected = [(json!(calls[0]), json!(true)), (json!(calls[2]), json!(false))];
    assert_eq!(results, expected);
    assert_eq!(client.last_event(&id).await["stop_reason"]["type"], "end_turn");
}

#[tokio::test]
async fn the_policy_decides_about_a_call_and_its_confirmation() {
    let client = HttpClient::start(fast_turns()).await;
    let auto = |permission: Value| json!({"type": "auto", "evaluated_permission": permission});
    let cases = [
        ("always_allow", "", "allow", json!({"type": "always_allow"})),
        ("always_ask", "", "ask", json!({"type": "always_ask"})),
        ("auto", "", "allow", auto(json!({"type": "allow"}))),
        ("auto", "unclear", "ask", auto(json!({"type": "ask", "reason_code": "indeterminate"}))),
        ("auto", "risky", "deny", auto(json!({"type": "deny", "reason_code": "high_risk"}))),
    ];
    for (policy, judgement, permission, evaluation) in cases {
        let id = client.after_turn(with_policy(policy), &format!("/use bash {judgement}")).await;
        let call = client.newest(&id, "agent.tool_use").await;
        assert_eq!(call["evaluated_permission"], permission, "{policy} {judgement}");
        assert_eq!(call["evaluation"], evaluation);
        let call = call["id"].as_str().unwrap();
        let waits = permission == "ask";
        assert_eq!(client.waiting_for(&id).await.contains(&call.to_owned()), waits);
        if permission == "deny" {
            let result = client.newest(&id, "agent.tool_result").await;
            assert_eq!((&result["tool_use_id"], &result["is_error"]), (&json!(call), &json!(true)));
        }
        // Only a call that asks can be confirmed: what was denied cannot be overridden.
        let (status, _) = client.send(&id, confirm(call, "allow")).await;
        assert_eq!(status, if waits { 200 } else { 400 }, "{policy} {judgement}");
        client.settled(&id).await;
        let (status, _) = client.send(&id, tool_result(call)).await;
        assert_eq!(status, 400, "not in a cloud environment");
    }
}

#[tokio::test]
async fn in_self_hosted_environments_clients_give_the_results() {
    let client = HttpClient::start(fast_turns()).await;
    let place = json!({"name": "ours", "config": {"type": "self_hosted"}});
    let (_, environment) = client.post("/v1/environments", &place).await;
    let create = |policy: &str| {
        let mut fields = with_policy(policy);
        fields["environment_id"] = environment["id"].clone();
        fields
    };
    let allowed = client.after_turn(create("always_allow"), "/use bash,web_search").await;
    let calls = client.waiting_for(&allowed).await;
    assert_eq!(calls.len(), 1, "the service searches by itself");
    assert_eq!(client.send(&allowed, confirm(&calls[0], "allow")).await.0, 400);
    let asked = client.after_turn(create("always_ask"), "/use bash").await;
    let call = client.waiting_for(&asked).await.remove(0);
    assert_eq!(client.send(&asked, tool_result(&call)).await.0, 400, "not confirmed yet");
    assert_eq!(client.send(&asked, confirm(&call, "allow")).await.0, 200);
    assert_eq!(client.waiting_for(&asked).await, [call.as_str()], "now for the result");
    for (id, call) in [(&allowed, &calls[0]), (&asked, &call)] {
        assert_eq!(client.session(id).await["status"], "idle");
        assert_eq!(client.send(id, tool_result(call)).await.0, 200);
        client.settled(id).await;
        assert_eq!(client.last_event(id).await["stop_reason"]["type"], "end_turn");
        assert_eq!(client.send(id, tool_result(call)).await.0, 400, "late");
    }
    let denied = client.after_turn(create("always_ask"), "/use bash").await;
    let call = client.waiting_for(&denied).await.remove(0);
    client.send(&denied, confirm(&call, "deny")).await;
    client.settled(&denied).await;
    assert_eq!(client.last_event(&denied).await["stop_reason"]["type"], "end_turn");
}

#[tokio::test]
async fn seeded_calls_follow_the_policies_of_their_agents() {
    let client = HttpClient::start(fast_turns()).await;
    for number in 1..=14 {
        let id = format!("sesn_{number:02}");
        let events = client.ok(&format!("/v1/sessions/{id}/events")).await;
        let events = events["data"].as_array().unwrap();
        let idle = client.session(&id).await["status"] == "idle";
        let waiting = if idle { client.waiting_for(&id).await } else { Vec::new() };
        for call in events.iter().filter(|event| event["evaluated_permission"] == "ask") {
            let about = |event: &&Value| {
                event["type"] == "user.tool_confirmation" && event["tool_use_id"] == call["id"]
            };
            let open = waiting.iter().any(|open| call["id"] == open.as_str());
            assert_eq!(events.iter().any(|event| about(&event)), !open, "{id}: {call}");
        }
    }
    let call = client.newest("sesn_04", "agent.tool_use").await;
    assert_eq!(call["evaluated_permission"], "ask");
}
