//! `triage_sessions`: which sessions need somebody.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        error::ErrorKind,
        ops::triage_sessions::{Patient, Query, triage_sessions},
    },
    domain::{
        diagnosis::Verdict,
        text,
        view::size::{SizeBudget, size},
    },
    explain::{agents::unknown as unknown_agent_warning, gaps, triage::unread},
    mcp::{
        args::{filter::FilterArgs, values::number},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

/// What an answer may take.
const ANSWER_BYTES: usize = 11_900;
/// Longest title or name shown, in characters; there are many of them.
const NAME_CHARACTERS: usize = 60;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// How many to diagnose, newest first.
    #[serde(default = "number::<300>")]
    #[schemars(range(min = 1, max = 1000))]
    max_sessions: u32,
    /// next_page of an earlier answer, with the same filters.
    page: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// How many sessions of each verdict, those that need nobody too; unknown ones could not be
    /// read.
    #[schemars(with = "BTreeMap<String, usize>")]
    counts: BTreeMap<Verdict, usize>,
    /// Those that need somebody, the longest waiting first.
    attention: Vec<AttentionRow>,
    /// How many further rows did not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    /// Give it as page to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
    /// Whether every session was read; if not, next_page goes on, or warnings say why.
    complete: bool,
    /// How many sessions were looked at.
    scanned: usize,
    /// Why the answer is empty or not whole, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A session that needs somebody.
#[derive(Serialize, JsonSchema)]
struct AttentionRow {
    /// The session's id.
    id: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// The name of its agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// What it is found to be.
    verdict: Verdict,
    /// The call or run that waits, to show to a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<String>,
    /// The event of that call, by which it is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// RFC 3339, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Cost so far at list price.
    #[serde(skip_serializing_if = "Option::is_none")]
    list_cost: Option<String>,
}

impl AttentionRow {
    fn of(patient: Patient) -> Self {
        let Patient { session, verdict, attention } = patient;
        let name = |name: String| text::shortened(&name, NAME_CHARACTERS);
        Self {
            id: session.id,
            title: session.title.map(name),
            agent: session.agent.and_then(|agent| agent.name.or(agent.id)).map(name),
            verdict,
            waiting_for: attention.waiting_for,
            event_id: attention.event_id,
            since: attention.since.map(|since| format!("{since:.0}")),
            list_cost: session.list_cost,
        }
    }
}

impl SessionsTool for Args {
    const OP: Op = Op::TriageSessions;
    const TITLE: &'static str = "Triage sessions";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Diagnose many sessions in one call: which need somebody, for what, since when; which are \
        stuck, failed or stopped by their budget. Quiet ones are only counted. Archived ones \
        only with include_archived.",
    )];
    const GROUP: ToolGroup = ToolGroup::Fleet;
    const EFFECT: Effect = Effect::Reads;
    const FILTERS: bool = true;
    const BULK: bool = true;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let request = call.list_request(&self.filter, self.page.as_deref())?;
        let filter = self.filter.read(request.asked_at());
        let query = Query {
            filter: filter.map_err(ErrorKind::InvalidArguments)?,
            request,
            max_sessions: self.max_sessions as usize,
        };
        let triaged = Box::pin(triage_sessions(call.services, call.cx, query)).await?;
        let mut output = Output {
            warnings: gaps::warnings(&triaged.gaps, triaged.next_page.is_some())
                .into_iter()
                .chain(unread(&triaged.unread))
                .chain(triaged.unknown_agent.iter().map(unknown_agent_warning))
                .collect(),
            counts: triaged.counts,
            attention: Vec::new(),
            more: Some(triaged.patients.len()),
            next_page: triaged.next_page,
            complete: triaged.complete,
            scanned: triaged.scanned,
        };
        let mut budget = SizeBudget::of(ANSWER_BYTES.saturating_sub(size(&output)));
        let rows = triaged.patients.into_iter().map(AttentionRow::of);
        let mut rows = rows.peekable();
        while let Some(row) = rows.next_if(|row| budget.take(row)) {
            output.attention.push(row);
        }
        output.more = Some(rows.count()).filter(|more| *more > 0);
        Ok(output)
    }
}
