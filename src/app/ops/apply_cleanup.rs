//! Archive or delete the sessions of a plan, in steps that end in time.

use crate::{
    app::{
        approval::{Approval, ApprovalToken, subject::Subject},
        context::Context,
        error::{Error, ErrorKind},
        plan::{action::Action, apply::apply, progress::PlanProgress},
        services::Services,
    },
    domain::code::Code,
};

pub(crate) enum Applied {
    Worked {
        progress: PlanProgress,
        stopped_by: Option<Code>,
    },
    /// Nothing was written: the caller has to come back with the token.
    NeedsApproval {
        progress: PlanProgress,
        token: ApprovalToken,
    },
}

/// Applies a plan, for as long as one call may take.
pub(crate) async fn apply_cleanup(
    services: &Services,
    cx: &Context,
    plan_id: &str,
    token: Option<&str>,
) -> Result<Applied, Error> {
    let plan = services.plans.get(plan_id);
    let plan = plan.ok_or_else(|| ErrorKind::PlanNotFound(plan_id.to_owned()))?;
    if plan.action == Action::Delete && !plan.is_approved() {
        let subject = Subject::PlanDeletion {
            plan_id: plan.id.clone(),
            sessions: plan.progress().matched,
            list_cost: plan.list_cost.clone(),
        };
        match services.approvals.approve(cx, token, &subject).await? {
            Approval::Granted | Approval::Recheck => plan.approve(),
            Approval::Needs(token) => {
                return Ok(Applied::NeedsApproval {
                    progress: plan.progress(),
                    token,
                });
            }
        }
    }
    let stopped_by = apply(services, cx, &plan).await?;
    Ok(Applied::Worked {
        progress: plan.progress(),
        stopped_by,
    })
}
