//! What is called, and what it may ask the service for: every tool, those that write in the modes
//! in which they write differently.

use serde_json::{Value, json};

/// What has to be there before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// The session is given a message, so that it runs for a moment.
    Message,
    /// A plan to apply, for these sessions.
    Plan(&'static str, &'static [&'static str]),
}

/// How a session is once the call has done what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// Nothing is changed by it.
    Same,
    Archived,
    Deleted,
    NotBusy,
    Title(&'static str),
    WithoutTools,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    pub(crate) before: Before,
    /// Every session it may touch.
    pub(crate) sessions: &'static [&'static str],
    pub(crate) done: Done,
    /// What it says when nothing goes wrong.
    pub(crate) says: &'static str,
    /// The requests beside reading that it may send, and no others.
    pub(crate) writes: &'static [(&'static str, &'static str)],
    /// Where, beside its first request, something goes wrong: method, and a part of the path.
    pub(crate) places: &'static [(&'static str, &'static str)],
    pub(crate) exports: bool,
}

fn reading(
    name: &'static str,
    tool: &'static str,
    arguments: Value,
    places: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        name,
        tool,
        arguments,
        before: Before::Nothing,
        sessions: &[],
        done: Done::Same,
        says: "an answer",
        writes: &[],
        places,
        exports: false,
    }
}

/// One that would write and does not.
fn looking(name: &'static str, tool: &'static str, arguments: Value, says: &'static str) -> Case {
    Case {
        says,
        ..reading(name, tool, arguments, &[])
    }
}

fn writing(
    name: &'static str,
    tool: &'static str,
    arguments: Value,
    sessions: &'static [&'static str],
    (done, says): (Done, &'static str),
    writes: &'static [(&'static str, &'static str)],
) -> Case {
    Case {
        sessions,
        done,
        says,
        writes,
        places: writes,
        ..reading(name, tool, arguments, &[])
    }
}

const EVENTS: (&str, &str) = ("GET", "/events");
const SEND: [(&str, &str); 1] = [("POST", "/v1/sessions/sesn_05/events")];

/// Every tool; the sessions are those of the sandbox's seed.
pub(crate) fn all() -> Vec<Case> {
    let mut all = readings();
    all.extend(lookings());
    all.extend(updates());
    all.extend(endings());
    all.extend(fleet());
    all
}

fn readings() -> Vec<Case> {
    vec![
        reading("get", "get_session", json!({"session_id": "sesn_01"}), &[]),
        reading(
            "get in full",
            "get_session",
            json!({"session_id": "sesn_02", "detail": "full"}),
            &[EVENTS],
        ),
        reading("list", "list_sessions", json!({}), &[]),
        reading(
            "list by scan",
            "list_sessions",
            json!({"title_contains": "e", "include_archived": true}),
            &[],
        ),
        reading(
            "events",
            "list_session_events",
            json!({"session_id": "sesn_02"}),
            &[],
        ),
        reading(
            "wait",
            "wait_for_session",
            json!({"session_id": "sesn_03", "wait_seconds": 1}),
            &[EVENTS],
        ),
        reading(
            "diagnose",
            "diagnose_session",
            json!({"session_id": "sesn_12"}),
            &[EVENTS, ("GET", "/threads")],
        ),
        reading("summarize", "summarize_sessions", json!({}), &[]),
        reading(
            "plan by filter",
            "plan_cleanup",
            json!({"action": "archive", "statuses": ["idle"]}),
            &[],
        ),
        reading(
            "plan by id",
            "plan_cleanup",
            json!({"action": "delete", "session_ids": ["sesn_01", "sesn_04", "sesn_13"]}),
            &[("GET", "sesn_13")],
        ),
    ]
}

fn lookings() -> Vec<Case> {
    vec![
        looking(
            "update tools, dry run",
            "update_session_tools",
            json!({"session_id": "sesn_11", "tools": [], "mcp_servers": [], "dry_run": true}),
            "would_update",
        ),
        looking(
            "archive, dry run",
            "archive_session",
            json!({"session_id": "sesn_04", "if_busy": "interrupt", "dry_run": true}),
            "would_archive",
        ),
        looking(
            "archive while running",
            "archive_session",
            json!({"session_id": "sesn_04"}),
            "session_running",
        ),
        looking(
            "delete, dry run",
            "delete_session",
            json!({"session_id": "sesn_01", "dry_run": true}),
            "would_delete",
        ),
        looking(
            "interrupt, dry run",
            "interrupt_session",
            json!({"session_id": "sesn_05", "dry_run": true}),
            "would_interrupt",
        ),
        looking(
            "update, dry run",
            "update_session",
            json!({"session_id": "sesn_01", "title": "Renamed", "dry_run": true}),
            "would_update",
        ),
    ]
}

fn updates() -> Vec<Case> {
    vec![
        writing(
            "update tools",
            "update_session_tools",
            json!({"session_id": "sesn_11", "tools": [], "mcp_servers": []}),
            &["sesn_11"],
            (Done::WithoutTools, "updated"),
            &[("POST", "/v1/sessions/sesn_11")],
        ),
        Case {
            places: &SEND,
            ..writing(
                "update tools, interrupting",
                "update_session_tools",
                json!({"session_id": "sesn_05", "tools": [], "mcp_servers": [],
                       "if_busy": "interrupt"}),
                &["sesn_05"],
                (Done::WithoutTools, "updated"),
                &[
                    ("POST", "/v1/sessions/sesn_05/events"),
                    ("POST", "/v1/sessions/sesn_05"),
                ],
            )
        },
        writing(
            "update",
            "update_session",
            json!({"session_id": "sesn_01", "title": "Renamed", "metadata": {"team": "faults"}}),
            &["sesn_01"],
            (Done::Title("Renamed"), "updated"),
            &[("POST", "/v1/sessions/sesn_01")],
        ),
        writing(
            "interrupt",
            "interrupt_session",
            json!({"session_id": "sesn_05"}),
            &["sesn_05"],
            (Done::NotBusy, "interrupted"),
            &SEND,
        ),
        writing(
            "interrupt, waiting",
            "interrupt_session",
            json!({"session_id": "sesn_05", "wait_seconds": 1}),
            &["sesn_05"],
            (Done::NotBusy, "interrupted"),
            &SEND,
        ),
        Case {
            exports: true,
            places: &[EVENTS],
            ..writing(
                "export",
                "export_session",
                json!({"session_id": "sesn_01"}),
                &[],
                (Done::Same, "exported"),
                &[],
            )
        },
    ]
}

fn endings() -> Vec<Case> {
    vec![
        writing(
            "archive",
            "archive_session",
            json!({"session_id": "sesn_01"}),
            &["sesn_01"],
            (Done::Archived, "archived"),
            &[("POST", "/v1/sessions/sesn_01/archive")],
        ),
        writing(
            "archive, interrupting",
            "archive_session",
            json!({"session_id": "sesn_04", "if_busy": "interrupt"}),
            &["sesn_04"],
            (Done::Archived, "archived"),
            &[
                ("POST", "/v1/sessions/sesn_04/events"),
                ("POST", "/v1/sessions/sesn_04/archive"),
            ],
        ),
        Case {
            before: Before::Message,
            ..writing(
                "archive, waiting",
                "archive_session",
                json!({"session_id": "sesn_01", "if_busy": "wait", "wait_seconds": 5}),
                &["sesn_01"],
                (Done::Archived, "archived"),
                &[("POST", "/v1/sessions/sesn_01/archive")],
            )
        },
        writing(
            "delete",
            "delete_session",
            json!({"session_id": "sesn_01"}),
            &["sesn_01"],
            (Done::Deleted, "deleted"),
            &[("DELETE", "/v1/sessions/sesn_01")],
        ),
        writing(
            "delete, interrupting",
            "delete_session",
            json!({"session_id": "sesn_12", "if_busy": "interrupt"}),
            &["sesn_12"],
            (Done::Deleted, "deleted"),
            &[
                ("POST", "/v1/sessions/sesn_12/events"),
                ("DELETE", "/v1/sessions/sesn_12"),
            ],
        ),
        Case {
            exports: true,
            places: &[EVENTS, ("DELETE", "sesn_01")],
            ..writing(
                "delete, exporting",
                "delete_session",
                json!({"session_id": "sesn_01"}),
                &["sesn_01"],
                (Done::Deleted, "deleted"),
                &[("DELETE", "/v1/sessions/sesn_01")],
            )
        },
    ]
}

fn fleet() -> Vec<Case> {
    const BOTH: &[&str] = &["sesn_01", "sesn_13"];
    vec![
        Case {
            before: Before::Plan("archive", BOTH),
            places: &[("POST", "sesn_13")],
            ..writing(
                "apply archiving",
                "apply_cleanup",
                json!({}),
                BOTH,
                (Done::Archived, "completed"),
                &[
                    ("POST", "/v1/sessions/sesn_01/archive"),
                    ("POST", "/v1/sessions/sesn_13/archive"),
                ],
            )
        },
        Case {
            before: Before::Plan("delete", BOTH),
            places: &[("DELETE", "sesn_13")],
            ..writing(
                "apply deleting",
                "apply_cleanup",
                json!({}),
                BOTH,
                (Done::Deleted, "completed"),
                &[
                    ("DELETE", "/v1/sessions/sesn_01"),
                    ("DELETE", "/v1/sessions/sesn_13"),
                ],
            )
        },
    ]
}
