//! Every answer of every tool fits the tool's output schema, with the real program and the
//! samples that the official clients call too; and how arguments of the wrong type are read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use managed_sessions_mcp::sandbox::Options;
use rmcp::{ServiceExt as _, model::Tool, transport::TokioChildProcess};
use serde_json::{Map, Value, json};

use crate::{
    program::command,
    reply::Reply,
    support::{Host, request, sandbox, sandbox_with},
};

#[tokio::test]
async fn every_answer_fits_the_output_schema_of_its_tool() {
    let samples: Map<String, Value> =
        serde_json::from_str(include_str!("samples.json")).expect("samples are JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox =
        sandbox_with(Options { turn: Duration::from_millis(400), ..Options::default() }).await;
    let url = sandbox.base_url();
    let environment =
        [("ANTHROPIC_BASE_URL", url.as_str()), ("ANTHROPIC_API_KEY", sandbox.api_key())];
    let path = folder.path().to_str().expect("a plain path");
    let command = command(&["--export-dir", path, "--max-rpm", "60000"], &environment);
    let transport = TokioChildProcess::new(tokio::process::Command::from(command));
    let program = ().serve(transport.expect("the program starts")).await;
    let program = program.expect("the handshake succeeds");
    let tools = program.list_all_tools().await.expect("tools are listed");
    let tools: BTreeMap<String, Tool> =
        tools.into_iter().map(|tool| (tool.name.to_string(), tool)).collect();
    let names: BTreeSet<&String> = samples.keys().collect();
    assert_eq!(names, tools.keys().collect(), "each tool has its samples");
    let mut plan = Value::Null;
    for (name, samples) in &samples {
        let schema = tools[name].output_schema.as_ref().expect("a schema");
        let schema = Value::Object(schema.as_ref().clone());
        let schema = jsonschema::validator_for(&schema).expect("a valid schema");
        let (mut answered, mut failed) = (0, 0);
        for sample in samples.as_array().expect("an array") {
            let mut arguments = sample["arguments"].clone();
            if arguments["plan_id"] == "$plan_id" {
                arguments["plan_id"] = plan.clone();
            }
            let shown = format!("{name} {arguments}");
            let result = program.call_tool(request(name, arguments)).await;
            match Reply::of(result.expect("no JSON-RPC error")) {
                Reply::Failure(text, parts) => {
                    assert_eq!(parts["code"], sample["code"], "{shown}: {text}");
                    failed += 1;
                }
                Reply::Answer(answer) => {
                    assert_eq!(sample.get("code"), None, "{shown}: {answer}");
                    let wrong: Vec<String> =
                        schema.iter_errors(&answer).map(|error| error.to_string()).collect();
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

/// A value of a wrong type for this schema, and a valid one in another form that models give.
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

/// The arguments of a tool with their schemas.
fn properties(tool: &Tool) -> Map<String, Value> {
    let properties = tool.input_schema["properties"].as_object();
    properties.expect("properties").clone()
}

#[tokio::test]
async fn every_argument_of_the_wrong_type_is_named_in_one_failure() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    for tool in host.tools().await {
        let properties = properties(&tool);
        let mut arguments: Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| (name.clone(), wrong_and_lenient(schema).0))
            .collect();
        arguments.insert("colour".to_owned(), json!("red"));
        let text = host.failure(&tool.name, arguments.into()).await;
        assert!(text.starts_with("invalid_arguments: "), "{text}");
        // The result of a tool may be any JSON.
        for name in properties.keys().filter(|name| *name != "result") {
            assert!(text.contains(&format!("{name} was ")), "{name}: {text}");
        }
        assert!(text.contains("\"colour\" is not an argument"), "{text}");
    }
}

#[tokio::test]
async fn every_argument_is_read_in_the_other_forms_that_models_give_it() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    for tool in host.tools().await {
        let properties = properties(&tool);
        for (name, schema) in &properties {
            let mut arguments = json!({});
            if properties.contains_key("session_id") {
                arguments["session_id"] = "sesn_nobody".into();
            }
            arguments[name] = wrong_and_lenient(schema).1;
            let shown = format!("{} {arguments}", tool.name);
            if let Reply::Failure(text, _) = host.call(&tool.name, arguments).await {
                // The value may be wrong (7 is no time), its type is not.
                assert!(!text.contains(&format!("{name} was ")), "{shown}: {text}");
            }
        }
    }
}
