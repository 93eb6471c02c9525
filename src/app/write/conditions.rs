//! When a write may happen.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{domain::fingerprint::Fingerprint, model::ApiTime};

/// What to do with a busy session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IfBusy {
    /// change nothing
    #[default]
    Refuse,
    /// wait until its turn ends
    Wait,
    /// stop its turn, then act
    Interrupt,
}

/// What has to come before a write to a busy session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum First {
    Wait,
    Interrupt,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub if_busy: IfBusy,
    pub wait: Duration,
    /// Everything but the write.
    pub dry_run: bool,
    /// Act only if the session's `updated_at` is still this.
    pub expected_updated_at: Option<ApiTime>,
    /// Act only if what can be written is still this.
    pub expected_fingerprint: Option<Fingerprint>,
}
