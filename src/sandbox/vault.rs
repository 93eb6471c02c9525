//! Vaults: their names only, since the sandbox stores no credentials.

use std::collections::BTreeMap;

use serde::Serialize;

use super::clock::Timestamp;

#[derive(Debug, Serialize)]
pub(super) struct Vault {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    display_name: String,
    metadata: BTreeMap<String, String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
}

impl Vault {
    pub(super) fn new(id: &str, display_name: &str, created_at: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            kind: "vault",
            display_name: display_name.to_owned(),
            metadata: BTreeMap::new(),
            created_at,
            updated_at: created_at,
            archived_at: None,
        }
    }
}
