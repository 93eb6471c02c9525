//! Environments: names only, since the sandbox runs no containers.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    clock::Timestamp,
    fields::Fields,
    rejection::{Rejection, Result},
};

#[derive(Debug, Clone, Serialize)]
pub(super) struct Environment {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    description: Option<String>,
    config: Value,
    metadata: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
}

impl Environment {
    /// Creates an environment from a request body.
    pub(super) fn create(id: String, body: &Value, now: Timestamp) -> Result<Self> {
        let fields = Fields::body(body, "name config description metadata scope")?;
        let kind = body.pointer("/config/type");
        let self_hosted = kind.is_some_and(|kind| kind == "self_hosted");
        if !self_hosted && kind.is_some_and(|kind| kind != "cloud") {
            let complaint = "must be \"cloud\" or \"self_hosted\"";
            return Err(Rejection::field("config.type", complaint));
        }
        let networking = body.pointer("/config/networking").cloned();
        let cloud = json!({
            "type": "cloud",
            "networking": networking.unwrap_or_else(|| json!({"type": "unrestricted"})),
            "packages": {
                "type": "packages",
                "apt": [], "cargo": [], "gem": [], "go": [], "npm": [], "pip": [],
            },
        });
        Ok(Self {
            id,
            kind: "environment",
            name: fields.required_text("name")?.to_owned(),
            description: fields.text("description")?.map(str::to_owned),
            config: if self_hosted { json!({"type": "self_hosted"}) } else { cloud },
            metadata: fields.value("metadata").cloned().unwrap_or_else(|| json!({})),
            created_at: now,
            updated_at: now,
            archived_at: None,
        })
    }

    /// Whether clients execute the built-in tools of its sessions.
    pub(super) fn is_self_hosted(&self) -> bool {
        self.config.get("type").is_some_and(|kind| kind == "self_hosted")
    }

    /// Archives the environment: no more sessions can be created in it.
    pub(super) fn archive(&mut self, now: Timestamp) {
        self.archived_at = Some(now);
        self.updated_at = now;
    }
}
