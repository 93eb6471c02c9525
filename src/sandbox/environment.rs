//! Environments: names and settings only, since the sandbox runs no containers.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    attributes,
    clock::{Clock, Timestamp},
    fields::Fields,
    rejection::{Rejection, Result},
};

const FIELDS: &str = "name config description metadata scope";
const PACKAGE_MANAGERS: &str = "apt cargo gem go npm pip";

#[derive(Debug, Clone, Serialize)]
pub(super) struct Environment {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    description: Option<String>,
    config: Config,
    metadata: BTreeMap<String, String>,
    scope: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
}

/// The `config` of an environment in the cloud.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Config {
    #[serde(rename = "type")]
    kind: &'static str,
    networking: Value,
    packages: Value,
}

impl Default for Config {
    fn default() -> Self {
        let empty = PACKAGE_MANAGERS.split(' ').map(|manager| (manager.to_owned(), json!([])));
        let mut packages: Map<_, _> = empty.collect();
        packages.insert("type".to_owned(), json!("packages"));
        Self {
            kind: "cloud",
            networking: json!({"type": "unrestricted"}),
            packages: Value::Object(packages),
        }
    }
}

impl Environment {
    /// Creates an environment from a request body.
    pub(super) fn create(id: String, body: &Value, now: Timestamp) -> Result<Self> {
        let fields = Fields::body(body, FIELDS)?;
        check_scope(&fields)?;
        Ok(Self {
            id,
            kind: "environment",
            name: fields.required_text("name")?.to_owned(),
            description: fields.text("description")?.map(str::to_owned),
            config: Config::default().changed(&fields)?,
            metadata: attributes::metadata(&fields)?,
            scope: "organization",
            created_at: now,
            updated_at: now,
            archived_at: None,
        })
    }

    /// Applies all of an update or, on an error, nothing.
    pub(super) fn update(&mut self, clock: &mut Clock, body: &Value) -> Result<()> {
        let fields = Fields::body(body, FIELDS)?;
        check_scope(&fields)?;
        if self.archived_at.is_some() {
            let error = Rejection::invalid("The environment is archived and cannot be changed.");
            return Err(error.with_code("environment_archived"));
        }
        let kind = body.pointer("/config/type");
        if kind.is_some_and(|kind| kind == "self_hosted") {
            let error = fields.error("config.type", "cannot change");
            return Err(error.with_code("invalid_config_type_change"));
        }
        let mut changed = self.clone();
        if fields.value("name").is_some() {
            fields.required_text("name")?.clone_into(&mut changed.name);
        }
        if fields.raw("description").is_some() {
            changed.description = fields.text("description")?.map(str::to_owned);
        }
        changed.config = self.config.changed(&fields)?;
        if let Some(patch) = fields.value("metadata") {
            changed.metadata = attributes::patch_metadata(&self.metadata, patch)?;
            // Here, unlike elsewhere, an empty string deletes a key too.
            changed.metadata.retain(|_, value| !value.is_empty());
        }
        changed.updated_at = clock.stamp();
        *self = changed;
        Ok(())
    }

    /// Archives the environment: no more sessions can be created in it.
    pub(super) fn archive(&mut self, now: Timestamp) {
        if self.archived_at.is_none() {
            self.archived_at = Some(now);
            self.updated_at = now;
        }
    }
}

fn check_scope(fields: &Fields<'_>) -> Result<()> {
    match fields.text("scope")? {
        None | Some("organization") => Ok(()),
        Some(_) => Err(fields.error("scope", "must be organization")),
    }
}

impl Config {
    /// This config with what `config` of a request changes.
    fn changed(&self, fields: &Fields<'_>) -> Result<Self> {
        let mut changed = self.clone();
        let Some(config) = fields.object("config", "type networking packages")? else {
            return Ok(changed);
        };
        if config.kind()? != "cloud" {
            return Err(config.error("type", "the sandbox knows only \"cloud\""));
        }
        let known = "type allowed_hosts allow_mcp_servers allow_package_managers";
        if let Some(networking) = config.object("networking", known)? {
            changed.networking = match networking.kind()? {
                "unrestricted" => {
                    networking.allow("type")?;
                    json!({"type": "unrestricted"})
                }
                "limited" => json!({
                    "type": "limited",
                    "allowed_hosts": networking.strings("allowed_hosts")?.unwrap_or_default(),
                    "allow_mcp_servers": networking.boolean("allow_mcp_servers")?.unwrap_or(false),
                    "allow_package_managers":
                        networking.boolean("allow_package_managers")?.unwrap_or(false),
                }),
                _ => return Err(networking.error("type", "must be unrestricted or limited")),
            };
        }
        if let Some(packages) = config.object("packages", &format!("type {PACKAGE_MANAGERS}"))? {
            let mut resolved = changed.packages.as_object().cloned().unwrap_or_default();
            for manager in PACKAGE_MANAGERS.split(' ') {
                if let Some(names) = packages.strings(manager)? {
                    resolved.insert(manager.to_owned(), json!(names));
                }
            }
            changed.packages = Value::Object(resolved);
        }
        Ok(changed)
    }
}
