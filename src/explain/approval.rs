//! Questions to a person, and what failures call what was asked about.

use jiff::Timestamp;

use super::names;
use crate::{
    app::approval::subject::{PlanDeletion, Subject},
    domain::{
        text, time,
        view::row::{Row, shown_amount},
    },
    model::{ApiTime, SessionHead},
};

/// How many agents of a plan are named.
const NAMED_AGENTS: usize = 5;

/// What failures call it: `deleting session sesn_1 ("Fix the login")`.
pub(crate) fn named(subject: &Subject) -> String {
    match subject {
        Subject::Deletion { session, id, .. } => {
            format!("deleting session {}", names::with_title(id.as_str(), session))
        }
        Subject::PlanDeletion(plan) => {
            format!("deleting the {} sessions of {}", plan.sessions, plan.plan_id)
        }
        Subject::Allowance { session, id, call, .. } => format!(
            "allowing {} of session {}",
            text::quoted_whole(&call.label()),
            names::with_title(id.as_str(), session)
        ),
    }
}

/// What a person is asked, with what will be lost.
pub(crate) fn question(subject: &Subject) -> String {
    match subject {
        Subject::Deletion { session, id, busy, exported, .. } => {
            let stop = if *busy { "It is running now and will be stopped first. " } else { "" };
            let copy = if *exported {
                " Record and history are exported to a file first."
            } else {
                " No copy is kept."
            };
            format!(
                "Delete session {} for good? {}. {stop}Its record, its whole event history and the \
                 files in its sandbox are lost; this cannot be undone.{copy}",
                names::with_title(id.as_str(), session),
                facts(session)
            )
        }
        Subject::PlanDeletion(plan) => plan_question(plan),
        Subject::Allowance { session, id, call, input, .. } => {
            let tool = call.tool.as_deref().map(text::quoted);
            format!(
                "Allow session {} to carry out this tool call? Tool: {}. Input: {}. (Call {})",
                names::with_title(id.as_str(), session),
                tool.as_deref().unwrap_or("unknown"),
                input.as_deref().map_or_else(|| "unknown".to_owned(), text::quoted_whole),
                text::word(&call.event_id),
            )
        }
    }
}

fn plan_question(plan: &PlanDeletion) -> String {
    let listed = |names: &[String], total: usize| {
        let named: Vec<String> = names.iter().map(|name| text::quoted(name)).collect();
        let more = total.saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        named.join(", ") + &more
    };
    let agents = plan.agents.len();
    let agents = listed(plan.agents.get(..NAMED_AGENTS).unwrap_or(&plan.agents), agents);
    let created = plan.created.as_ref();
    let created = created.map(|(oldest, newest)| format!(", created from {oldest} to {newest}"));
    let copies = if plan.exported {
        "Record and history of each are exported to a file first."
    } else {
        "No copies are kept."
    };
    format!(
        "Delete {} sessions for good, with their event histories and sandboxes? {}. Of the agents \
         {agents}{}. They cost {} so far. {copies} This cannot be undone. (Plan {})",
        plan.sessions,
        listed(&plan.titles, plan.sessions),
        created.unwrap_or_default(),
        plan.list_cost.as_deref().unwrap_or("an unknown amount"),
        plan.plan_id,
    )
}

fn facts(session: &SessionHead) -> String {
    let row = Row::of(session);
    let now = Timestamp::now();
    let age = |at: Option<&ApiTime>| at.and_then(ApiTime::at).map(|at| time::age(at, now));
    let status = row.status.as_deref().map(text::quoted);
    let mut facts = vec![format!("Status {}", status.as_deref().unwrap_or("unknown"))];
    if let Some(age) = age(session.created_at.as_ref()) {
        facts.push(format!("created {age} ago"));
    }
    if let Some(age) = age(session.updated_at.as_ref()) {
        facts.push(format!("last changed {age} ago"));
    }
    let cost = session.usage.list_cost.as_ref().and_then(shown_amount);
    facts.push(format!("cost {}", cost.as_deref().unwrap_or("unknown")));
    facts.join(", ")
}
