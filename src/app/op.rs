//! The operations this program offers, whatever adapter offers them.

macro_rules! operations {
    ($($op:ident = $name:literal,)+) => {
        /// One operation, by the name that adapters, the audit log and cursors use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Op {
            $($op,)+
        }

        impl Op {
            pub(crate) const ALL: [Self; [$($name),+].len()] = [$(Self::$op),+];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$op => $name,)+
                }
            }
        }
    };
}

operations! {
    GetSession = "get_session",
    ListSessions = "list_sessions",
    UpdateSessionTools = "update_session_tools",
    ArchiveSession = "archive_session",
    DeleteSession = "delete_session",
    ExportSession = "export_session",
    InterruptSession = "interrupt_session",
    UpdateSession = "update_session",
    ListSessionEvents = "list_session_events",
    WaitForSession = "wait_for_session",
    DiagnoseSession = "diagnose_session",
    SummarizeSessions = "summarize_sessions",
    TriageSessions = "triage_sessions",
    PlanChanges = "plan_changes",
    ApplyChanges = "apply_changes",
    ListAgents = "list_agents",
    StartSession = "start_session",
    SendMessage = "send_message",
    AnswerSession = "answer_session",
}
