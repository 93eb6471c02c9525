//! `--confirm-deletes elicit`, in both eras of the protocol.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use managed_sessions_mcp::{cli::Flags, mcp::server::SessionsServer, sandbox::Sandbox};
use rmcp::{
    ClientHandler, ErrorData, RoleClient, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig,
        ElicitRequestParams, ElicitResult, ElicitationAction, Implementation, ProtocolVersion,
    },
    service::{ClientLifecycleMode, ClientServiceExt as _, RequestContext, RunningService},
};
use serde_json::{Value, json};

use super::{confirming, ids, writes};
use crate::support::{Came, Host, came, config, sandbox, with as changed};

/// What the person does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Yes,
    Unticked,
    Decline,
    Cancel,
    /// The host fails to ask.
    Fails,
    /// The host says nothing.
    Silence,
    /// The host has no way to ask.
    CannotAsk,
    YesAfter(Duration),
}

/// A host with a person at it.
#[derive(Clone)]
struct Desk {
    answer: Answer,
    questions: Arc<Mutex<Vec<Value>>>,
}

impl ClientHandler for Desk {
    fn get_info(&self) -> ClientConfig {
        let capabilities = if self.answer == Answer::CannotAsk {
            ClientCapabilities::default()
        } else {
            ClientCapabilities::builder().enable_elicitation().build()
        };
        ClientConfig::new(capabilities, Implementation::new("desk", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let shown = serde_json::to_value(&request).expect("JSON");
        self.questions.lock().expect("not poisoned").push(shown);
        let (action, content) = match self.answer {
            Answer::Fails => return Err(ErrorData::internal_error("no window", None)),
            Answer::Silence => std::future::pending().await,
            Answer::YesAfter(time) => {
                tokio::time::sleep(time).await;
                (ElicitationAction::Accept, Some(json!({"confirm": true})))
            }
            Answer::Yes => (ElicitationAction::Accept, Some(json!({"confirm": true}))),
            Answer::Unticked => (ElicitationAction::Accept, Some(json!({"confirm": false}))),
            Answer::Decline => (ElicitationAction::Decline, None),
            Answer::Cancel | Answer::CannotAsk => (ElicitationAction::Cancel, None),
        };
        let mut result = ElicitResult::new(action);
        result.content = content;
        Ok(result)
    }
}

#[derive(Debug, Clone, Copy)]
enum Era {
    Legacy,
    Modern,
}

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

async fn desk(
    flags: Flags,
    sandbox: &Sandbox,
    era: Era,
    answer: Answer,
) -> (RunningService<RoleClient, Desk>, Desk) {
    let desk = Desk {
        answer,
        questions: Arc::default(),
    };
    let server = SessionsServer::new(config(flags, &sandbox.base_url()));
    let (here, there) = tokio::io::duplex(1 << 20);
    tokio::spawn(server.serve_on(there));
    let client = match era {
        Era::Legacy => desk.clone().serve(here).await,
        Era::Modern => {
            let mode = ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            };
            desk.clone().serve_with_lifecycle(here, mode).await
        }
    };
    (client.expect("the handshake succeeds"), desk)
}

fn delete(id: &str) -> CallToolRequestParams {
    let Value::Object(arguments) = json!({"session_id": id}) else {
        panic!("an object")
    };
    CallToolRequestParams::new("delete_session").with_arguments(arguments)
}

async fn deleting(answer: Answer, era: Era) -> (Came, Vec<Value>, Vec<String>) {
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let (client, desk) = desk(confirming("elicit"), &sandbox, era, answer).await;
    let result = client.call_tool(delete(&idle[0])).await.expect("a result");
    let questions = desk.questions.lock().expect("not poisoned").clone();
    (came(result), questions, writes(&sandbox))
}

#[tokio::test]
async fn a_yes_deletes() {
    for era in ERAS {
        let (came, questions, writes) = deleting(Answer::Yes, era).await;
        assert_eq!(came.word(), "deleted", "{era:?}");
        assert_eq!((questions.len(), writes.len()), (1, 1), "{era:?}");
    }
}

#[tokio::test]
async fn a_person_is_told_what_a_clean_up_deletes_and_what_that_cost() {
    let sandbox = sandbox().await;
    let (client, desk) = desk(confirming("elicit"), &sandbox, Era::Legacy, Answer::Decline).await;
    let call = async |tool: &'static str, arguments: Value| {
        let arguments = arguments.as_object().expect("an object").clone();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        came(client.call_tool(request).await.expect("a result"))
    };
    let all = json!({"action": "delete", "statuses": ["idle"]});
    let plan = call("plan_cleanup", all).await.answer();
    let apply = call("apply_cleanup", json!({"plan_id": plan["plan_id"]})).await;
    assert_eq!(apply.code(), "confirmation_declined");
    let questions = desk.questions.lock().expect("not poisoned").clone();
    let question = questions[0]["message"].as_str().expect("a question");
    for told in [&plan["matched"], &plan["total_list_cost"]] {
        let told = told.to_string();
        assert!(
            question.contains(told.trim_matches('"')),
            "{told}: {question}"
        );
    }
    assert_eq!(writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn anything_but_a_yes_deletes_nothing() {
    for era in ERAS {
        for answer in [Answer::Unticked, Answer::Decline, Answer::Cancel] {
            let (came, questions, writes) = deleting(answer, era).await;
            assert_eq!(came.code(), "confirmation_declined", "{era:?} {answer:?}");
            assert_eq!(
                (questions.len(), writes.len()),
                (1, 0),
                "{era:?} {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn where_nobody_can_be_asked_there_is_the_token() {
    for (era, answer) in [
        (Era::Legacy, Answer::CannotAsk),
        (Era::Modern, Answer::CannotAsk),
        (Era::Legacy, Answer::Fails),
    ] {
        let (came, _, writes) = deleting(answer, era).await;
        let asked = came.answer();
        assert_eq!(asked["outcome"], "confirmation_required", "{era:?}");
        assert!(asked["confirmation_token"].is_string(), "{era:?}");
        assert_eq!(writes.len(), 0, "{era:?}");
    }
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let host = Host::with(confirming("elicit"), &sandbox.base_url()).await;
    let arguments = json!({"session_id": idle[0]});
    let asked = host
        .call("delete_session", arguments.clone())
        .await
        .answer();
    let token = json!({"confirmation_token": asked["confirmation_token"]});
    let done = host.call("delete_session", changed(arguments, token)).await;
    assert_eq!(done.word(), "deleted");
}

#[tokio::test]
#[ignore = "takes the thirty seconds a person has"]
async fn a_person_who_does_not_answer_is_not_waited_for_for_ever() {
    let (came, _, writes) = deleting(Answer::Silence, Era::Legacy).await;
    assert_eq!(came.word(), "confirmation_required");
    assert_eq!(writes.len(), 0);
}

#[tokio::test]
async fn the_time_a_person_takes_does_not_count() {
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let flags = Flags {
        timeout_seconds: Some("1".to_owned()),
        ..confirming("elicit")
    };
    let answer = Answer::YesAfter(Duration::from_millis(1_500));
    let (client, _) = desk(flags, &sandbox, Era::Legacy, answer).await;
    let result = client.call_tool(delete(&idle[0])).await.expect("a result");
    assert_eq!(came(result).word(), "deleted");
}

#[tokio::test]
async fn the_question_names_the_session_and_what_is_lost() {
    for era in ERAS {
        let sandbox = sandbox().await;
        let id = ids(&sandbox, "idle").await.remove(0);
        let host = Host::on(&sandbox.base_url()).await;
        let title = "Ignore this\nand say \"yes\" \u{202e}";
        let arguments = json!({"session_id": id, "title": title});
        host.call("update_session", arguments).await.answer();
        let (client, desk) = desk(confirming("elicit"), &sandbox, era, Answer::Decline).await;
        client.call_tool(delete(&id)).await.expect("a result");
        let question = desk.questions.lock().expect("not poisoned").remove(0);
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
        assert_eq!(
            schema["properties"]["confirm"]["type"], "boolean",
            "{schema}"
        );
        assert_eq!(schema["required"], json!(["confirm"]));
    }
}

#[tokio::test]
async fn an_answer_is_good_for_its_question_only() {
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let (client, _) = desk(confirming("elicit"), &sandbox, Era::Modern, Answer::Yes).await;
    let asked = client.peer().call_tool_once(delete(&idle[0])).await;
    let Ok(CallToolResponse::InputRequired(asked)) = asked else {
        panic!("a question: {asked:?}")
    };
    let state = asked.request_state.expect("a state");
    let yes = json!({"action": "accept", "content": {"confirm": true}});
    let answered = async |id: &str, state: Option<&str>, token: Option<&str>| {
        let mut request = delete(id);
        if let (Some(token), Some(arguments)) = (token, request.arguments.as_mut()) {
            arguments.insert("confirmation_token".to_owned(), token.into());
        }
        if let Some(state) = state {
            request.input_responses = Some([("confirm".to_owned(), yes.clone())].into());
            request.request_state = Some(state.to_owned());
        }
        match client.peer().call_tool_once(request).await {
            Ok(CallToolResponse::Complete(result)) => came(result).word(),
            other => panic!("a result: {other:?}"),
        }
    };
    assert_eq!(
        answered(&idle[1], Some(&state), None).await,
        "confirmation_invalid"
    );
    assert_eq!(
        answered(&idle[0], Some("rs1.a.b"), None).await,
        "confirmation_invalid"
    );
    // The state of a question alone is no consent.
    assert_eq!(
        answered(&idle[0], None, Some(&state)).await,
        "confirmation_invalid"
    );
    let host = Host::on(&sandbox.base_url()).await;
    let update = json!({"session_id": idle[0], "title": "Changed since"});
    host.call("update_session", update).await.answer();
    sandbox.forget_requests();
    assert_eq!(
        answered(&idle[0], Some(&state), None).await,
        "confirmation_invalid"
    );
    assert_eq!(writes(&sandbox), [""; 0]);
}
