//! Agents that cannot be told by what was given.

use crate::{
    app::op::Op,
    domain::{
        agents::{KnownAgent, Part, UnknownAgent},
        text,
    },
    explain::{
        explanation::{Words, words},
        vocabulary::Vocabulary,
    },
};

/// How many agents of one name are shown.
const SHOWN: usize = 10;

/// One sentence: there is no such agent, and which there are.
pub(crate) fn unknown(unknown: &UnknownAgent) -> String {
    unknown_part(Part::Agent, unknown)
}

/// The same of an agent or an environment.
pub(crate) fn unknown_part(part: Part, unknown: &UnknownAgent) -> String {
    let (name, wanted) = (part.name(), text::quoted(&unknown.wanted));
    let known = match unknown.known.as_slice() {
        [] => format!("there is no {name} at all"),
        known => format!("there are {}", listed(known, unknown.more)),
    };
    let where_ = if unknown.complete { "" } else { " among those that could be looked at" };
    format!("no {name} has the id or name {wanted}{where_}; {known}")
}

/// The same as a failure of `op`.
pub(crate) fn unknown_agent(op: Op, agent: &UnknownAgent, vocabulary: &dyn Vocabulary) -> Words {
    let name = vocabulary.called(op);
    words(unknown(agent), format!("call {name} with the id or name of an agent that there is"))
}

/// Why a name that several agents have is not enough.
pub(crate) fn ambiguous(
    op: Op,
    name: &str,
    agents: &[KnownAgent],
    vocabulary: &dyn Vocabulary,
) -> Words {
    let shown: Vec<String> = agents.iter().take(SHOWN).map(|agent| text::word(&agent.id)).collect();
    let more = agents.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let ids = shown.join(", ");
    words(
        format!("{} agents have the name {}: {ids}{more}", agents.len(), text::quoted(name)),
        format!("call {} with the id of one of them as agent", vocabulary.called(op)),
    )
}

pub(super) fn listed(agents: &[KnownAgent], more: usize) -> String {
    let shown: Vec<String> = agents
        .iter()
        .map(|agent| format!("{} ({})", text::quoted(&agent.name), text::word(&agent.id)))
        .collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}
