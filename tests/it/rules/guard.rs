use managed_sessions_mcp::{
    domain::guard::{Activity, Operation as Op, Refusal, Ruling, Statuses, judge},
    model::SessionHead,
};

/// Operation, whether the session is archived; idle, running, rescheduling, terminated, unknown.
const MATRIX: &str = "
UpdateTools false: allowed session_running session_rescheduling session_terminated status_unrecognized
UpdateTools true: session_archived session_archived session_archived session_archived session_archived
Archive false: allowed session_running session_rescheduling allowed status_unrecognized
Archive true: nothing_to_do nothing_to_do nothing_to_do nothing_to_do nothing_to_do
Delete false: allowed session_running session_rescheduling allowed status_unrecognized
Delete true: allowed session_running session_rescheduling allowed status_unrecognized
Interrupt false: nothing_to_do allowed allowed session_terminated allowed
Interrupt true: session_archived session_archived session_archived session_archived session_archived
UpdateDetails false: allowed allowed allowed allowed allowed
UpdateDetails true: session_archived session_archived session_archived session_archived session_archived
UpdateBudget false: allowed allowed allowed session_terminated allowed
UpdateBudget true: session_archived session_archived session_archived session_archived session_archived
SendMessage false: allowed session_running session_rescheduling session_terminated status_unrecognized
SendMessage true: session_archived session_archived session_archived session_archived session_archived
QueueMessage false: allowed allowed allowed session_terminated allowed
QueueMessage true: session_archived session_archived session_archived session_archived session_archived
Answer false: allowed allowed allowed session_terminated allowed
Answer true: session_archived session_archived session_archived session_archived session_archived";

#[test]
fn the_guard_follows_its_matrix() {
    use Activity::{Idle, Rescheduling, Running, Terminated, Unknown};
    let row = |(operation, archived)| {
        let row = [Idle, Running, Rescheduling, Terminated, Unknown]
            .map(|activity| judge(operation, activity, archived).as_str());
        format!("\n{operation:?} {archived}: {}", row.join(" "))
    };
    let writes = [Op::UpdateTools, Op::Archive, Op::Delete, Op::Interrupt];
    let updates = [Op::UpdateDetails, Op::UpdateBudget];
    let sends = [Op::SendMessage, Op::QueueMessage, Op::Answer];
    let operations = writes.into_iter().chain(updates).chain(sends);
    let rows = operations.flat_map(|operation| [(operation, false), (operation, true)]);
    assert_eq!(rows.map(row).collect::<String>(), MATRIX);
}

proptest::proptest! {
    #[test]
    fn nothing_harmful_is_allowed_on_a_busy_session(
        status in "running|rescheduling",
        archived: bool,
        idle_like in proptest::collection::vec("running|rescheduling|paused|[a-z]{0,8}", 0..4),
    ) {
        let session = SessionHead {
            status,
            archived_at: archived.then(|| "2026-01-01T00:00:00Z".to_owned().into()),
            ..SessionHead::default()
        };
        let statuses = Statuses::new(idle_like);
        for operation in [Op::UpdateTools, Op::Archive, Op::Delete] {
            proptest::prop_assert_ne!(statuses.judge(operation, &session), Ruling::Go);
        }
    }
}

#[test]
fn only_declared_statuses_are_as_safe_as_idle() {
    let paused = SessionHead { status: "paused".into(), ..SessionHead::default() };
    let judge = |statuses: &Statuses| statuses.judge(Op::Delete, &paused);
    let refused = Ruling::Refuse(Refusal::StatusUnrecognized);
    assert_eq!(judge(&Statuses::default()), refused);
    assert_eq!(judge(&Statuses::new(vec!["paused".into()])), Ruling::Go);
}
