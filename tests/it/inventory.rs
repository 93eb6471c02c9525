//! The contract as hosts see it: one snapshot a tool, and what holds for all of them.

use managed_sessions_mcp::{cli::Flags, mcp::settings::ToolGroup};
use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::support::Host;

/// Nothing listens here: an inventory needs no API.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn each_tool_is_what_its_snapshot_says() {
    for tool in Host::on(NOWHERE).await.tools().await {
        // Through text: insta's own JSON does not know numbers of arbitrary precision.
        let shown = serde_json::to_string_pretty(&tool).expect("a tool is JSON");
        insta::assert_snapshot!(tool.name.to_string(), shown);
    }
}

/// Hosts with every combination of toolsets, read-only mode and further statuses.
async fn all_combinations() -> Vec<Host> {
    let names = ToolGroup::ALL.map(ToolGroup::name);
    let mut hosts = Vec::new();
    for chosen in 1..1_usize << names.len() {
        let toolsets: Vec<&str> = (names.iter().enumerate())
            .filter(|(at, _)| chosen & (1 << at) != 0)
            .map(|(_, name)| *name)
            .collect();
        for read_only in [false, true] {
            let flags = Flags {
                toolsets: Some(toolsets.join(",")),
                read_only,
                idle_status: vec!["resting".to_owned()],
                ..Flags::default()
            };
            hosts.push(Host::with(flags, NOWHERE).await);
        }
    }
    hosts
}

#[tokio::test]
async fn every_tool_says_all_that_hosts_look_at() {
    let mut tools = Host::on(NOWHERE).await.tools().await;
    for host in all_combinations().await {
        let offered = host.tools().await;
        assert!(!offered.is_empty(), "a combination without tools");
        tools.extend(offered);
    }
    for tool in tools {
        let name = &tool.name;
        assert!(name.len() <= 30, "{name}");
        assert!(tool.title.is_some() && tool.description.is_some(), "{name}");
        let hints = tool.annotations.as_ref().expect("annotations");
        let all = [
            hints.read_only_hint,
            hints.destructive_hint,
            hints.idempotent_hint,
            hints.open_world_hint,
        ];
        assert!(all.iter().all(Option::is_some), "{name}: {all:?}");
        assert_eq!(hints.open_world_hint, Some(true), "{name}");
        let reads = hints.read_only_hint == Some(true);
        assert!(!(reads && hints.destructive_hint == Some(true)), "{name}");

        let input = Value::Object(tool.input_schema.as_ref().clone());
        assert_eq!(input["type"], "object", "{name}");
        assert_eq!(input["additionalProperties"], false, "{name}");
        for (property, schema) in input["properties"].as_object().expect("properties") {
            assert!(
                schema["description"].is_string(),
                "{name}.{property} has no description"
            );
            assert!(schema["type"].is_string(), "{name}.{property} has no type");
        }
        let output = Value::Object(
            tool.output_schema
                .expect("an output schema")
                .as_ref()
                .clone(),
        );
        assert_eq!(output["type"], "object", "{name}");
        for (property, schema) in output["properties"].as_object().expect("properties") {
            assert!(schema["type"].is_string(), "{name}: {property} has no type");
        }
        for schema in [&input, &output] {
            portable(schema, name);
        }
    }
}

/// Nothing that hosts are known to refuse.
fn portable(schema: &Value, place: &str) {
    match schema {
        Value::Array(values) => values.iter().for_each(|value| portable(value, place)),
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                let refused = [
                    "$ref", "$defs", "oneOf", "allOf", "anyOf", "format", "x-check",
                ];
                assert!(!refused.contains(&keyword.as_str()), "{place}: {keyword}");
                assert!(
                    !(keyword == "type" && value.is_array()),
                    "{place}: a type array"
                );
                portable(value, place);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn read_only_leaves_exactly_the_tools_that_say_they_read() {
    let all = Host::on(NOWHERE).await.tools().await;
    let reads = |tool: &&Tool| {
        tool.annotations
            .as_ref()
            .is_some_and(|hints| hints.read_only_hint == Some(true))
    };
    let expected: Vec<_> = all
        .iter()
        .filter(reads)
        .map(|tool| tool.name.clone())
        .collect();
    let flags = Flags {
        read_only: true,
        ..Flags::default()
    };
    let left = Host::with(flags, NOWHERE).await.tools().await;
    let left: Vec<_> = left.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(left, expected);
    assert!(left.contains(&"get_session".into()) && !left.contains(&"delete_session".into()));
}

#[tokio::test]
async fn what_a_model_pays_for_all_tools_stays_small() {
    let tools = Host::on(NOWHERE).await.tools().await;
    let shown = |tool: &Tool| {
        json!({
            "name": tool.name, "title": tool.title, "description": tool.description,
            "inputSchema": tool.input_schema,
        })
        .to_string()
        .len()
    };
    let sizes: Vec<_> = tools
        .iter()
        .map(|tool| (shown(tool), tool.name.clone()))
        .collect();
    let total: usize = sizes.iter().map(|(size, _)| size).sum();
    println!("{total} bytes: {sizes:?}");
    assert!(total <= 16_000, "{total} bytes: {sizes:?}");
    let list = serde_json::to_string(&tools).expect("tools are JSON").len();
    assert!(list <= 40_000, "{list} bytes");
}
