//! What is mounted into a session: files, repositories and memory stores.

use serde_json::{Value, json};

use super::{
    attributes::require_length,
    clock::{Clock, Timestamp},
    collection::Collection,
    fields::Fields,
    file::{File, MountedFile},
    rejection::{Rejection, Result},
    session::Session,
};

/// A valid resource that is not mounted yet.
#[derive(Debug)]
pub(super) struct NewResource {
    /// Without an id and times.
    json: Value,
    file: Option<File>,
}

impl NewResource {
    /// Reads a resource of a request body. Tokens are not kept, so that they cannot come back.
    pub(super) fn read(
        fields: &Fields<'_>,
        files: &Collection<File>,
        now: Timestamp,
    ) -> Result<Self> {
        match fields.kind()? {
            "file" => Self::file(fields, files, now),
            "github_repository" => Self::repository(fields),
            "memory_store" => Self::memory_store(fields),
            kind => Err(fields.error("type", format_args!("unknown resource type {kind:?}"))),
        }
    }

    fn file(fields: &Fields<'_>, files: &Collection<File>, now: Timestamp) -> Result<Self> {
        fields.allow("type file_id mount_path")?;
        let id = fields.required_text("file_id")?;
        let path = mount_path(fields, || format!("/mnt/session/uploads/{id}"))?;
        let file = files.get(id)?;
        file.check_expiry(now)?;
        let json = json!({"type": "file", "file_id": id, "mount_path": path});
        Ok(Self { json, file: Some(file.clone()) })
    }

    fn repository(fields: &Fields<'_>) -> Result<Self> {
        fields.allow("type url authorization_token checkout mount_path")?;
        let url = fields.required_text("url")?;
        if !url::Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.path() != "/") {
            return Err(fields.error("url", "must be the https URL of a repository"));
        }
        if fields.value("authorization_token").is_some() {
            fields.required_text("authorization_token")?;
        }
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or("repository");
        let name = name.strip_suffix(".git").unwrap_or(name);
        let path = mount_path(fields, || format!("/workspace/{name}"))?;
        let checkout = match fields.value("checkout") {
            None => Value::Null,
            Some(value) => checkout(&Fields::new(value, fields.at("checkout"))?)?,
        };
        let json = json!({
            "type": "github_repository", "url": url, "mount_path": path, "checkout": checkout,
        });
        Ok(Self { json, file: None })
    }

    fn memory_store(fields: &Fields<'_>) -> Result<Self> {
        fields.allow("type memory_store_id access instructions")?;
        let access = fields.text("access")?.unwrap_or("read_write");
        if !["read_write", "read_only"].contains(&access) {
            return Err(fields.error("access", "must be read_write or read_only"));
        }
        let instructions = fields.text("instructions")?;
        require_length(fields, "instructions", 4096)?;
        let json = json!({
            "type": "memory_store",
            "memory_store_id": fields.required_text("memory_store_id")?,
            "access": access,
            "instructions": instructions,
        });
        Ok(Self { json, file: None })
    }

    fn is_memory_store(&self) -> bool {
        self.json.get("type").is_some_and(|kind| kind == "memory_store")
    }
}

fn mount_path(fields: &Fields<'_>, default: impl FnOnce() -> String) -> Result<String> {
    match fields.text("mount_path")? {
        None => Ok(default()),
        Some(path) if path.starts_with('/') => Ok(path.to_owned()),
        Some(_) => Err(fields.error("mount_path", "must be an absolute path")),
    }
}

/// A branch or a commit.
fn checkout(fields: &Fields<'_>) -> Result<Value> {
    let (kind, key) = match fields.kind()? {
        kind @ "branch" => (kind, "name"),
        kind @ "commit" => (kind, "sha"),
        _ => return Err(fields.error("type", "must be branch or commit")),
    };
    fields.allow(&format!("type {key}"))?;
    Ok(json!({"type": kind, key: fields.required_text(key)?}))
}

impl Session {
    /// Mounts a resource when the session is created.
    pub(super) fn mount(&mut self, new: NewResource, now: Timestamp) -> Result<&Value> {
        let path = |resource: &Value| resource.get("mount_path").cloned();
        let taken = path(&new.json);
        if taken.is_some() && self.resources.iter().any(|mounted| path(mounted) == taken) {
            let complaint = "another resource of the session has the same path";
            return Err(Rejection::field("mount_path", complaint));
        }
        let mut json = new.json;
        let is_memory_store = json.get("type").is_some_and(|kind| kind == "memory_store");
        if let (Some(fields), false) = (json.as_object_mut(), is_memory_store) {
            self.attachment_number = self.attachment_number.max(self.resources.len()) + 1;
            let (suffix, number) = (&self.history.id_suffix, self.attachment_number);
            let id = format!("sesrsc_{suffix}_{number:02}");
            if let Some(original) = new.file {
                let id_of_copy = format!("{}_{suffix}_{number:02}", original.id);
                let copy = File { id: id_of_copy, created_at: now, ..original };
                self.mounted.push(MountedFile { resource: id.clone(), copy });
            }
            fields.insert("id".to_owned(), json!(id));
            fields.insert("created_at".to_owned(), json!(now));
            fields.insert("updated_at".to_owned(), json!(now));
        }
        self.resources.push(json);
        Ok(self.resources.last().unwrap_or(&Value::Null))
    }

    /// Mounts a resource into an existing session.
    pub(super) fn add_resource(&mut self, clock: &mut Clock, new: NewResource) -> Result<&Value> {
        self.check_resources_may_change()?;
        if new.is_memory_store() {
            let complaint = "memory stores are attached when the session is created";
            return Err(Rejection::field("type", complaint));
        }
        let now = clock.stamp();
        self.updated_at = now;
        self.mount(new, now)
    }

    /// Takes note that a repository has a new token.
    pub(super) fn rotate_token(
        &mut self,
        clock: &mut Clock,
        id: &str,
        fields: &Fields<'_>,
    ) -> Result<&Value> {
        self.check_resources_may_change()?;
        let position = self.resource_position(id)?;
        fields.required_text("authorization_token")?;
        let now = clock.stamp();
        let resource = self.resources.get_mut(position).and_then(Value::as_object_mut);
        match resource {
            Some(fields) if fields.get("type").is_some_and(|t| t == "github_repository") => {
                fields.insert("updated_at".to_owned(), json!(now));
            }
            _ => {
                let message = "Only a github_repository has a token that can be replaced.";
                return Err(Rejection::invalid(message));
            }
        }
        self.updated_at = now;
        self.resource(id)
    }

    /// Unmounts a resource; the session's copy of a file goes, the original stays.
    pub(super) fn remove_resource(&mut self, clock: &mut Clock, id: &str) -> Result<()> {
        self.check_resources_may_change()?;
        let position = self.resource_position(id)?;
        self.resources.remove(position);
        self.mounted.retain(|mounted| mounted.resource != id);
        self.updated_at = clock.stamp();
        Ok(())
    }

    pub(super) fn resource(&self, id: &str) -> Result<&Value> {
        let resource = self.resources.get(self.resource_position(id)?);
        resource.ok_or_else(|| no_resource(id))
    }

    fn resource_position(&self, id: &str) -> Result<usize> {
        let mut resources = self.resources.iter();
        let position = resources.position(|resource| resource.get("id").is_some_and(|i| i == id));
        position.ok_or_else(|| no_resource(id))
    }

    fn check_resources_may_change(&self) -> Result<()> {
        if self.archived_at.is_none() {
            return Ok(());
        }
        Err(Rejection::conflict("The session is archived and cannot be changed."))
    }
}

fn no_resource(id: &str) -> Rejection {
    Rejection::not_found(format!("The session has no resource {id:?}."))
}
