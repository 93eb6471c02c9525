//! Sessions as the API sends them.

use serde_json::{Value, json};

const INSTRUCTIONS: &str =
    "Answer with care, name your sources, and ask when a request is unclear. ";

/// One session whose system prompt has this many bytes.
pub(crate) fn session(number: usize, prompt: usize) -> Value {
    let mut system = INSTRUCTIONS.repeat(prompt / INSTRUCTIONS.len() + 1);
    system.truncate(prompt);
    json!({
        "id": format!("sesn_{number:03}"),
        "type": "session",
        "title": format!("Answer travel questions of the Lisbon office ({number})"),
        "status": "idle",
        "created_at": "2026-11-20T08:30:00.000000Z",
        "updated_at": "2026-11-20T09:15:00.000000Z",
        "archived_at": null,
        "environment_id": "env_000",
        "deployment_id": null,
        "metadata": {"team": "travel", "batch": (number % 8).to_string()},
        "vault_ids": [],
        "agent": {
            "id": "agent_000",
            "type": "agent",
            "name": "Travel desk",
            "description": null,
            "version": 3,
            "model": {"id": "claude-sonnet-5", "speed": "standard"},
            "system": system,
            "tools": [{
                "type": "agent_toolset_20260401",
                "default_config": {"enabled": true, "permission_policy": {"type": "always_allow"}},
                "configs": [],
            }],
            "mcp_servers": [],
            "skills": [],
        },
        "resources": [],
        "outcome_evaluations": [],
        "stats": {"active_seconds": 310.5, "duration_seconds": 2700.0},
        "usage": {
            "input_tokens": 41_000,
            "output_tokens": 9_300,
            "cache_read_input_tokens": 120_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 8_000, "ephemeral_1h_input_tokens": 0},
            "list_cost": {"amount": "1234", "currency": "USD"},
        },
        "budget": null,
    })
}

/// The body of a page of 100 sessions of 100 KB each.
pub(crate) fn page() -> Vec<u8> {
    let data: Vec<Value> = (0..100).map(|number| session(number, 98_500)).collect();
    json!({"data": data, "next_page": null}).to_string().into_bytes()
}
