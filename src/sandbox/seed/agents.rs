//! The agents and environments that seeded sessions are made from.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::super::{
    agent::{Agent, Environment, Prompt},
    world::World,
};

const DAY: u64 = 24 * 60 * 60;

/// The agents by the part they play.
#[derive(Debug)]
pub(in super::super) struct Cast {
    pub(in super::super) release: Arc<Agent>,
    pub(in super::super) triage: Arc<Agent>,
    pub(in super::super) research: Arc<Agent>,
    /// The one with the 100 KB system prompt.
    pub(in super::super) policy: Arc<Agent>,
    /// The one with further agents to call.
    pub(in super::super) crew: Arc<Agent>,
}

/// Makes all agents and environments known.
pub(in super::super) fn cast(world: &mut World) -> Cast {
    let now = world.pace.clock.stamp();
    let created = now.minus(Duration::from_secs(200 * DAY));
    for (id, name) in [
        ("env_01", "default"),
        ("env_02", "data tools"),
        ("env_03", "legacy"),
    ] {
        if let Ok(environment) = Environment::create(id.to_owned(), &json!({"name": name}), created)
        {
            let archived = id == "env_03";
            world.add_environment(if archived {
                environment.archived(now)
            } else {
                environment
            });
        }
    }
    let mut make = |id: &str, version: u64, body: &Value, finish: &dyn Fn(&mut Agent)| {
        // The bodies below are constant; a test proves that they are accepted.
        let mut agent = Agent::create(id, body).unwrap_or_else(|_| Agent::blank(id));
        agent.version = version;
        finish(&mut agent);
        world.add_agent(agent, created)
    };
    let release = make("agent_01", 7, &release(), &|_| {});
    let research = make("agent_03", 2, &research(), &|_| {});
    let members = json!([release.as_thread(), research.as_thread()]);
    Cast {
        triage: make("agent_02", 3, &triage(), &|_| {}),
        policy: make("agent_04", 1, &policy(), &|agent| {
            agent.system = Prompt::new(&handbook());
        }),
        crew: make("agent_05", 4, &crew(), &|agent| {
            agent.multiagent = Some(json!({"type": "coordinator", "agents": members}));
        }),
        release,
        research,
    }
}

fn release() -> Value {
    json!({
        "name": "Release engineer",
        "description": "Keeps builds green and ships what is ready",
        "model": "claude-opus-5-5",
        "system": "You look after builds and releases. Ask before anything reaches production.",
        "tools": [{
            "type": "agent_toolset_20260401",
            "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}],
        }],
    })
}

fn triage() -> Value {
    json!({
        "name": "Support triage",
        "description": "Sorts what comes in and finds out what it is about",
        "model": {"id": "claude-sonnet-5-5", "effort": "medium"},
        "system": "You sort incoming requests. Look orders up, never guess.",
        "mcp_servers": [{"type": "url", "name": "linear", "url": "https://mcp.linear.app/mcp"}],
        "tools": [
            {"type": "agent_toolset_20260401", "default_config": {"enabled": true}},
            {
                "type": "mcp_toolset",
                "mcp_server_name": "linear",
                "configs": [
                    {"name": "list_issues", "permission_policy": {"type": "always_allow"}},
                    {"name": "delete_issue", "enabled": false},
                ],
            },
            {
                "type": "custom",
                "name": "lookup_order",
                "description": "Finds an order of the shop by its number",
                "input_schema": {
                    "type": "object",
                    "properties": {"order_number": {"type": "string"}},
                    "required": ["order_number"],
                },
            },
        ],
    })
}

fn research() -> Value {
    json!({
        "name": "Research analyst",
        "description": "Reads widely and writes briefly",
        "model": {"id": "claude-opus-5-5", "effort": "high"},
        "system": "You research questions on the open web and name your sources.",
        "skills": [{"type": "anthropic", "skill_id": "xlsx", "version": "1"}],
        "tools": [{
            "type": "agent_toolset_20260401",
            "configs": [
                {"name": "web_search", "blocked_domains": ["ads.example.com"]},
                {"name": "bash", "enabled": false},
            ],
        }],
    })
}

fn policy() -> Value {
    json!({
        "name": "Policy assistant",
        "description": "Knows the travel handbook by heart",
        "model": "claude-haiku-5-5",
        "tools": [{
            "type": "agent_toolset_20260401",
            "default_config": {"enabled": false},
            "configs": [{"name": "read", "enabled": true}],
        }],
    })
}

fn crew() -> Value {
    json!({
        "name": "Migration crew",
        "description": "Splits large migrations among several agents",
        "model": "claude-opus-5-5",
        "system": "You plan migrations and hand the parts to others.",
        "tools": [{"type": "agent_toolset_20260401"}],
    })
}

/// A handbook of almost 100,000 characters: the large prompt that real agents have.
fn handbook() -> String {
    let mut text = String::with_capacity(100_000);
    text.push_str("You answer questions about travel expenses from this handbook.\n");
    let mut section = 0;
    while text.len() < 97_500 {
        section += 1;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "\n{section}. Trips of class {section} are approved by the head of the department \
             before they are booked; receipts above {} EUR are handed in within {} days, with the \
             cost centre and the purpose of the trip on the form.",
            20 + section % 60,
            7 + section % 21,
        );
    }
    text
}
