//! Find sessions: as many rows as fit into an answer.

use crate::{
    app::{
        context::Context,
        cursor::ListRequest,
        error::Error,
        scan::{PAGE_SIZE, gap::Gap},
        services::Services,
    },
    domain::{
        filter::Filter,
        view::{
            row::Row,
            size::{LIST_BYTES, SizeBudget},
        },
    },
    model::Order,
};

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
}

pub(crate) async fn list_sessions(
    services: &Services,
    cx: &Context,
    query: Query,
) -> Result<Listed, Error> {
    let limit = query.limit as usize;
    let has_local_conditions = query.filter.has_local_conditions();
    let mut scan = services
        .scan_sessions(cx, query.filter, query.order, query.max_scan)
        .page_size(if has_local_conditions { PAGE_SIZE } else { query.limit })
        .resume_from(query.request.position.clone());
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
    Ok(Listed {
        sessions: rows,
        next_page: query.request.next_cursor(services.cursors(), scan.position()),
        scanned: is_scan.then(|| (scan.scanned(), scan.is_complete())),
        gaps,
    })
}
