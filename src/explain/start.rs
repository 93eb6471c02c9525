//! Why a session was not started, or not as asked; and what is worth a look about one that was.

use serde_json::json;

use crate::{
    api::{ApiError, ApiErrorKind},
    app::{error::StartInDoubt, op::Op},
    domain::{
        agents::{CannotStart, KnownAgent, Part},
        new_session::{Differences, Mistake, StartWarning},
        text,
        toolset::Problem,
    },
    explain::{
        agents::unknown_part,
        details,
        explanation::{Words, words},
        guard::joined,
        names, toolset, values,
        vocabulary::Vocabulary,
    },
    model::SessionHead,
};

/// How many of what is listed are shown.
const SHOWN: usize = 10;
/// Longest name of a resource or field shown, in characters.
const SHOWN_CHARACTERS: usize = 200;

/// One clause, which begins with the argument.
pub(crate) fn mistake(mistake: &Mistake) -> String {
    match mistake {
        Mistake::Missing(name) => format!(
            "{name} is missing; give its id or name, or like_session for the {name} of another \
             session"
        ),
        Mistake::NotCopied(name) => format!(
            "{name} is missing; give its id or name, since the answer about the session of \
             like_session names none"
        ),
        Mistake::Details(of_metadata) => details::mistake(of_metadata),
        Mistake::Budget(invalid) => format!("budget {}", values::amount(*invalid)),
        Mistake::BudgetCurrency(currency) => format!(
            "budget is in {}; the API takes US dollars only, such as \"50.00 USD\"",
            text::word(currency)
        ),
        Mistake::BudgetCents => {
            "budget must be a whole number of cents, at least \"0.01 USD\"".to_owned()
        }
    }
}

/// Why no session can be started from what was given.
pub(crate) fn cannot(op: Op, why: &CannotStart, vocabulary: &dyn Vocabulary) -> Words {
    let name = vocabulary.called(op);
    match why {
        CannotStart::Unknown(part, unknown) => words(
            unknown_part(*part, unknown),
            format!("call {name} with the id or name of one that there is as {}", part.name()),
        ),
        CannotStart::Ambiguous(part, wanted, all) => words(
            format!(
                "{} {}s have the name {}: {}",
                all.len(),
                part.name(),
                text::quoted(wanted),
                shown(all.iter().map(|each| text::word(&each.id)).collect())
            ),
            format!("call {name} with the id of one of them as {}", part.name()),
        ),
        CannotStart::Archived(part, KnownAgent { id, name: of_it }) => words(
            format!(
                "{} {} ({}) is archived, so no session can be started with it",
                part.name(),
                text::word(id),
                text::quoted(of_it)
            ),
            see_what_there_is(*part, op, vocabulary),
        ),
        CannotStart::NotAllowed(agent) => words(
            format!("this server is not allowed to manage agent {}", text::quoted(agent)),
            format!(
                "{}; the operator sets --allow-agent",
                see_what_there_is(Part::Agent, op, vocabulary)
            ),
        ),
    }
}

fn see_what_there_is(part: Part, op: Op, vocabulary: &dyn Vocabulary) -> String {
    let otherwise =
        format!("call {} with the id of another {}", vocabulary.called(op), part.name());
    vocabulary.step_or(
        Op::ListAgents,
        &[],
        &format!(" to find another {}", part.name()),
        &otherwise,
    )
}

/// The API's own 404: something that the session was to be made of.
pub(crate) fn part_not_found(
    op: Op,
    agent: &str,
    error: &ApiError,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let message = match error.kind() {
        ApiErrorKind::Http(error) => format!(": {}", text::quoted_whole(&error.message)),
        _ => String::new(),
    };
    words(
        format!(
            "something that the new session of agent {} needs does not exist, or the credential \
             cannot see it{message}",
            text::word(agent)
        ),
        vocabulary.step_or(
            Op::ListAgents,
            &[],
            " to see the agents and environments that there are",
            &format!("correct that and call {} again", vocabulary.called(op)),
        ),
    )
}

pub(crate) fn invalid_tools(op: Op, problems: &[Problem], vocabulary: &dyn Vocabulary) -> Words {
    let name = vocabulary.called(op);
    words(
        format!("no session was started: {}", joined(problems, toolset::problem)),
        format!("correct that and call {name} again"),
    )
}

/// The session exists, and is not the one asked for.
pub(crate) fn started_differently(
    session: &SessionHead,
    differences: &Differences,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let fields = differences.fields.iter().map(|field| format!("{field} is not as asked for"));
    let fields: Vec<String> =
        fields.chain(differences.toolset.iter().map(toolset::difference)).collect();
    let id = [("session_id", json!(session.id))];
    let named = names::session(session);
    let step = vocabulary
        .invoke(Op::GetSession, &id)
        .map(|call| format!("{call} to see it as it is, and end it if it is of no use"));
    words(
        format!("session {named} was started, and costs like any other, but {}", shown(fields)),
        step.unwrap_or_else(|| "look at that session, and end it if it is of no use".to_owned()),
    )
}

/// The end of the sentence about a creation whose answer was lost.
pub(crate) fn doubt(doubt: &StartInDoubt) -> String {
    let agent = text::word(&doubt.agent);
    let seen = match doubt.created.as_deref() {
        None => format!("the sessions of agent {agent} cannot be listed"),
        Some([]) => format!("its list shows no newer session of agent {agent} so far"),
        Some(created) => format!(
            "since then agent {agent} has these new sessions: {}",
            shown(created.iter().map(names::session).collect())
        ),
    };
    format!("; it may have been carried out: {seen}")
}

/// The next step after a creation whose answer was lost.
pub(crate) fn look_first(doubt: &StartInDoubt, vocabulary: &dyn Vocabulary) -> String {
    let rest = "before you start another one: each costs";
    if let Some([session]) = doubt.created.as_deref() {
        let id = json!(session.id);
        let args = [("session_id", id)];
        if let Some(call) = vocabulary.invoke(Op::GetSession, &args) {
            return format!("{call} to see whether it is the one, {rest}");
        }
    }
    vocabulary.step_or(
        Op::ListSessions,
        &[("agent", json!(doubt.agent))],
        &format!(" to see whether it is there, {rest}"),
        &format!("see whether it is there, {rest}"),
    )
}

/// One clause.
pub(crate) fn warning(warning: &StartWarning) -> String {
    let quoted = |name: &str| text::quoted(&text::shortened(name, SHOWN_CHARACTERS));
    match warning {
        StartWarning::Toolset(warning) => toolset::warning(warning),
        StartWarning::WithoutToken(url) => format!(
            "the repository {} is taken over without its token, which the service does not give \
             out: a private one cannot be cloned",
            quoted(url)
        ),
        StartWarning::ResourceLeftOut(kind, which) => {
            let kind = if kind.is_empty() { "unknown" } else { kind };
            let which = which.as_ref().map(|which| format!(" ({})", quoted(which)));
            format!(
                "a resource of type {} cannot be taken over{}",
                quoted(kind),
                which.unwrap_or_default()
            )
        }
        StartWarning::AgentFieldsLeftOut(fields) => format!(
            "the session of like_session has its own {}, not taken over: the new one has the \
             agent's",
            fields.join(", ")
        ),
        StartWarning::ToolsLeftOut => {
            "agent is given, so the new session has the agent's tools, which differ from those of \
             the session of like_session"
                .to_owned()
        }
        StartWarning::ToolsUnknown => {
            "the agent cannot be read here, so the new session has the agent's tools, even if the \
             session of like_session has others"
                .to_owned()
        }
        StartWarning::NothingToWaitFor => {
            "wait_seconds had no effect: without a message the session is idle".to_owned()
        }
    }
}

fn shown(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", all.join(", "))
}
