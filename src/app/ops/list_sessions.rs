//! Find sessions: as many rows as fit into an answer.

use crate::{
    app::{
        agents::{ForAgent, for_agent},
        context::Context,
        cursor::ListRequest,
        error::Error,
        scan::{PAGE_SIZE, gap::Gap, position::Position},
        services::Services,
    },
    domain::{
        agents::UnknownAgent,
        filter::Filter,
        view::{
            row::Row,
            size::{LIST_BYTES, SizeBudget},
        },
    },
    model::Order,
};

#[derive(Clone)]
pub(crate) struct Query {
    pub request: ListRequest,
    pub filter: Filter,
    pub order: Order,
    pub limit: u32,
    /// How many sessions filters of our own may look at.
    pub max_scan: usize,
}

pub(crate) struct Listed {
    pub sessions: Vec<Row>,
    pub next_page: Option<String>,
    /// For a scan: how many sessions were looked at, and whether those were all.
    pub scanned: Option<(usize, bool)>,
    /// Why those were not all, if `next_page` alone does not show it.
    pub gaps: Vec<Gap>,
    /// Why there are no rows.
    pub unknown_agent: Option<UnknownAgent>,
}

/// A page of rows, and where the next one begins.
struct Page {
    rows: Vec<Row>,
    scanned: Option<(usize, bool)>,
    position: Option<Position>,
    gaps: Vec<Gap>,
}

pub(crate) async fn list_sessions(
    services: &Services,
    cx: &Context,
    mut query: Query,
) -> Result<Listed, Error> {
    let page = if let Some(agent_id) = query.request.agent_id.clone() {
        let agent_id = Some(agent_id);
        query.filter.agent_id.clone_from(&agent_id);
        let answer = rows(services, cx, query.clone()).await?;
        ForAgent { answer, agent_id, unknown: None }
    } else {
        let read = |filter| rows(services, cx, Query { filter, ..query.clone() });
        let is_empty = |page: &Page| page.rows.is_empty();
        for_agent(services, cx, query.filter.clone(), read, is_empty).await?
    };
    let Page { rows, scanned, position, gaps } = page.answer;
    let request = query.request.of_agent(page.agent_id);
    Ok(Listed {
        sessions: rows,
        next_page: request.next_cursor(services.cursors(), position),
        scanned,
        gaps,
        unknown_agent: page.unknown,
    })
}

async fn rows(services: &Services, cx: &Context, query: Query) -> Result<Page, Error> {
    let limit = query.limit as usize;
    let has_local_conditions = query.filter.has_local_conditions();
    let mut scan = services
        .scan_sessions(cx, query.filter, query.order, query.max_scan)
        .page_size(if has_local_conditions { PAGE_SIZE } else { query.limit })
        .resume_from(query.request.position);
    let mut rows = Vec::new();
    let mut budget = SizeBudget::of(LIST_BYTES);
    let mut is_full = false;
    while !is_full
        && rows.len() < limit
        && let Some(session) = scan.next().await?
    {
        let row = Row::of(&session);
        if budget.take(&row) || rows.is_empty() {
            rows.push(row);
        } else {
            scan.unread(session);
            is_full = true;
        }
    }
    // Without local conditions it is a scan only where the service ignored the API's.
    let stopped = !is_full && rows.len() < limit && !scan.is_complete();
    let gaps = scan.gaps();
    let is_scan = has_local_conditions || stopped || !gaps.is_empty();
    Ok(Page {
        rows,
        scanned: is_scan.then(|| (scan.scanned(), scan.is_complete())),
        position: scan.position(),
        gaps,
    })
}
