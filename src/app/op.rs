//! The operations this program offers, whatever adapter offers them.

/// One operation. Its name is what adapters, the audit log and cursors call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Op {
    /// Read one session.
    GetSession,
    /// Find sessions.
    ListSessions,
    /// Change the tools of one session.
    UpdateSessionTools,
    /// Archive one session.
    ArchiveSession,
    /// Delete one session.
    DeleteSession,
    /// Export one session to a file.
    ExportSession,
    /// Stop the current turn of one session.
    InterruptSession,
    /// Change title, metadata or budget of one session.
    UpdateSession,
    /// Read the events of one session.
    ListSessionEvents,
    /// Wait until one session is not busy.
    WaitForSession,
    /// Find out what one session waits for.
    DiagnoseSession,
    /// Count sessions and add up what they cost.
    SummarizeSessions,
    /// Choose sessions to archive or delete.
    PlanCleanup,
    /// Archive or delete the sessions of a plan.
    ApplyCleanup,
}

impl Op {
    /// Every operation, in the order in which they are listed.
    pub(crate) const ALL: [Self; 14] = [
        Self::GetSession,
        Self::ListSessions,
        Self::UpdateSessionTools,
        Self::ArchiveSession,
        Self::DeleteSession,
        Self::ExportSession,
        Self::InterruptSession,
        Self::UpdateSession,
        Self::ListSessionEvents,
        Self::WaitForSession,
        Self::DiagnoseSession,
        Self::SummarizeSessions,
        Self::PlanCleanup,
        Self::ApplyCleanup,
    ];

    /// The name, such as `get_session`.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GetSession => "get_session",
            Self::ListSessions => "list_sessions",
            Self::UpdateSessionTools => "update_session_tools",
            Self::ArchiveSession => "archive_session",
            Self::DeleteSession => "delete_session",
            Self::ExportSession => "export_session",
            Self::InterruptSession => "interrupt_session",
            Self::UpdateSession => "update_session",
            Self::ListSessionEvents => "list_session_events",
            Self::WaitForSession => "wait_for_session",
            Self::DiagnoseSession => "diagnose_session",
            Self::SummarizeSessions => "summarize_sessions",
            Self::PlanCleanup => "plan_cleanup",
            Self::ApplyCleanup => "apply_cleanup",
        }
    }
}
