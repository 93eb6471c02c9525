//! The tools, one file each: what it takes, what it answers, a short handler.

pub mod apply_cleanup;
pub mod archive_session;
pub mod delete_session;
pub mod diagnose_session;
pub mod export_session;
pub mod get_session;
pub mod interrupt_session;
pub mod list_session_events;
pub mod list_sessions;
pub mod plan_cleanup;
pub mod summarize_sessions;
pub mod update_session;
pub mod update_session_tools;
pub mod wait_for_session;
