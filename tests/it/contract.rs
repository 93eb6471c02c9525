//! Every answer of every tool is what its schema says, with the real program: the same samples
//! that the official clients call.

use std::collections::{BTreeMap, BTreeSet};

use managed_sessions_mcp::cli::Flags;
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, Tool},
    service::RunningService,
    transport::TokioChildProcess,
};
use serde_json::{Map, Value, json};

use crate::support::{Came, Host, came, sandbox};

type Program = RunningService<RoleClient, ()>;

async fn program(folder: &std::path::Path) -> Program {
    let path = env!("CARGO_BIN_EXE_managed-sessions-mcp");
    let mut command = tokio::process::Command::new(path);
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .args(["--sandbox", "--export-dir"])
        .arg(folder);
    let transport = TokioChildProcess::new(command).expect("the program starts");
    ().serve(transport).await.expect("the handshake succeeds")
}

async fn call(program: &Program, tool: &str, arguments: Map<String, Value>) -> Came {
    let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    came(program.call_tool(request).await.expect("no JSON-RPC error"))
}

#[tokio::test]
async fn every_answer_is_what_the_schema_of_its_tool_says() {
    let samples: Map<String, Value> =
        serde_json::from_str(include_str!("samples.json")).expect("samples are JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let program = program(folder.path()).await;
    let tools: BTreeMap<String, Tool> = program
        .list_all_tools()
        .await
        .expect("tools are listed")
        .into_iter()
        .map(|tool| (tool.name.to_string(), tool))
        .collect();
    let names: BTreeSet<&String> = samples.keys().collect();
    assert_eq!(names, tools.keys().collect(), "each tool has its samples");
    let mut plan = Value::Null;
    for (name, cases) in &samples {
        let tool = &tools[name];
        let schema = Value::Object(
            tool.output_schema
                .as_ref()
                .expect("a schema")
                .as_ref()
                .clone(),
        );
        let schema = jsonschema::validator_for(&schema).expect("a valid schema");
        let (mut answered, mut failed) = (0, 0);
        for sample in cases.as_array().expect("an array") {
            let mut arguments = sample["arguments"].as_object().expect("an object").clone();
            if arguments.get("plan_id").is_some_and(|id| *id == "$plan_id") {
                arguments.insert("plan_id".to_owned(), plan.clone());
            }
            let shown = format!("{name} {}", Value::Object(arguments.clone()));
            // That text and structure are the same, `came` sees to.
            match call(&program, name, arguments).await {
                Came::Failure(text, parts) => {
                    assert_eq!(parts["code"], sample["code"], "{shown}: {text}");
                    failed += 1;
                }
                Came::Answer(answer) => {
                    assert_eq!(sample.get("code"), None, "{shown}: {answer}");
                    let wrong: Vec<_> = schema
                        .iter_errors(&answer)
                        .map(|error| error.to_string())
                        .collect();
                    assert!(wrong.is_empty(), "{shown}: {wrong:?}");
                    if let Some(outcome) = sample.get("outcome") {
                        assert_eq!(&answer["outcome"], outcome, "{shown}");
                    }
                    if let Some(id) = answer.get("plan_id") {
                        plan = id.clone();
                    }
                    answered += 1;
                }
            }
        }
        assert!(answered > 0 && failed > 0, "{name}: {answered}, {failed}");
    }
    program.cancel().await.expect("the program ends");
}

/// A value that this schema does not take, and one that it takes in another guise.
fn wrong_and_lenient(schema: &Value) -> (Value, Value) {
    let choice = schema["enum"][0].as_str();
    let least = schema["minimum"].as_i64().unwrap_or(1).max(1);
    match schema["type"].as_str().expect("each argument has a type") {
        "integer" => (json!({"a": 1}), json!(format!(" {least}.0 "))),
        "boolean" => (json!(7), json!(" true ")),
        "array" => {
            let items = &schema["items"];
            let item = match (items["type"].as_str(), items["enum"][0].as_str()) {
                (_, Some(choice)) => json!([choice]),
                (Some("string"), _) => json!(["x"]),
                _ => json!([]),
            };
            (json!(5), json!(item.to_string()))
        }
        "object" => (json!("{broken"), json!("{}")),
        "string" => (json!([1]), choice.map_or(json!(7), |choice| json!(choice))),
        other => panic!("an argument of type {other}"),
    }
}

#[tokio::test]
async fn every_argument_of_the_wrong_type_is_named_in_one_failure() {
    let sandbox = sandbox().await;
    let host = Host::on(&sandbox.base_url()).await;
    for tool in host.tools().await {
        let properties = tool.input_schema["properties"].clone();
        let properties = properties.as_object().expect("properties");
        let mut arguments: Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| (name.clone(), wrong_and_lenient(schema).0))
            .collect();
        arguments.insert("colour".to_owned(), json!("red"));
        let failure = host.call(&tool.name, Value::Object(arguments)).await;
        let text = failure.failure();
        assert!(text.starts_with("invalid_arguments: "), "{text}");
        for name in properties.keys() {
            assert!(text.contains(&format!("{name} was ")), "{name}: {text}");
        }
        assert!(text.contains("\"colour\" is not an argument"), "{text}");
    }
}

#[tokio::test]
async fn every_argument_may_come_in_the_guise_that_models_give_it() {
    let sandbox = sandbox().await;
    let host = Host::on(&sandbox.base_url()).await;
    for tool in host.tools().await {
        let properties = tool.input_schema["properties"].clone();
        for (name, schema) in properties.as_object().expect("properties") {
            let mut arguments = json!({});
            if properties.get("session_id").is_some() {
                arguments["session_id"] = "sesn_nobody".into();
            }
            arguments[name] = wrong_and_lenient(schema).1;
            let shown = format!("{} {arguments}", tool.name);
            if let Came::Failure(text, _) = host.call(&tool.name, arguments).await {
                // Its meaning may be wrong (7 is no time), its type is not.
                assert!(!text.contains(&format!("{name} was ")), "{shown}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn null_is_the_same_as_not_given() {
    let sandbox = sandbox().await;
    let host = Host::with(Flags::default(), &sandbox.base_url()).await;
    let given = json!({"limit": null, "statuses": null, "agent_id": null, "order": null});
    let same = host.call("list_sessions", json!({})).await.answer();
    assert_eq!(host.call("list_sessions", given).await.answer(), same);
    let missing = host.call("get_session", json!({"session_id": null})).await;
    assert!(missing.failure().contains("session_id is missing"));
}
