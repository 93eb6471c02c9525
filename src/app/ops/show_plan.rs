//! Every session of a plan, page by page, with what has become of it.

use std::sync::Arc;

use crate::{
    app::{
        cursor::ListRequest,
        error::{Error, ErrorKind},
        plan::{
            draft::SHOWN_BYTES,
            store::{Fate, Plan},
        },
        scan::position::Position,
        services::Services,
    },
    domain::view::{row::Row, size::SizeBudget},
};

/// What the outcome and the code add to a row, in bytes.
const FATE_BYTES: &str = "\"outcome\":\"skipped\",\"code\":\"status_unrecognized\",";

pub(crate) struct PlanPage {
    pub plan: Arc<Plan>,
    /// As they were when the plan was made.
    pub sessions: Vec<(Row, Fate)>,
    pub next_page: Option<String>,
}

/// One page of a plan. Sessions keep their order while the plan is applied, so that pages neither
/// repeat nor leave out any.
pub(crate) fn show_plan(
    services: &Services,
    plan_id: &str,
    request: &ListRequest,
) -> Result<PlanPage, Error> {
    let plan = services.plans.get(plan_id);
    let plan = plan.ok_or_else(|| ErrorKind::PlanNotFound(plan_id.to_owned()))?;
    let first = request.position.as_ref().map_or(0, Position::consumed);
    let mut sessions = Vec::new();
    let mut budget = SizeBudget::of(SHOWN_BYTES);
    plan.sessions_from(first, |session| {
        let fits = budget.take(&(&session.row, FATE_BYTES));
        if fits {
            sessions.push((session.row.clone(), session.fate));
        }
        fits
    });
    let shown = first + sessions.len();
    let is_more = !sessions.is_empty() && shown < plan.progress().matched;
    let position = is_more.then(|| Position::after(shown));
    let next_page = request.next_cursor(services.cursors(), position);
    Ok(PlanPage { plan, sessions, next_page })
}
