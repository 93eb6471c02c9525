//! The tools as hosts see them: one snapshot each, and what holds for all of them.

use managed_sessions_mcp::cli::Flags;
use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::support::{Host, NOWHERE, every_tool, tool_groups};

/// Keywords that some host is known to reject.
const NOT_PORTABLE: [&str; 7] = ["$ref", "$defs", "oneOf", "allOf", "anyOf", "format", "x-check"];

#[tokio::test]
async fn every_tool_matches_its_snapshot() {
    for tool in Host::with_every_tool(NOWHERE).await.tools().await {
        // As text: insta's own JSON has no numbers of arbitrary precision.
        let shown = serde_json::to_string_pretty(&tool).expect("a tool is JSON");
        insta::assert_snapshot!(tool.name.to_string(), shown);
    }
}

/// Hosts with every combination of tool groups and read-only mode, with a further status.
async fn all_combinations() -> Vec<Host> {
    let groups = tool_groups();
    let mut hosts = Vec::new();
    for chosen in 1..1_usize << groups.len() {
        let chosen = (0..groups.len()).filter(|at| chosen & (1 << at) != 0);
        let chosen: Vec<&str> = chosen.map(|at| groups[at]).collect();
        for read_only in [false, true] {
            let flags = Flags {
                toolsets: Some(chosen.join(",")),
                read_only,
                idle_status: vec!["resting".to_owned()],
                ..every_tool()
            };
            hosts.push(Host::with_flags(flags, NOWHERE).await);
        }
    }
    hosts
}

#[tokio::test]
async fn every_tool_has_annotations_descriptions_and_portable_schemas() {
    let mut hosts = all_combinations().await;
    hosts.push(Host::with_every_tool(NOWHERE).await);
    let mut tools = Vec::new();
    for host in hosts {
        let offered = host.tools().await;
        assert!(!offered.is_empty(), "a combination without tools");
        let filters = filters(&offered);
        tools.extend(offered.into_iter().map(|tool| (tool, filters.clone())));
    }
    for (tool, filters) in tools {
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
        assert!(!(reads(&tool) && hints.destructive_hint == Some(true)), "{name}");

        let input = Value::Object(tool.input_schema.as_ref().clone());
        let output = tool.output_schema.as_ref().expect("an output schema");
        let output = Value::Object(output.as_ref().clone());
        assert_eq!(input["additionalProperties"], false, "{name}");
        for schema in [&input, &output] {
            assert_eq!(schema["type"], "object", "{name}");
            for (property, schema) in schema["properties"].as_object().expect("properties") {
                assert!(schema["type"].is_string(), "{name}.{property} has no type");
            }
            check_portable(schema, name);
        }
        for (property, schema) in input["properties"].as_object().expect("properties") {
            let described = schema["description"].is_string();
            let is_shared = shares_filters(&tool) && filters.contains(property);
            assert_eq!(described, !is_shared, "{name}.{property}");
        }
    }
}

/// The filters of list_sessions, where it is offered.
fn filters(offered: &[Tool]) -> Vec<String> {
    let own = ["order", "limit", "max_scan", "page"];
    let list = offered.iter().find(|tool| tool.name == "list_sessions");
    let properties = list.map(|list| list.input_schema["properties"].clone());
    let names = properties.iter().flat_map(|all| all.as_object().expect("properties").keys());
    names.filter(|name| !own.contains(&name.as_str())).cloned().collect()
}

/// Whether its description sends the reader to list_sessions for what the filters mean.
fn shares_filters(tool: &Tool) -> bool {
    let description = tool.description.as_deref().unwrap_or_default();
    description.ends_with(" Filters as in list_sessions.")
}

#[tokio::test]
async fn filters_are_described_once() {
    let tools = Host::with_every_tool(NOWHERE).await.tools().await;
    let sharing = tools.iter().filter(|tool| shares_filters(tool));
    let sharing: Vec<&str> = sharing.map(|tool| tool.name.as_ref()).collect();
    assert_eq!(sharing, ["plan_changes", "summarize_sessions", "triage_sessions"]);
    for filter in ["uses", "not_title_contains", "not_metadata", "exclude_session_ids"] {
        assert!(filters(&tools).contains(&filter.to_owned()), "{filter}");
        for tool in tools.iter().filter(|tool| shares_filters(tool)) {
            let property = &tool.input_schema["properties"][filter];
            assert!(property["type"].is_string(), "{}.{filter}", tool.name);
        }
    }
    let flags = Flags { disable_tools: Some("list_sessions".to_owned()), ..every_tool() };
    for tool in Host::with_flags(flags, NOWHERE).await.tools().await {
        assert!(!shares_filters(&tool), "{}", tool.name);
        for (property, schema) in tool.input_schema["properties"].as_object().expect("properties") {
            assert!(schema["description"].is_string(), "{}.{property}", tool.name);
        }
    }
}

fn reads(tool: &Tool) -> bool {
    let hints = tool.annotations.as_ref();
    hints.is_some_and(|hints| hints.read_only_hint == Some(true))
}

fn check_portable(schema: &Value, place: &str) {
    match schema {
        Value::Array(values) => values.iter().for_each(|value| check_portable(value, place)),
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                if keyword == "properties" {
                    let properties = value.as_object().expect("properties").values();
                    properties.for_each(|property| check_portable(property, place));
                    continue;
                }
                assert!(!NOT_PORTABLE.contains(&keyword.as_str()), "{place}: {keyword}");
                let types = keyword == "type" && value.is_array();
                assert!(!types, "{place}: an array of types");
                check_portable(value, place);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn read_only_mode_offers_exactly_the_tools_annotated_as_reading() {
    let names = |tools: &[Tool]| tools.iter().map(|tool| tool.name.clone()).collect::<Vec<_>>();
    let mut all = Host::with_every_tool(NOWHERE).await.tools().await;
    all.retain(reads);
    let flags = Flags { read_only: true, ..every_tool() };
    let offered = names(&Host::with_flags(flags, NOWHERE).await.tools().await);
    assert_eq!(offered, names(&all));
    assert!(offered.contains(&"get_session".into()));
    assert!(!offered.contains(&"delete_session".into()));
}

#[tokio::test]
async fn the_list_of_tools_stays_small() {
    let tools = Host::with_every_tool(NOWHERE).await.tools().await;
    let sizes: Vec<(usize, &str)> = tools
        .iter()
        .map(|tool| {
            let shown = json!({
                "name": tool.name, "title": tool.title, "description": tool.description,
                "inputSchema": tool.input_schema,
            });
            (shown.to_string().len(), tool.name.as_ref())
        })
        .collect();
    let total: usize = sizes.iter().map(|(size, _)| size).sum();
    println!("{total} bytes: {sizes:?}");
    assert!(total <= 24_300, "{total} bytes: {sizes:?}");
    let list = serde_json::to_string(&tools).expect("tools are JSON").len();
    assert!(list <= 46_080, "{list} bytes");
}
