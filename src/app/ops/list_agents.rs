//! What sessions can be started from: agents and environments.

use crate::{
    api::AgentQuery,
    app::{
        agents::{Agents, is_archived},
        context::Context,
        cursor::ListRequest,
        error::{About, Error},
        scan::{PAGE_SIZE, gap::Gap},
        services::Services,
    },
    domain::view::{
        agent::{AgentRow, EnvironmentRow},
        size::{LIST_BYTES, SizeBudget},
    },
};

/// Agents that one call looks at.
const MAX_SCAN: usize = 2_000;
/// Environments shown, and what they may take of an answer.
const MAX_ENVIRONMENTS: usize = 100;
const ENVIRONMENT_BYTES: usize = 12_000;
/// Pages of environments that are read.
const MAX_PAGES: usize = 5;

pub(crate) struct Query {
    pub request: ListRequest,
    pub name_contains: Option<String>,
    pub include_archived: bool,
    pub limit: u32,
}

pub(crate) struct Listed {
    pub agents: Vec<AgentRow>,
    /// On the first page, if they can be read.
    pub environments: Option<Result<Environments, Error>>,
    pub next_page: Option<String>,
    pub gaps: Vec<Gap>,
}

pub(crate) struct Environments {
    pub rows: Vec<EnvironmentRow>,
    /// There are more.
    pub is_cut: bool,
}

pub(crate) async fn list_agents(
    services: &Services,
    cx: &Context,
    query: Query,
) -> Result<Listed, Error> {
    let is_first = query.request.position.is_none();
    let agents = Agents {
        allowed: services.settings.allowed_agents.clone(),
        include_archived: query.include_archived,
        name_contains: query.name_contains.map(|name| name.to_lowercase()),
    };
    let is_filtered = agents.name_contains.is_some() || !agents.allowed.is_empty();
    let mut scan = services
        .scan(cx, agents, MAX_SCAN)
        .page_size(if is_filtered { PAGE_SIZE } else { query.limit })
        .resume_from(query.request.position.clone());
    let mut budget = SizeBudget::of(LIST_BYTES);
    let mut rows = Vec::new();
    let first = scan.next().await?;
    // After the agents, so that a service without either is unsupported.
    let environments =
        if is_first { Some(environments(cx, query.include_archived).await) } else { None };
    if let Some(Ok(environments)) = &environments {
        budget.take(&environments.rows);
    }
    let mut next = first;
    while let Some(agent) = next.take() {
        let row = AgentRow::of(&agent, is_archived(&agent));
        if rows.len() == query.limit as usize || !(budget.take(&row) || rows.is_empty()) {
            scan.unread(agent);
            break;
        }
        rows.push(row);
        if rows.len() < query.limit as usize {
            next = scan.next().await?;
        }
    }
    Ok(Listed {
        agents: rows,
        environments,
        gaps: scan.gaps(),
        next_page: query.request.next_cursor(services.cursors(), scan.position()),
    })
}

async fn environments(cx: &Context, include_archived: bool) -> Result<Environments, Error> {
    let mut query =
        AgentQuery { include_archived, limit: Some(PAGE_SIZE), ..AgentQuery::default() };
    let mut budget = SizeBudget::of(ENVIRONMENT_BYTES);
    let mut rows: Vec<EnvironmentRow> = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = cx.client().list_environments(&query).await;
        let page = page.map_err(|error| Error::api(About::EnvironmentList, error))?.body;
        for environment in page.data {
            let archived = is_archived(&environment);
            let row = EnvironmentRow::of(&environment, archived);
            let is_known = rows.iter().any(|known| known.id == row.id);
            if row.id.is_empty() || is_known || (archived && !include_archived) {
                continue;
            }
            if rows.len() == MAX_ENVIRONMENTS || !budget.take(&row) {
                return Ok(Environments { rows, is_cut: true });
            }
            rows.push(row);
        }
        match page.next_page {
            Some(next) if query.page.as_ref() != Some(&next) => query.page = Some(next),
            Some(_) => return Ok(Environments { rows, is_cut: true }),
            None => return Ok(Environments { rows, is_cut: page.is_incomplete }),
        }
    }
    Ok(Environments { rows, is_cut: true })
}
