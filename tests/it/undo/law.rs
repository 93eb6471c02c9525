//! For any tools and any change of them: what undoes it restores the session exactly.

use std::cell::Cell;

use proptest::{collection::vec, option, prelude::*, sample::Index, test_runner::TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    plain::Plain,
    reply::Reply,
    support::{Host, with_fields},
};

const SESSION: &str = "sesn_01";
const BUILT_IN: &str = "agent_toolset_20260401";
/// Names with dots, one the beginning of another, and one that is a tool's name too.
const SERVERS: [&str; 4] = ["linear", "a", "a.b", "bash"];
const CUSTOM: [&str; 3] = ["lookup_order", "linear", "notify"];

fn config(name: &'static str) -> BoxedStrategy<Value> {
    let policy = prop_oneof![Just("always_allow"), Just("always_ask"), Just("auto")];
    let domains = Just(json!(["docs.example.com", "Example.org"]));
    let sources = Just(json!({"user_input": "all"}));
    (option::of(any::<bool>()), option::of(policy), option::of(domains), option::of(sources))
        .prop_map(move |(enabled, policy, domains, sources)| {
            let mut config = json!({});
            if !name.is_empty() {
                config["name"] = name.into();
            }
            if let Some(enabled) = enabled {
                config["enabled"] = enabled.into();
            }
            if let Some(policy) = policy {
                config["permission_policy"] = json!({"type": policy});
            }
            if let (true, Some(domains)) = (name == "web_fetch", domains) {
                config["allowed_domains"] = domains;
            }
            if let (true, Some(sources)) = (name == "web_fetch", sources) {
                config["url_sources"] = sources;
            }
            config
        })
        .boxed()
}

fn toolset(entry: Value, tools: [&'static str; 3]) -> BoxedStrategy<Value> {
    let configs = tools.map(|tool| option::of(config(tool)));
    let configs = configs.prop_map(|all| all.into_iter().flatten().collect::<Vec<_>>());
    (option::of(config("")), option::of(configs.prop_shuffle()))
        .prop_map(move |(default, configs)| {
            let mut entry = entry.clone();
            if let Some(default) = default {
                entry["default_config"] = default;
            }
            if let Some(configs) = configs {
                entry["configs"] = configs.into();
            }
            entry
        })
        .boxed()
}

/// Tools and servers that an agent may have.
fn state() -> BoxedStrategy<(Vec<Value>, Vec<Value>)> {
    let server = |name: &'static str| {
        let tools = json!({"type": "mcp_toolset", "mcp_server_name": name});
        let url = prop_oneof![Just("https://x.example/mcp"), Just("https://y.example")];
        let server = url.prop_map(move |url| json!({"type": "url", "name": name, "url": url}));
        option::weighted(0.4, (server, option::of(toolset(tools, ["b", "b.c", "c"]))))
    };
    let custom = |name: &'static str| {
        let text = prop_oneof![Just("Finds it."), Just("Looks it up.")];
        let schema = prop_oneof![
            Just(json!({"type": "object"})),
            Just(json!({"type": "object", "properties": {"n": {"maximum": 1.5}}}))
        ];
        let tool = (text, schema).prop_map(move |(text, schema)| {
            json!({"type": "custom", "name": name, "description": text, "input_schema": schema})
        });
        option::of(tool)
    };
    let built_in = toolset(json!({"type": BUILT_IN}), ["bash", "read", "web_fetch"]);
    (SERVERS.map(server), CUSTOM.map(custom), option::weighted(0.8, built_in))
        .prop_flat_map(|(servers, custom, built_in)| {
            let (servers, toolsets): (Vec<_>, Vec<_>) = servers.into_iter().flatten().unzip();
            let tools: Vec<Value> = built_in
                .into_iter()
                .chain(toolsets.into_iter().flatten())
                .chain(custom.into_iter().flatten())
                .collect();
            (Just(tools).prop_shuffle(), Just(servers).prop_shuffle())
        })
        .boxed()
}

#[derive(Debug, Clone)]
struct Case {
    now: (Vec<Value>, Vec<Value>),
    given: (Vec<Value>, Vec<Value>),
    /// Which arrays are given, and whether as the whole new value.
    gives: [bool; 2],
    replaces: bool,
    removes: [Vec<Index>; 3],
    /// Whether the undo of the preview is taken, or that of the change itself.
    previews: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let picks = || vec(any::<Index>(), 0..2);
    let removes = [picks(), picks(), picks()];
    (state(), state(), any::<[bool; 2]>(), any::<bool>(), removes, any::<bool>()).prop_map(
        |(now, given, gives, replaces, removes, previews)| Case {
            now,
            given,
            gives,
            replaces,
            removes,
            previews,
        },
    )
}

impl Case {
    fn arguments(&self) -> Value {
        let mut arguments = json!({"session_id": SESSION});
        let [tools, servers] = self.gives;
        if self.replaces {
            arguments["mode"] = "replace".into();
        }
        let names = |entries: &[Value], picks: &[Index], keys: &[&str]| -> Value {
            let picked = picks.iter().filter(|_| !entries.is_empty());
            let entries = picked.map(|pick| pick.get(entries));
            entries
                .filter_map(|entry| keys.iter().find_map(|key| entry.get(*key)))
                .cloned()
                .collect()
        };
        let keys = ["mcp_server_name", "name", "type"];
        if tools {
            arguments["tools"] = self.given.0.clone().into();
        }
        if !tools || !self.replaces {
            arguments["remove_tools"] = names(&self.now.0, &self.removes[0], &keys);
        }
        if servers {
            arguments["mcp_servers"] = self.given.1.clone().into();
        } else {
            arguments["remove_mcp_servers"] = names(&self.now.1, &self.removes[1], &["name"]);
        }
        let configs: Vec<Value> = self.now.0.iter().flat_map(config_names).collect();
        let picks = self.removes[2].iter().filter(|_| !configs.is_empty());
        arguments["remove_configs"] = picks.map(|pick| pick.get(&configs).clone()).collect();
        arguments
    }
}

fn config_names(entry: &Value) -> Vec<Value> {
    let configs = entry["configs"].as_array().into_iter().flatten();
    let name = |config: &Value| match entry["mcp_server_name"].as_str() {
        Some(server) => format!("{server}.{}", config["name"].as_str().expect("a name")).into(),
        None => config["name"].clone(),
    };
    configs.map(name).collect()
}

struct World {
    plain: Plain,
    host: Host,
}

impl World {
    async fn new() -> Self {
        let plain = Plain::new().await;
        let host = Host::new(&plain.sandbox.base_url()).await;
        Self { plain, host }
    }

    async fn set(&self, (tools, servers): &(Vec<Value>, Vec<Value>)) {
        let body = json!({"agent": {"tools": tools, "mcp_servers": servers}});
        self.plain.ask(&format!("sessions/{SESSION}"), Some(&body)).await;
    }

    /// `agent.tools` and `agent.mcp_servers`, as the API shows them.
    async fn shown(&self) -> [Value; 2] {
        let session = self.plain.ask(&format!("sessions/{SESSION}"), None).await;
        ["tools", "mcp_servers"].map(|field| session["agent"][field].clone())
    }

    async fn update(&self, arguments: &Value) -> Reply {
        self.host.call("update_session_tools", arguments.clone()).await
    }
}

#[derive(Default)]
struct Seen {
    refused: Cell<u32>,
    unchanged: Cell<u32>,
    undone: Cell<u32>,
    left_out: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

async fn check(world: &World, case: &Case, seen: &Seen) {
    world.set(&case.now).await;
    let arguments = case.arguments();
    let before = world.shown().await;
    let preview = if case.previews {
        let dry = with_fields(arguments.clone(), json!({"dry_run": true}));
        Some(world.update(&dry).await)
    } else {
        None
    };
    let reply = world.update(&arguments).await;
    if reply.outcome() == "invalid_toolset" {
        assert_eq!(world.shown().await, before, "a refusal changes nothing");
        return count(&seen.refused);
    }
    let (preview, answer) = (preview.map(Reply::answer), reply.answer());
    assert!(answer.to_string().chars().count() < 40_000);
    if answer["outcome"] == "unchanged" {
        assert_eq!(answer.get("undo"), None);
        return count(&seen.unchanged);
    }
    let after = world.shown().await;
    let undo = &preview.as_ref().unwrap_or(&answer)["undo"];
    if undo.is_null() {
        let warnings = answer["warnings"].to_string();
        assert!(warnings.contains("undo is left out") || before == after, "{answer}");
        return count(&seen.left_out);
    }
    let undone = world.update(undo).await.answer();
    assert_eq!(world.shown().await, before, "{arguments}: {undo}");
    let redo = &undone["undo"];
    world.update(redo).await.answer();
    assert_eq!(world.shown().await, after, "{arguments}: {redo}");
    count(&seen.undone);
}

#[test]
fn every_undo_restores_the_session_exactly_and_can_be_undone() {
    check_cases(160);
}

#[test]
#[ignore = "takes minutes; scripts/deep-check runs it"]
fn every_undo_of_thousands_restores_the_session_exactly() {
    check_cases(5_000);
}

fn check_cases(cases: u32) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::new());
    let seen = Seen::default();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let run = TestRunner::new(config).run(&case(), |case| {
        let check = std::panic::AssertUnwindSafe(|| runtime.block_on(check(&world, &case, &seen)));
        let result = std::panic::catch_unwind(check);
        result.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            TestCaseError::fail(text.unwrap_or_default())
        })
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
    let Seen { refused, unchanged, undone, left_out } = seen;
    let [refused, unchanged, undone, left_out] =
        [refused, unchanged, undone, left_out].map(|cell| cell.get());
    let seen =
        format!("{refused} refused, {unchanged} unchanged, {undone} undone, {left_out} without");
    assert!(undone > cases / 3, "{seen}");
    assert_eq!(left_out, 0, "{seen}");
}
