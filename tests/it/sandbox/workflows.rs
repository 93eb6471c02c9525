//! Workflow runs and the agents that may start them.

use managed_sessions_mcp::sandbox::Quirk;
use serde_json::{Value, json};

use super::{HttpClient, endless_turns, fast_turns, interrupt, message, texts};

impl HttpClient {
    async fn run_events(&self, id: &str) -> Value {
        let kinds = "created status_running status_idle status_ended error phase_started \
                     phase_ended";
        let types = kinds.split_whitespace().map(|kind| format!("types[]=workflow_run.{kind}&"));
        self.ok(&format!("/v1/sessions/{id}/events?{}", types.collect::<String>())).await
    }

    /// A session whose agent was told to start a run.
    async fn audit(&self, text: &str) -> String {
        let events = [message(&format!("/workflow {text}"))];
        self.create(json!({"agent": "agent_06", "initial_events": events})).await
    }

    /// The run's event of this type, once there is one.
    async fn run_event(&self, id: &str, kind: &str) -> Value {
        for _ in 0..400 {
            let event = self.newest(id, &format!("workflow_run.{kind}")).await;
            if event.is_object() {
                return event;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{id} never had a workflow_run.{kind}");
    }
}

#[tokio::test]
async fn a_run_keeps_the_session_running_until_it_ends() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.audit("Check every repository").await;
    let session = client.settled(&id).await;
    assert_eq!(session["status"], "idle");
    let events = client.run_events(&id).await;
    assert_eq!(
        texts(&events, "type"),
        [
            "workflow_run.created",
            "workflow_run.status_running",
            "workflow_run.phase_started",
            "workflow_run.phase_ended",
            "workflow_run.phase_started",
            "workflow_run.phase_ended",
            "workflow_run.phase_started",
            "workflow_run.phase_ended",
            "workflow_run.status_ended",
        ]
    );
    let created = &events["data"][0];
    assert_eq!(created["name"], "Check every repository");
    assert_eq!(created["phases"].as_array().unwrap().len(), 3);
    assert_eq!(events["data"][2]["workflow_run_phase_id"], created["phases"][0]["id"]);
    assert_eq!(events["data"][3]["phase_started_id"], events["data"][2]["id"]);
    assert_eq!(events["data"][8]["result"], json!({"type": "completed"}));
    let runs = texts(&events, "workflow_run_id");
    assert!(runs.iter().all(|run| *run == runs[0]));
    let thread = client.ok(&format!("/v1/sessions/{id}/threads")).await["data"][1].clone();
    assert_eq!(thread["workflow_run_id"], runs[0].as_str());
    assert_eq!((&thread["agent"]["type"], thread["agent"].get("id")), (&json!("inline"), None));
    let types = client.event_types(&id).await;
    let place = |kind: &str| types.iter().rposition(|known| known == kind).unwrap();
    assert!(place("agent.message") < place("workflow_run.phase_started"), "the agent was done");
    assert!(place("workflow_run.status_ended") < place("session.status_idle"));
    assert_eq!(types.iter().filter(|kind| *kind == "session.status_idle").count(), 1);
}

#[tokio::test]
async fn an_interrupt_pauses_a_run_and_a_message_resumes_or_stops_it() {
    for (text, result) in
        [("How far are you?", "completed"), ("Please stop all your runs.", "stopped")]
    {
        let client = HttpClient::start(fast_turns()).await;
        let (status, _) = client.send("sesn_18", message(text)).await;
        assert_eq!(status, 200);
        let ended = client.run_event("sesn_18", "status_ended").await;
        assert_eq!(ended["result"]["type"], result, "{text}");
        client.settled("sesn_18").await;
        let types = texts(&client.run_events("sesn_18").await, "type");
        let resumed = types.iter().filter(|kind| *kind == "workflow_run.status_running").count();
        assert_eq!(resumed, if result == "stopped" { 1 } else { 2 });
        let started = types.iter().filter(|kind| *kind == "workflow_run.phase_started").count();
        let left = types.iter().filter(|kind| *kind == "workflow_run.phase_ended").count();
        assert_eq!(started, left, "every phase that was entered has been left");
        let (status, _) = client.post("/v1/sessions/sesn_18/archive", &json!({})).await;
        assert_eq!(status, 200, "no run is open");
    }
}

#[tokio::test]
async fn a_running_run_is_paused_with_the_session() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.audit("Check every repository").await;
    client.run_event(&id, "status_running").await;
    client.send(&id, interrupt()).await;
    assert_eq!(client.session(&id).await["status"], "idle");
    let types = texts(&client.run_events(&id).await, "type");
    assert_eq!(types.last().unwrap(), "workflow_run.status_idle");
    let (status, _) = client.delete(&format!("/v1/sessions/{id}")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn an_open_run_forbids_archiving_deleting_and_other_tools() {
    let client = HttpClient::start(endless_turns()).await;
    let path = "/v1/sessions/sesn_18";
    let archive = "/v1/sessions/sesn_18/archive";
    let session = client.session("sesn_18").await;
    assert_eq!((&session["status"], &session["archived_at"]), (&json!("idle"), &Value::Null));
    for (status, body) in [
        client.post(archive, &json!({})).await,
        client.delete(path).await,
        client.post(path, &json!({"agent": {"tools": []}})).await,
    ] {
        assert_eq!(status, 400, "{body}");
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert_eq!(body["error"]["details"]["error_code"], "workflow_run_open");
    }
    let unchanged = client.session("sesn_18").await;
    assert_eq!(unchanged["updated_at"], session["updated_at"]);
    assert_eq!(unchanged["agent"], session["agent"]);
    assert_eq!(client.post(path, &json!({"title": "Audit"})).await.0, 200);
    client.sandbox.set_quirks([Quirk::EndsRuns]);
    assert_eq!(client.post(archive, &json!({})).await.0, 200);
    let ended = client.run_event("sesn_18", "status_ended").await;
    assert_eq!(ended["result"], json!({"type": "stopped"}));
    assert_eq!(client.last_event("sesn_18").await["type"], "session.status_terminated");
    assert_eq!(client.delete(path).await.0, 200);
}

#[tokio::test]
async fn runs_fail_and_are_refused_with_an_error() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.audit("/fail at once").await;
    client.settled(&id).await;
    let error = client.run_event(&id, "error").await;
    assert_eq!(error["error"]["type"], "program_error");
    let ended = client.run_event(&id, "status_ended").await;
    assert_eq!(ended["result"], json!({"type": "error", "error": error["error"]}));

    let events = [message("/workflow Check")];
    let id = client.create(json!({"agent": "agent_05", "initial_events": events})).await;
    client.settled(&id).await;
    assert!(texts(&client.run_events(&id).await, "type").is_empty(), "no workflows there");
}

#[tokio::test]
async fn multi_agent_agents_are_created_and_checked() {
    let client = HttpClient::start(fast_turns()).await;
    let create = async |multiagent: Value| {
        let body = json!({"name": "Lead", "model": "claude-opus-5-5", "multiagent": multiagent});
        client.post("/v1/agents", &body).await
    };
    let reference = json!({"type": "agent", "id": "agent_01", "version": 7});
    let (status, agent) = create(json!({"type": "coordinator", "agents": ["agent_01"]})).await;
    assert_eq!(status, 200, "{agent}");
    assert_eq!(agent["multiagent"]["agents"], json!([reference]));
    let fields = json!({
        "agent": agent["id"],
        "initial_events": [message("/delegate Release engineer go")],
    });
    let id = client.create(fields).await;
    let session = client.settled(&id).await;
    assert_eq!(session["agent"]["multiagent"]["agents"][0]["name"], "Release engineer");
    assert_eq!(
        client.ok(&format!("/v1/sessions/{id}/threads")).await["data"][1]["agent"]["id"],
        "agent_01"
    );

    let (status, agent) = create(json!({"type": "multiagent_20261001", "subagents": null})).await;
    assert_eq!(status, 200, "{agent}");
    let enabled = json!({
        "type": "enabled",
        "inline_agents": {"type": "enabled"},
        "predefined_agents": [],
    });
    assert_eq!(agent["multiagent"]["subagents"], enabled);
    assert_eq!(agent["multiagent"]["workflows"], enabled);
    assert_eq!(agent["multiagent"]["advisor"], json!({"type": "disabled"}));
    let fields = json!({"agent": agent["id"], "initial_events": [message("/delegate scout look")]});
    let id = client.create(fields).await;
    client.settled(&id).await;
    let thread = client.ok(&format!("/v1/sessions/{id}/threads")).await["data"][1].clone();
    assert_eq!(
        (&thread["agent"]["type"], &thread["agent"]["name"]),
        (&json!("inline"), &json!("scout"))
    );

    let disabled = json!({"type": "disabled"});
    for (multiagent, part) in [
        (json!({"type": "swarm"}), "multiagent.type"),
        (json!({"type": "coordinator"}), "multiagent.agents"),
        (json!({"type": "coordinator", "agents": []}), "multiagent.agents"),
        (json!({"type": "coordinator", "agents": ["agent_05"]}), "multiagent.agents.0"),
        (json!({"type": "coordinator", "agents": ["agent_01", reference]}), "multiagent.agents.1"),
        (json!({"type": "multiagent_20261001", "agents": []}), "multiagent.agents"),
        (
            json!({"type": "multiagent_20261001", "workflows": {"type": "enabled", "inline_agents": disabled}}),
            "multiagent.workflows.predefined_agents",
        ),
        (
            json!({"type": "multiagent_20261001", "advisor": {"type": "enabled"}}),
            "multiagent.advisor.model",
        ),
    ] {
        let (status, body) = create(multiagent).await;
        assert_eq!(status, 400, "{body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(part), "{message}");
    }
    let (status, _) = create(json!({"type": "coordinator", "agents": ["agent_x"]})).await;
    assert_eq!(status, 404);
}
