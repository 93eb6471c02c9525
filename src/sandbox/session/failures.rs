//! Turns that do not end well: errors, refusals, exhausted retries.

use serde_json::{Value, json};

use super::{Session, Status, TurnAction, outcome::Evaluation, stop::Stop};
use crate::sandbox::{clock::Clock, json::with_field};

/// All types of a `session.error`, with what happened.
const ERRORS: [(&str, &str); 15] = [
    ("unknown_error", "The session's container was lost and could not be restored."),
    ("model_overloaded_error", "The model is overloaded."),
    ("model_rate_limited_error", "The model's rate limit is reached."),
    ("model_request_failed_error", "The request to the model failed."),
    ("mcp_connection_failed_error", "The MCP server cannot be reached."),
    ("mcp_authentication_failed_error", "The MCP server rejected the credential."),
    ("billing_error", "The organization is out of credits."),
    ("credential_host_unreachable_error", "The host of the credential cannot be reached."),
    ("tool_use_limit_reached_error", "The turn has used too many tools."),
    ("compaction_limit_reached_error", "The context cannot be compacted any further."),
    ("repository_authentication_error", "The repository rejected the token."),
    ("repository_forbidden_error", "The token has no access to the repository."),
    ("repository_not_found_error", "The repository does not exist."),
    ("repository_checkout_error", "The branch or commit cannot be checked out."),
    ("repository_clone_error", "The repository cannot be cloned."),
];

impl Session {
    /// An error that does not end the turn.
    pub(super) fn report(&mut self, clock: &mut Clock, kind: &str) {
        if self.record_error(clock, kind, "exhausted") {
            self.reply(clock, "Something did not work; I did without it.");
        } else {
            let text = format!("There is no type of error named {kind:?}.");
            self.reply(clock, &text);
        }
    }

    /// A transient error: the session waits, then goes on by itself.
    pub(super) fn reschedule(&mut self, clock: &mut Clock) {
        self.end_model_request(clock, true);
        self.record_error(clock, "model_overloaded_error", "retrying");
        self.enter(clock, Status::Rescheduling);
        self.schedule(clock, TurnAction::GoOn);
    }

    /// An error that outlasts the retries: the turn ends, and so does what is queued.
    pub(super) fn exhaust_retries(&mut self, clock: &mut Clock) {
        self.end_model_request(clock, true);
        self.record_error(clock, "model_overloaded_error", "exhausted");
        self.stop(clock, Stop::RetriesExhausted);
    }

    /// An error that ends the session.
    pub(super) fn fail(&mut self, clock: &mut Clock) {
        self.end_model_request(clock, true);
        self.record_error(clock, "unknown_error", "terminal");
        self.stop_work(clock, Evaluation::Failed, "The session was terminated.");
        self.terminate_children(clock);
        self.enter(clock, Status::Terminated);
    }

    /// Ends the turn and the work on the outcome.
    pub(super) fn stop(&mut self, clock: &mut Clock, stop: Stop) {
        self.stop_work(clock, Evaluation::Failed, "The turn ended before the work was done.");
        self.go_idle(clock, stop);
    }

    /// Records a `session.error`; false if there is no such type.
    fn record_error(&mut self, clock: &mut Clock, kind: &str, retry_status: &str) -> bool {
        let Some((_, message)) = ERRORS.iter().find(|(known, _)| *known == kind) else {
            return false;
        };
        let error = json!({
            "type": kind,
            "message": message,
            "retry_status": {"type": retry_status},
        });
        let server = self.agent.mcp_servers.first().and_then(|server| server.get("name"));
        let server = server.cloned().unwrap_or_else(|| json!("unknown"));
        let error = match kind {
            "mcp_connection_failed_error" | "mcp_authentication_failed_error" => {
                with_field(error, "mcp_server_name", Some(server))
            }
            "credential_host_unreachable_error" => {
                let vault = self.vault_ids.first().map_or("vlt_01", String::as_str);
                let error = with_field(error, "vault_id", Some(json!(vault)));
                with_field(error, "credential_id", Some(json!("vcrd_01")))
            }
            _ if kind.starts_with("repository_") => {
                let mut urls = self.resources.iter().filter_map(|resource| resource.get("url"));
                let url = urls.next().cloned().unwrap_or(Value::Null);
                with_field(error, "repository_url", Some(url))
            }
            _ => error,
        };
        self.record("session.error", clock.stamp(), json!({"error": error}));
        true
    }
}
