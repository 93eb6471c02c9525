//! Count sessions and add up what they cost.

use crate::{
    app::{caller::Progress, context::Context, error::Error, scan::gap::Gap, services::Services},
    domain::{
        filter::Filter,
        view::{
            size::size,
            summary::{Summarized, Summary},
        },
    },
    model::Order,
};

/// How much sums and rows may take of an answer of 12,000 characters.
const MAX_BYTES: usize = 11_200;
const REPORT_EVERY: usize = 100;

pub(crate) struct Summarization {
    pub summary: Summarized,
    pub scanned: usize,
    pub complete: bool,
    pub gaps: Vec<Gap>,
}

/// Summarizes the sessions that match, the newest `max_scan` at most.
pub(crate) async fn summarize_sessions(
    services: &Services,
    cx: &Context,
    filter: Filter,
    max_scan: usize,
) -> Result<Summarization, Error> {
    let mut scan = services.scan_sessions(cx, filter, Order::Desc, max_scan);
    let mut summary = Summary::default();
    let mut reported = 0;
    while let Some(session) = scan.next().await? {
        summary.add(&session);
        if scan.scanned() >= reported + REPORT_EVERY {
            reported = scan.scanned();
            cx.progress(Progress::Scanned { sessions: reported }).await;
        }
    }
    Ok(Summarization {
        scanned: scan.scanned(),
        complete: scan.is_complete(),
        gaps: scan.gaps(),
        summary: summary.fitting(|shown| size(shown) <= MAX_BYTES),
    })
}
