//! A workflow run.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunStatus {
    Running,
    Idle,
    Ended,
}

#[derive(Debug)]
pub(super) struct WorkflowRun {
    pub(super) id: String,
    pub(super) status: RunStatus,
    /// Ids of the phases.
    pub(super) phases: Vec<String>,
    /// How many phases have been entered.
    pub(super) entered: usize,
    /// The `workflow_run.phase_started` event without an end.
    pub(super) phase_started: Option<String>,
    /// Counts steps, so that outdated timers are recognized.
    pub(super) step: u64,
    /// The place of its thread.
    pub(super) thread: usize,
    /// Whether its plan fails.
    pub(super) fails: bool,
}
