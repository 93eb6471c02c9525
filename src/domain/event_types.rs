//! The types of events, to tell a mistyped name from one that a service has of its own.

/// How many types are named for one that is not known.
const NEAR: usize = 4;
/// A family with at most so many typing errors is meant to be one of the API's.
const MAX_TYPING_ERRORS: usize = 2;

/// The types of events in the API, as in the official SDK.
pub const EVENT_TYPES: [&str; 42] = [
    "agent.custom_tool_use",
    "agent.mcp_tool_result",
    "agent.mcp_tool_use",
    "agent.message",
    "agent.thinking",
    "agent.thread_context_compacted",
    "agent.thread_message_received",
    "agent.thread_message_sent",
    "agent.tool_result",
    "agent.tool_use",
    "session.deleted",
    "session.error",
    "session.status_idle",
    "session.status_rescheduled",
    "session.status_running",
    "session.status_terminated",
    "session.thread_created",
    "session.thread_status_idle",
    "session.thread_status_rescheduled",
    "session.thread_status_running",
    "session.thread_status_terminated",
    "session.updated",
    "session.usage",
    "span.model_request_end",
    "span.model_request_start",
    "span.outcome_evaluation_end",
    "span.outcome_evaluation_ongoing",
    "span.outcome_evaluation_start",
    "system.message",
    "user.custom_tool_result",
    "user.define_outcome",
    "user.interrupt",
    "user.message",
    "user.tool_confirmation",
    "user.tool_result",
    "workflow_run.created",
    "workflow_run.error",
    "workflow_run.phase_ended",
    "workflow_run.phase_started",
    "workflow_run.status_ended",
    "workflow_run.status_idle",
    "workflow_run.status_running",
];

/// Checks a type to filter by; the error is the types most like it.
///
/// A name in a family that the API does not have, such as `acme.note`, is a service's own and
/// passes. Within the API's families only its own types do.
pub fn check(name: &str) -> Result<(), Vec<&'static str>> {
    if EVENT_TYPES.contains(&name) || is_of_another_family(name) {
        return Ok(());
    }
    let lower = name.to_lowercase();
    let likeness = |one: &&str| {
        let whole = strsim::normalized_damerau_levenshtein(one, &lower);
        // "message" is meant to be one of "user.message" and its like.
        let kind = one.split_once('.').map_or(*one, |(_, kind)| kind);
        whole.max(strsim::normalized_damerau_levenshtein(kind, &lower))
    };
    let mut near = EVENT_TYPES.to_vec();
    near.sort_by(|one, other| likeness(other).total_cmp(&likeness(one)));
    near.truncate(NEAR);
    Err(near)
}

fn is_of_another_family(name: &str) -> bool {
    let is_word = |part: &str| {
        let mut characters = part.chars();
        characters.next().is_some_and(|c| c.is_ascii_lowercase())
            && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c))
    };
    let Some((family, kind)) = name.split_once('.') else {
        return false;
    };
    let resembles = |known: &str| {
        strsim::damerau_levenshtein(family, known) <= MAX_TYPING_ERRORS
            || known.starts_with(family)
            || family.starts_with(known)
    };
    let mut families = EVENT_TYPES.iter().filter_map(|each| each.split('.').next());
    is_word(family) && is_word(kind) && !families.any(resembles)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_type_is_known_of_another_family_or_mistyped() {
        let near = |name: &str| match check(name) {
            Ok(()) => "passes".to_owned(),
            Err(near) => near.join(" "),
        };
        let starts = |name: &str, expected: &str| {
            let near = near(name);
            assert!(near.starts_with(expected), "{name}: {near}");
        };
        starts("agent.message", "passes");
        starts("workflow_run.status_ended", "passes");
        // A service's own.
        starts("acme.note", "passes");
        starts("billing.limit-reached", "passes");
        // Mistyped, in another case, without its family, of a family of the API.
        starts("agent.mesage", "agent.message");
        starts("agnet.message", "agent.message");
        starts("Agent.Message", "agent.message");
        starts("agent_message", "agent.message");
        starts("message", "agent.message system.message user.message");
        starts("tool_use", "agent.tool_use");
        starts("error", "session.error workflow_run.error");
        starts("agent.tool_used", "agent.tool_use");
        starts("workflow.created", "workflow_run.created");
        starts("session.status_idel", "session.status_idle");
        starts("agent.message, user.message", "agent.");
        assert_eq!(check("nonsense").map_err(|near| near.len()), Err(4));
        assert_eq!(check(".").map_err(|near| near.len()), Err(4));
    }
}
