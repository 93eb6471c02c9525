//! The calls: every tool, those that write in each mode in which they write differently. The
//! sessions are those that a sandbox always has.

use serde_json::{Value, json};

/// What is prepared before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    Nothing,
    /// The session is sent a message, so that it runs for a moment.
    Message,
    /// A plan with this action for the sessions of the call.
    Plan(&'static str),
}

/// How a session is once the call has taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Unchanged,
    Archived,
    Deleted,
    Idle,
    Renamed,
    WithoutTools,
    WithoutToolset,
    /// What the call says is in the history.
    Said,
}

/// A method, and a path or a part of one.
type Request = (&'static str, &'static str);

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    pub(crate) setup: Setup,
    /// The sessions it may change.
    pub(crate) sessions: &'static [&'static str],
    pub(crate) effect: Effect,
    /// Its outcome when nothing goes wrong.
    pub(crate) outcome: &'static str,
    /// The writes it may send.
    pub(crate) writes: &'static [Request],
    /// The requests, beside its first, that meet a fault.
    pub(crate) places: &'static [Request],
    pub(crate) exports: bool,
    /// It starts a session, by a write that is sent once.
    pub(crate) starts: bool,
    /// Its write is never sent again once it may have been carried out.
    pub(crate) is_sent_once: bool,
}

/// What calls say to agents.
pub(crate) const SAID: &str = "Said in the fault matrix.";

impl Call {
    pub(crate) fn only_reads(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether the server may remember a call that failed: an unfinished export is resumed, and a
    /// clean-up pauses the ones after it.
    pub(crate) fn leaves_traces(&self) -> bool {
        self.exports || matches!(self.setup, Setup::Plan(_))
    }

    /// A call that only reads and has an answer without an outcome.
    fn read(name: &'static str, tool: &'static str, arguments: Value) -> Self {
        Self {
            name,
            tool,
            arguments,
            setup: Setup::Nothing,
            sessions: &[],
            effect: Effect::Unchanged,
            outcome: "an answer",
            writes: &[],
            places: &[],
            exports: false,
            starts: false,
            is_sent_once: false,
        }
    }

    fn with_places(self, places: &'static [Request]) -> Self {
        Self { places, ..self }
    }

    fn with_outcome(self, outcome: &'static str) -> Self {
        Self { outcome, ..self }
    }

    fn with_setup(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    /// The same call with an export folder.
    fn exporting(self) -> Self {
        Self { exports: true, ..self }
    }

    fn sent_once(self) -> Self {
        Self { is_sent_once: true, ..self }
    }

    /// A call that changes these sessions by these writes; faults meet each of them.
    fn changes(
        self,
        sessions: &'static [&'static str],
        effect: Effect,
        writes: &'static [Request],
    ) -> Self {
        Self { sessions, effect, writes, places: writes, ..self }
    }
}

const EVENTS: Request = ("GET", "/events");

pub(crate) fn all() -> Vec<Call> {
    let mut all = reads();
    all.extend(dry_runs());
    all.extend(updates());
    all.extend(ends());
    all.extend(clean_ups());
    all.extend(starts());
    all.extend(work());
    all
}

fn reads() -> Vec<Call> {
    let many = json!({"action": "delete", "session_ids": ["sesn_01", "sesn_04", "sesn_13"]});
    let several = json!({"session_ids": ["sesn_04", "sesn_12", "sesn_02"], "wait_seconds": 1});
    vec![
        Call::read("get", "get_session", json!({"session_id": "sesn_01"})).with_places(&[EVENTS]),
        Call::read("get with threads", "get_session", json!({"session_id": "sesn_18"}))
            .with_places(&[EVENTS, ("GET", "/threads")]),
        Call::read(
            "get in full",
            "get_session",
            json!({"session_id": "sesn_02", "detail": "full"}),
        )
        .with_places(&[EVENTS]),
        Call::read("list", "list_sessions", json!({})),
        Call::read("list agents", "list_agents", json!({})),
        Call::read(
            "list by scan",
            "list_sessions",
            json!({"title_contains": "e", "include_archived": true}),
        ),
        Call::read("events", "list_session_events", json!({"session_id": "sesn_02"})),
        Call::read("wait", "wait_for_session", json!({"session_id": "sesn_03", "wait_seconds": 1}))
            .with_places(&[EVENTS]),
        Call::read("wait for several", "wait_for_session", several).with_places(&[EVENTS]),
        Call::read(
            "what went wrong",
            "list_session_events",
            json!({"session_id": "sesn_14", "view": "errors"}),
        ),
        Call::read("diagnose", "diagnose_session", json!({"session_id": "sesn_12"}))
            .with_places(&[EVENTS, ("GET", "/threads")]),
        Call::read("summarize", "summarize_sessions", json!({})),
        Call::read("triage", "triage_sessions", json!({"title_contains": "payments-api"}))
            .with_places(&[EVENTS]),
        Call::read(
            "plan by filter",
            "plan_changes",
            json!({"action": "archive", "statuses": ["idle"]}),
        ),
        Call::read("plan by id", "plan_changes", many).with_places(&[("GET", "sesn_13")]),
        Call::read("export", "export_session", json!({"session_id": "sesn_01"}))
            .with_outcome("exported")
            .with_places(&[EVENTS])
            .exporting(),
    ]
}

/// Calls that would write, and do not.
fn dry_runs() -> Vec<Call> {
    vec![
        Call::read(
            "update tools, dry run",
            "update_session_tools",
            json!({"session_id": "sesn_11", "mode": "replace", "tools": [], "mcp_servers": [], "dry_run": true}),
        )
        .with_outcome("would_update"),
        Call::read(
            "archive, dry run",
            "archive_session",
            json!({"session_id": "sesn_04", "if_busy": "interrupt", "dry_run": true}),
        )
        .with_outcome("would_archive"),
        Call::read("archive while running", "archive_session", json!({"session_id": "sesn_04"}))
            .with_outcome("session_running"),
        Call::read(
            "delete, dry run",
            "delete_session",
            json!({"session_id": "sesn_01", "dry_run": true}),
        )
        .with_outcome("would_delete"),
        Call::read(
            "interrupt, dry run",
            "interrupt_session",
            json!({"session_id": "sesn_05", "dry_run": true}),
        )
        .with_outcome("would_interrupt"),
        Call::read(
            "update, dry run",
            "update_session",
            json!({"session_id": "sesn_01", "title": "Renamed", "dry_run": true}),
        )
        .with_outcome("would_update"),
    ]
}

fn updates() -> Vec<Call> {
    const INTERRUPT: Request = ("POST", "/v1/sessions/sesn_05/events");
    vec![
        Call::read(
            "update tools",
            "update_session_tools",
            json!({"session_id": "sesn_11", "mode": "replace", "tools": [], "mcp_servers": []}),
        )
        .with_outcome("updated")
        .changes(&["sesn_11"], Effect::WithoutTools, &[("POST", "/v1/sessions/sesn_11")]),
        Call::read(
            "update tools, interrupting",
            "update_session_tools",
            json!({"session_id": "sesn_05", "mode": "replace", "tools": [], "mcp_servers": [],
                   "if_busy": "interrupt", "wait_seconds": 2}),
        )
        .with_outcome("updated")
        .changes(&["sesn_05"], Effect::WithoutTools, &[INTERRUPT, ("POST", "/v1/sessions/sesn_05")])
        .with_places(&[INTERRUPT]),
        Call::read(
            "update",
            "update_session",
            json!({"session_id": "sesn_01", "title": "Renamed", "metadata": {"team": "faults"}}),
        )
        .with_outcome("updated")
        .changes(&["sesn_01"], Effect::Renamed, &[("POST", "/v1/sessions/sesn_01")]),
        Call::read("interrupt", "interrupt_session", json!({"session_id": "sesn_05"}))
            .with_outcome("interrupted")
            .changes(&["sesn_05"], Effect::Idle, &[INTERRUPT]),
        Call::read(
            "interrupt, waiting",
            "interrupt_session",
            json!({"session_id": "sesn_05", "wait_seconds": 1}),
        )
        .with_outcome("interrupted")
        .changes(&["sesn_05"], Effect::Idle, &[INTERRUPT]),
    ]
}

fn ends() -> Vec<Call> {
    const ARCHIVE: Request = ("POST", "/v1/sessions/sesn_01/archive");
    const DELETE: Request = ("DELETE", "/v1/sessions/sesn_01");
    vec![
        Call::read("archive", "archive_session", json!({"session_id": "sesn_01"}))
            .with_outcome("archived")
            .changes(&["sesn_01"], Effect::Archived, &[ARCHIVE]),
        Call::read(
            "archive, interrupting",
            "archive_session",
            json!({"session_id": "sesn_04", "if_busy": "interrupt", "wait_seconds": 2}),
        )
        .with_outcome("archived")
        .changes(
            &["sesn_04"],
            Effect::Archived,
            &[("POST", "/v1/sessions/sesn_04/events"), ("POST", "/v1/sessions/sesn_04/archive")],
        ),
        Call::read(
            "archive, waiting",
            "archive_session",
            json!({"session_id": "sesn_01", "if_busy": "wait", "wait_seconds": 5}),
        )
        .with_setup(Setup::Message)
        .with_outcome("archived")
        .changes(&["sesn_01"], Effect::Archived, &[ARCHIVE]),
        Call::read("delete", "delete_session", json!({"session_id": "sesn_01"}))
            .with_outcome("deleted")
            .changes(&["sesn_01"], Effect::Deleted, &[DELETE]),
        Call::read(
            "delete, interrupting",
            "delete_session",
            json!({"session_id": "sesn_12", "if_busy": "interrupt", "wait_seconds": 2}),
        )
        .with_outcome("deleted")
        .changes(
            &["sesn_12"],
            Effect::Deleted,
            &[("POST", "/v1/sessions/sesn_12/events"), ("DELETE", "/v1/sessions/sesn_12")],
        ),
        Call::read("delete, exporting", "delete_session", json!({"session_id": "sesn_01"}))
            .with_outcome("deleted")
            .changes(&["sesn_01"], Effect::Deleted, &[DELETE])
            .with_places(&[EVENTS, DELETE])
            .exporting(),
    ]
}

fn clean_ups() -> Vec<Call> {
    const BOTH: &[&str] = &["sesn_01", "sesn_13"];
    vec![
        Call::read("apply archiving", "apply_changes", json!({}))
            .with_setup(Setup::Plan("archive"))
            .with_outcome("completed")
            .changes(
                BOTH,
                Effect::Archived,
                &[
                    ("POST", "/v1/sessions/sesn_01/archive"),
                    ("POST", "/v1/sessions/sesn_13/archive"),
                ],
            )
            .with_places(&[("POST", "sesn_13")]),
        Call::read("apply deleting", "apply_changes", json!({}))
            .with_setup(Setup::Plan("delete"))
            .with_outcome("completed")
            .changes(
                BOTH,
                Effect::Deleted,
                &[("DELETE", "/v1/sessions/sesn_01"), ("DELETE", "/v1/sessions/sesn_13")],
            )
            .with_places(&[("DELETE", "sesn_13")]),
        Call::read("apply interrupting", "apply_changes", json!({}))
            .with_setup(Setup::Plan("interrupt"))
            .with_outcome("completed")
            .changes(
                &["sesn_05", "sesn_12"],
                Effect::Idle,
                &[("POST", "/v1/sessions/sesn_05/events"), ("POST", "/v1/sessions/sesn_12/events")],
            )
            .with_places(&[("POST", "sesn_12")]),
        Call::read("apply changing tools", "apply_changes", json!({}))
            .with_setup(Setup::Plan("update_tools"))
            .with_outcome("completed")
            .changes(
                &["sesn_01", "sesn_14"],
                Effect::WithoutToolset,
                &[("POST", "/v1/sessions/sesn_01"), ("POST", "/v1/sessions/sesn_14")],
            )
            .with_places(&[("POST", "sesn_14")]),
    ]
}

fn starts() -> Vec<Call> {
    const CREATE: &[Request] = &[("POST", "/v1/sessions")];
    let start = |name, fields: Value| {
        let call = Call::read(name, "start_session", fields);
        Call {
            starts: true,
            is_sent_once: true,
            writes: CREATE,
            places: CREATE,
            outcome: "started",
            ..call
        }
    };
    vec![
        start("start", json!({"agent": "agent_03", "environment": "env_01"})),
        start("start by name", json!({"agent": "research analyst", "environment": "default"}))
            .with_places(&[]),
        start("start like another", json!({"like_session": "sesn_01"})).with_places(&[
            ("GET", "/v1/agents"),
            ("GET", "/v1/environments"),
            ("GET", "/v1/sessions?"),
        ]),
        Call::read(
            "dry run of a start",
            "start_session",
            json!({"like_session": "sesn_01", "dry_run": true}),
        )
        .with_outcome("would_start"),
    ]
}

fn work() -> Vec<Call> {
    const TO_1: &[Request] = &[("POST", "/v1/sessions/sesn_01/events")];
    const TO_2: &[Request] = &[("POST", "/v1/sessions/sesn_02/events")];
    vec![
        Call::read(
            "send, dry run",
            "send_message",
            json!({"session_id": "sesn_01", "text": SAID, "dry_run": true}),
        )
        .with_outcome("would_send")
        .with_places(&[EVENTS]),
        Call::read(
            "send while it waits",
            "send_message",
            json!({"session_id": "sesn_02", "text": SAID}),
        )
        .with_outcome("session_waiting")
        .with_places(&[EVENTS]),
        Call::read("send", "send_message", json!({"session_id": "sesn_01", "text": SAID}))
            .with_outcome("sent")
            .changes(&["sesn_01"], Effect::Said, TO_1)
            .sent_once(),
        Call::read(
            "answer, dry run",
            "answer_session",
            json!({"session_id": "sesn_02", "decision": "allow", "dry_run": true}),
        )
        .with_outcome("would_answer")
        .with_places(&[EVENTS]),
        Call::read(
            "answer what does not wait",
            "answer_session",
            json!({"session_id": "sesn_01", "decision": "allow"}),
        )
        .with_outcome("not_waiting"),
        Call::read(
            "answer",
            "answer_session",
            json!({"session_id": "sesn_02", "decision": "deny", "reason": SAID}),
        )
        .with_outcome("answered")
        .changes(&["sesn_02"], Effect::Said, TO_2),
    ]
}
