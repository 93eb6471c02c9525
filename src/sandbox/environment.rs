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

/// Where the sessions of an environment run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Config {
    Cloud { networking: Value, packages: Value },
    SelfHosted,
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
            config: Config::create(&fields)?,
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
        let mut changed = self.clone();
        if fields.value("name").is_some() {
            fields.required_text("name")?.clone_into(&mut changed.name);
        }
        if fields.raw("description").is_some() {
            changed.description = fields.text("description")?.map(str::to_owned);
        }
        changed.config = self.config.updated(&fields)?;
        if let Some(patch) = fields.value("metadata") {
            changed.metadata = attributes::patch_metadata(&self.metadata, patch)?;
            // Here, unlike elsewhere, an empty string deletes a key too.
            changed.metadata.retain(|_, value| !value.is_empty());
        }
        changed.updated_at = clock.stamp();
        *self = changed;
        Ok(())
    }

    /// Whether clients execute the built-in tools of its sessions.
    pub(super) fn is_self_hosted(&self) -> bool {
        self.config == Config::SelfHosted
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
    fn create(fields: &Fields<'_>) -> Result<Self> {
        let empty = PACKAGE_MANAGERS.split(' ').map(|manager| (manager.to_owned(), json!([])));
        let mut packages: Map<_, _> = empty.collect();
        packages.insert("type".to_owned(), json!("packages"));
        let networking = json!({"type": "unrestricted"});
        let cloud = Self::Cloud { networking, packages: Value::Object(packages) };
        let Some(config) = fields.object("config", "type networking packages")? else {
            return Ok(cloud);
        };
        match config.kind()? {
            "cloud" => cloud.updated(fields),
            "self_hosted" => Self::SelfHosted.updated(fields),
            _ => Err(config.error("type", "must be cloud or self_hosted")),
        }
    }

    /// This config with what `config` of a request changes; its type cannot change.
    fn updated(&self, fields: &Fields<'_>) -> Result<Self> {
        let Some(config) = fields.object("config", "type networking packages")? else {
            return Ok(self.clone());
        };
        match (self, config.kind()?) {
            (Self::Cloud { networking, packages }, "cloud") => Ok(Self::Cloud {
                networking: read_networking(&config)?.unwrap_or_else(|| networking.clone()),
                packages: read_packages(&config, packages)?,
            }),
            (Self::SelfHosted, "self_hosted") => {
                config.allow("type")?;
                Ok(Self::SelfHosted)
            }
            (_, "cloud" | "self_hosted") => {
                let error = config.error("type", "cannot change");
                Err(error.with_code("invalid_config_type_change"))
            }
            _ => Err(config.error("type", "must be cloud or self_hosted")),
        }
    }
}

fn read_networking(config: &Fields<'_>) -> Result<Option<Value>> {
    let known = "type allowed_hosts allow_mcp_servers allow_package_managers";
    let Some(networking) = config.object("networking", known)? else {
        return Ok(None);
    };
    match networking.kind()? {
        "unrestricted" => {
            networking.allow("type")?;
            Ok(Some(json!({"type": "unrestricted"})))
        }
        "limited" => {
            let allows = |key| Ok(networking.boolean(key)?.unwrap_or(false));
            Ok(Some(json!({
                "type": "limited",
                "allowed_hosts": networking.strings("allowed_hosts")?.unwrap_or_default(),
                "allow_mcp_servers": allows("allow_mcp_servers")?,
                "allow_package_managers": allows("allow_package_managers")?,
            })))
        }
        _ => Err(networking.error("type", "must be unrestricted or limited")),
    }
}

/// `current` with the lists of those package managers that are given.
fn read_packages(config: &Fields<'_>, current: &Value) -> Result<Value> {
    let Some(given) = config.object("packages", &format!("type {PACKAGE_MANAGERS}"))? else {
        return Ok(current.clone());
    };
    let mut packages = current.as_object().cloned().unwrap_or_default();
    for manager in PACKAGE_MANAGERS.split(' ') {
        if let Some(names) = given.strings(manager)? {
            packages.insert(manager.to_owned(), json!(names));
        }
    }
    Ok(Value::Object(packages))
}
