//! Choose sessions to archive or delete. Reads only.

use crate::{
    app::{
        context::Context,
        error::{Error, ErrorKind},
        plan::{action::Action, apply::REQUESTS_PER_SESSION, draft::Draft, progress::Skipped},
        services::Services,
    },
    domain::{filter::Filter, view::row::Row},
    model::SessionId,
};

pub(crate) enum Selection {
    Ids(Vec<SessionId>),
    Matching(Box<Filter>),
}

pub(crate) struct PlanMade {
    pub plan_id: String,
    pub expires_at: String,
    pub matched: usize,
    pub sessions: Vec<Row>,
    pub total_list_cost: Option<String>,
    pub skipped: Skipped,
    pub scanned: usize,
    pub complete: bool,
    pub estimated_seconds: u64,
}

/// Makes a plan of at most `max_sessions` sessions.
pub(crate) async fn plan_cleanup(
    services: &Services,
    cx: &Context,
    action: Action,
    selection: Selection,
    max_sessions: usize,
    max_scan: usize,
) -> Result<PlanMade, Error> {
    let mut draft = Draft::new(services, cx, action, max_sessions);
    match selection {
        Selection::Ids(ids) => draft.add_ids(ids, max_scan).await?,
        Selection::Matching(filter) => draft.add_matching(*filter, max_scan).await?,
    }
    let (matched, total_list_cost) = (draft.planned.len(), draft.list_cost());
    let plans = &services.plans;
    let plan = plans.insert(action, draft.planned, total_list_cost.clone());
    let plan = plan.ok_or(ErrorKind::Internal)?;
    let per_minute = u64::from(services.settings.max_rpm.get());
    // The first second's worth goes at once.
    let requests = matched as u64 * u64::from(REQUESTS_PER_SESSION);
    let seconds = (requests * 60).div_ceil(per_minute).saturating_sub(1);
    Ok(PlanMade {
        plan_id: plan.id.clone(),
        expires_at: format!("{:.0}", plan.expires_at),
        matched,
        sessions: draft.rows,
        total_list_cost,
        skipped: draft.skipped,
        scanned: draft.scanned,
        complete: draft.complete,
        estimated_seconds: seconds.max(u64::from(matched > 0)),
    })
}
