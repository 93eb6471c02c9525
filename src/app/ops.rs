//! The operations, one file each.

pub(crate) mod answer_session;
pub(crate) mod apply_changes;
pub(crate) mod archive_session;
pub(crate) mod delete_session;
pub(crate) mod diagnose_session;
pub(crate) mod export_session;
pub(crate) mod get_session;
pub(crate) mod interrupt_session;
pub(crate) mod list_agents;
pub(crate) mod list_session_events;
pub(crate) mod list_sessions;
pub(crate) mod plan_changes;
pub(crate) mod send_message;
pub(crate) mod show_plan;
pub(crate) mod start_session;
pub(crate) mod summarize_sessions;
pub(crate) mod triage_sessions;
pub(crate) mod update_session;
pub(crate) mod update_session_tools;
pub(crate) mod wait_for_session;
