//! The arguments that all guarded writes share.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::write::conditions::{Conditions, IfBusy},
    mcp::args::values::ApiTimeArg,
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct WriteArgs {
    /// What to do if the session is running or rescheduling.
    #[serde(default)]
    if_busy: IfBusy,
    /// How long if_busy may wait, in seconds.
    #[serde(default = "default_wait")]
    #[schemars(range(min = 1, max = 40))]
    wait_seconds: u8,
    /// Check all and show what would happen, change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Act only if updated_at is still this.
    expected_updated_at: Option<ApiTimeArg>,
}

fn default_wait() -> u8 {
    20
}

impl WriteArgs {
    pub(crate) fn conditions(self) -> Conditions {
        Conditions {
            if_busy: self.if_busy,
            wait: std::time::Duration::from_secs(self.wait_seconds.into()),
            dry_run: self.dry_run,
            expected_updated_at: self.expected_updated_at.map(|at| at.0),
            expected_fingerprint: None,
        }
    }
}
