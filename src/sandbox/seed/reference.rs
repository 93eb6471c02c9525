//! What sessions refer to: vaults, files and deployments. They exist in every sandbox.

use std::io;

use serde::Deserialize;

use crate::sandbox::{
    clock::Timestamp,
    deployment::{Deployment, DeploymentSettings},
    file::File,
    store::Store,
    vault::Vault,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    vaults: Vec<VaultSeed>,
    files: Vec<FileSeed>,
    deployments: Vec<DeploymentSeed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultSeed {
    id: String,
    display_name: String,
    #[serde(default)]
    archived: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSeed {
    id: String,
    name: String,
    content: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeploymentSeed {
    id: String,
    settings: DeploymentSettings,
    #[serde(default)]
    weekly: bool,
    #[serde(default)]
    archived: bool,
}

/// Adds all of them, created at `setup`.
///
/// # Errors
/// If the seed is malformed.
pub(super) fn load(store: &mut Store, setup: Timestamp, now: Timestamp) -> io::Result<()> {
    let reference: Reference = serde_json::from_str(include_str!("reference.json"))?;
    for seed in reference.vaults {
        let mut vault = Vault::new(&seed.id, &seed.display_name, setup);
        vault.archived_at = seed.archived.then_some(now);
        store.vaults.insert(seed.id, vault);
    }
    for seed in reference.files {
        let file = File::uploaded(seed.id.clone(), &seed.name, seed.content.into(), setup);
        store.files.insert(seed.id, file);
    }
    for seed in reference.deployments {
        let deployment = Deployment {
            id: seed.id.clone(),
            settings: seed.settings,
            weekly: seed.weekly,
            created_at: setup,
            archived_at: seed.archived.then_some(now),
        };
        store.deployments.insert(seed.id, deployment);
    }
    Ok(())
}
