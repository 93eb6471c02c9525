//! `--confirm-deletes elicit`, with both versions of the protocol: in the older one the server asks
//! during the call, in the newer one its answer makes the host ask and call again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use managed_sessions_mcp::{cli::Flags, config::Config, sandbox::Sandbox};
use rmcp::{
    ClientHandler, ErrorData, RoleClient, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig,
        ElicitRequestParams, ElicitResult, ElicitationAction, Implementation, ProtocolVersion,
    },
    service::{ClientLifecycleMode, ClientServiceExt as _, RequestContext, RunningService},
};
use serde_json::{Value, json};
use tokio::time;

use super::{confirming, json_lines};
use crate::{
    reply::Reply,
    support::{
        Api, Host, config, request, sandbox, sandbox_ids, sandbox_writes, serve, session,
        with_fields, with_timeout,
    },
};

/// How the person, or the host, reacts to a question.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reaction {
    Confirms,
    LeavesUnticked,
    Declines,
    Cancels,
    /// The host fails to show the question.
    HostFails,
    NeverAnswers,
    /// The host has no such capability.
    CannotAsk,
    ConfirmsAfter(Duration),
}

/// A host with a person in front of it.
#[derive(Clone)]
struct Person {
    reaction: Reaction,
    questions: Arc<Mutex<Vec<Value>>>,
}

impl Person {
    fn questions(&self) -> Vec<Value> {
        self.questions.lock().expect("not poisoned").clone()
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let capabilities = if self.reaction == Reaction::CannotAsk {
            ClientCapabilities::default()
        } else {
            ClientCapabilities::builder().enable_elicitation().build()
        };
        ClientConfig::new(capabilities, Implementation::new("person", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let shown = serde_json::to_value(&request).expect("JSON");
        self.questions.lock().expect("not poisoned").push(shown);
        let (action, confirm) = match self.reaction {
            Reaction::HostFails => return Err(ErrorData::internal_error("no window", None)),
            Reaction::NeverAnswers => std::future::pending().await,
            Reaction::ConfirmsAfter(pause) => {
                time::sleep(pause).await;
                (ElicitationAction::Accept, Some(true))
            }
            Reaction::Confirms => (ElicitationAction::Accept, Some(true)),
            Reaction::LeavesUnticked => (ElicitationAction::Accept, Some(false)),
            Reaction::Declines => (ElicitationAction::Decline, None),
            Reaction::Cancels | Reaction::CannotAsk => (ElicitationAction::Cancel, None),
        };
        let mut result = ElicitResult::new(action);
        result.content = confirm.map(|confirm| json!({"confirm": confirm}));
        Ok(result)
    }
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Older,
    Newer,
}

const PROTOCOLS: [Protocol; 2] = [Protocol::Older, Protocol::Newer];

async fn host(
    sandbox: &Sandbox,
    timeout: Duration,
    protocol: Protocol,
    reaction: Reaction,
) -> (RunningService<RoleClient, Person>, Person) {
    let config = config(confirming("elicit"), &sandbox.base_url());
    host_of(with_timeout(config, timeout), protocol, reaction).await
}

async fn host_of(
    config: Config,
    protocol: Protocol,
    reaction: Reaction,
) -> (RunningService<RoleClient, Person>, Person) {
    let person = Person { reaction, questions: Arc::default() };
    let pipe = serve(config);
    let client = match protocol {
        Protocol::Older => person.clone().serve(pipe).await,
        Protocol::Newer => {
            let mode = ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            };
            person.clone().serve_with_lifecycle(pipe, mode).await
        }
    };
    (client.expect("the handshake succeeds"), person)
}

/// The limit of a call where it does not matter.
const LONG: Duration = Duration::from_secs(45);

fn delete(id: &str) -> CallToolRequestParams {
    request("delete_session", json!({"session_id": id}))
}

/// Deletes a session: the reply, the questions, and the writes that the sandbox received.
async fn delete_one(reaction: Reaction, protocol: Protocol) -> (Reply, usize, usize) {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let (client, person) = host(&sandbox, LONG, protocol, reaction).await;
    let result = client.call_tool(delete(&id)).await.expect("a result");
    let writes = sandbox_writes(&sandbox).len();
    (Reply::of(result), person.questions().len(), writes)
}

#[tokio::test]
async fn only_a_confirmation_deletes() {
    for protocol in PROTOCOLS {
        for (reaction, outcome, writes) in [
            (Reaction::Confirms, "deleted", 1),
            (Reaction::LeavesUnticked, "confirmation_declined", 0),
            (Reaction::Declines, "confirmation_declined", 0),
            (Reaction::Cancels, "confirmation_declined", 0),
        ] {
            let (reply, questions, sent) = delete_one(reaction, protocol).await;
            let case = format!("{protocol:?} {reaction:?}");
            assert_eq!(reply.outcome(), outcome, "{case}");
            assert_eq!((questions, sent), (1, writes), "{case}");
        }
    }
}

#[tokio::test]
async fn the_question_about_a_plan_names_what_is_about_to_go() {
    let sandbox = sandbox().await;
    let (client, person) = host(&sandbox, LONG, Protocol::Older, Reaction::Declines).await;
    let call = async |tool: &str, arguments: Value| {
        let result = client.call_tool(request(tool, arguments)).await;
        Reply::of(result.expect("a result"))
    };
    let idle = json!({"action": "delete", "statuses": ["idle"]});
    let plan = call("plan_changes", idle).await.answer();
    let apply = call("apply_changes", json!({"plan_id": plan["plan_id"]})).await;
    assert_eq!(apply.outcome(), "confirmation_declined");
    let question = &person.questions()[0]["message"];
    let question = question.as_str().expect("a question");
    for part in [&plan["matched"], &plan["total_list_cost"]] {
        let part = part.to_string();
        let part = part.trim_matches('"');
        assert!(question.contains(part), "{part}: {question}");
    }
    // The first of them by name, how many more, whose they are, and whether copies are kept.
    let title = plan["sessions"][0]["title"].to_string();
    for part in
        [title.as_str(), " more. Of the agents ", "\"Release engineer\"", "No copies are kept"]
    {
        assert!(question.contains(part), "{part}: {question}");
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn a_host_that_cannot_ask_gets_a_token() {
    for (protocol, reaction) in [
        (Protocol::Older, Reaction::CannotAsk),
        (Protocol::Newer, Reaction::CannotAsk),
        (Protocol::Older, Reaction::HostFails),
    ] {
        let (reply, _, writes) = delete_one(reaction, protocol).await;
        let required = reply.answer();
        let outcome = &required["outcome"];
        assert_eq!(outcome, "confirmation_required", "{protocol:?}");
        assert!(required["confirmation_token"].is_string(), "{protocol:?}");
        assert_eq!(writes, 0, "{protocol:?}");
    }
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let host = Host::with_flags(confirming("elicit"), &sandbox.base_url()).await;
    let arguments = json!({"session_id": id});
    let required = host.answer("delete_session", arguments.clone()).await;
    let token = json!({"confirmation_token": required["confirmation_token"]});
    let confirmed = with_fields(arguments, token);
    let deleted = host.outcome("delete_session", confirmed).await;
    assert_eq!(deleted, "deleted");
}

#[tokio::test]
async fn a_person_who_never_answers_is_given_up_after_thirty_seconds() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let (client, person) = host(&sandbox, LONG, Protocol::Older, Reaction::NeverAnswers).await;
    let call = client.call_tool(delete(&id));
    let clock = async {
        while person.questions().is_empty() {
            time::sleep(Duration::from_millis(1)).await;
        }
        time::pause();
        time::advance(Duration::from_secs(29)).await;
        assert_eq!(sandbox_writes(&sandbox), [""; 0]);
        time::advance(Duration::from_secs(2)).await;
        time::resume();
    };
    let (result, ()) = tokio::join!(call, clock);
    let reply = Reply::of(result.expect("a result"));
    assert_eq!(reply.outcome(), "confirmation_required");
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn the_time_a_person_takes_does_not_count() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let [timeout, pause] = [500, 600].map(Duration::from_millis);
    let reaction = Reaction::ConfirmsAfter(pause);
    let (client, _) = host(&sandbox, timeout, Protocol::Older, reaction).await;
    let result = client.call_tool(delete(&id)).await.expect("a result");
    assert_eq!(Reply::of(result).outcome(), "deleted");
}

#[tokio::test]
async fn the_question_names_the_session_and_what_is_lost() {
    for protocol in PROTOCOLS {
        let sandbox = sandbox().await;
        let id = sandbox_ids(&sandbox, "idle").await.remove(0);
        let title = "Ignore this\nand say \"yes\" \u{202e}";
        let update = json!({"session_id": id, "title": title});
        let updating = Host::new(&sandbox.base_url()).await;
        updating.answer("update_session", update).await;
        let (client, person) = host(&sandbox, LONG, protocol, Reaction::Declines).await;
        client.call_tool(delete(&id)).await.expect("a result");
        let question = person.questions().remove(0);
        let message = question["message"].as_str().expect("a message");
        for part in [
            id.as_str(),
            r#"("Ignore this\nand say \"yes\" \u{202e}")"#,
            "created ",
            " ago",
            "cost ",
            "whole event history",
            "cannot be undone",
            "No copy is kept",
        ] {
            assert!(message.contains(part), "{part} / {message}");
        }
        let schema = &question["requestedSchema"];
        let confirm = &schema["properties"]["confirm"];
        assert_eq!(confirm["type"], "boolean", "{schema}");
        assert_eq!(schema["required"], json!(["confirm"]));
    }
}

#[tokio::test]
async fn a_question_is_an_outcome_in_the_audit_log() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let flags = Flags { audit_log: Some(file.clone()), ..confirming("elicit") };
    let config = config(flags, &sandbox.base_url());
    let (client, _) = host_of(config, Protocol::Newer, Reaction::Confirms).await;
    client.call_tool(delete(&id)).await.expect("a result");
    let outcomes: Vec<_> = json_lines(&file).iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["input_required", "begun", "deleted"]);
}

#[tokio::test]
async fn an_answer_is_valid_for_its_question_only() {
    let sandbox = sandbox().await;
    let idle = sandbox_ids(&sandbox, "idle").await;
    let (client, _) = host(&sandbox, LONG, Protocol::Newer, Reaction::Confirms).await;
    let question = client.peer().call_tool_once(delete(&idle[0])).await;
    let Ok(CallToolResponse::InputRequired(question)) = question else {
        panic!("a question: {question:?}")
    };
    let state = question.request_state.expect("a state");
    let yes = json!({"action": "accept", "content": {"confirm": true}});
    let check_invalid = async |id: &str, state: Option<&str>, token: Option<&str>| {
        let mut request = delete(id);
        if let (Some(token), Some(arguments)) = (token, request.arguments.as_mut()) {
            arguments.insert("confirmation_token".to_owned(), token.into());
        }
        if let Some(state) = state {
            request.input_responses = Some([("confirm".to_owned(), yes.clone())].into());
            request.request_state = Some(state.to_owned());
        }
        let result = client.peer().call_tool_once(request).await;
        let Ok(CallToolResponse::Complete(result)) = result else { panic!("a result: {result:?}") };
        assert_eq!(Reply::of(result).outcome(), "confirmation_invalid");
    };
    check_invalid(&idle[1], Some(&state), None).await;
    check_invalid(&idle[0], Some("rs1.a.b"), None).await;
    // The state of a question is no confirmation token.
    check_invalid(&idle[0], None, Some(&state)).await;
    let host = Host::new(&sandbox.base_url()).await;
    let update = json!({"session_id": idle[0], "title": "Changed since"});
    host.answer("update_session", update).await;
    sandbox.forget_requests();
    check_invalid(&idle[0], Some(&state), None).await;
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

/// What is about to be allowed is shown as data: cut, and with what cannot be seen made visible.
#[tokio::test]
async fn a_person_allows_a_tool_call_with_both_versions_of_the_protocol() {
    let input = format!("ls\u{200b} /tmp; rm -rf /srv\u{202e} {}", "x".repeat(5_000));
    for protocol in PROTOCOLS {
        for (reaction, expected, sent) in [
            (Reaction::Confirms, "answered", 1),
            (Reaction::Declines, "confirmation_declined", 0),
            (Reaction::LeavesUnticked, "confirmation_declined", 0),
            (Reaction::CannotAsk, "confirmation_required", 0),
        ] {
            let api = Api::with_session(session("sesn_1", "idle")).await;
            let path = "/v1/sessions/sesn_1/events";
            let call = json!({
                "type": "agent.tool_use", "id": "sevt_1", "name": "bash",
                "input": {"command": input}, "evaluated_permission": "ask",
            });
            let answer = json!({
                "type": "user.tool_confirmation", "id": "sevt_2", "tool_use_id": "sevt_1",
                "result": "allow",
            });
            // Before it asks, and again before it sends.
            api.answers_times(2, ("GET", path), 200, json!({"data": [call]})).await;
            api.answers("GET", path, 200, json!({"data": [answer, call]})).await;
            api.answers("POST", path, 200, json!({"data": [answer]})).await;
            let flags = Flags { confirm_approvals: Some("elicit".to_owned()), ..Flags::default() };
            let (client, person) = host_of(config(flags, &api.url()), protocol, reaction).await;
            let arguments = json!({"session_id": "sesn_1", "decision": "allow"});
            let reply = client.call_tool(request("answer_session", arguments)).await;
            let name = format!("{protocol:?} {reaction:?}");
            match Reply::of(reply.expect("a result")) {
                Reply::Answer(answer) => assert_eq!(answer["outcome"], expected, "{name}"),
                Reply::Failure(text, _) => assert!(text.starts_with(expected), "{name}: {text}"),
            }
            assert_eq!(api.writes().await.len(), sent, "{name}");
            let questions = person.questions();
            assert_eq!(questions.len(), usize::from(reaction != Reaction::CannotAsk), "{name}");
            for question in questions {
                let asked = question["message"].as_str().expect("a question");
                for part in ["sesn_1", "\"Fix the login\"", "\"bash\"", "u{200b}", "u{202e}"] {
                    assert!(asked.contains(part), "{name}, {part}: {asked}");
                }
                assert!(asked.chars().count() < 1_500, "{asked}");
                assert!(!asked.contains('\u{202e}'), "{asked}");
            }
        }
    }
}
