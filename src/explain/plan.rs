//! What a person should know of a plan before it is applied.

use crate::app::ops::plan_changes::PlanMade;

pub(crate) fn warnings(made: &PlanMade) -> Vec<String> {
    let mut warnings = Vec::new();
    if made.leaves_waiting && made.matched > 0 {
        warnings.push(
            "those that wait for somebody's answer are left out when it is applied \
             (session_waiting), unless include_waiting is given"
                .to_owned(),
        );
    }
    if made.is_full {
        warnings.push(format!(
            "the plan is full with {} sessions (max_sessions); more may match: raise it, or plan \
             again once this plan is applied",
            made.matched
        ));
    }
    warnings
}
