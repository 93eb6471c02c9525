//! Count sessions and add up what they cost.

use std::collections::BTreeSet;

use crate::{
    app::{
        agents::{ForAgent, for_agent},
        caller::Progress,
        context::Context,
        error::Error,
        scan::gap::Gap,
        services::Services,
    },
    domain::{
        agents::UnknownAgent,
        filter::Filter,
        view::summary::{Part, Summary},
    },
    model::Order,
};

const REPORT_EVERY: usize = 100;

pub(crate) struct Summarization {
    pub summary: Summary,
    pub scanned: usize,
    pub complete: bool,
    pub gaps: Vec<Gap>,
    /// Why there are no sessions.
    pub unknown_agent: Option<UnknownAgent>,
}

struct Summed {
    summary: Summary,
    matched: usize,
    scanned: usize,
    complete: bool,
    gaps: Vec<Gap>,
}

/// Summarizes the sessions that match, the newest `max_scan` at most.
pub(crate) async fn summarize_sessions(
    services: &Services,
    cx: &Context,
    filter: Filter,
    max_scan: usize,
    (parts, top): (&BTreeSet<Part>, usize),
) -> Result<Summarization, Error> {
    let read = |filter| {
        let summary = Summary::new(parts.iter().cloned(), top);
        sum(services, cx, filter, max_scan, summary)
    };
    let summed = for_agent(services, cx, filter, read, |summed| summed.matched == 0).await?;
    let ForAgent { answer: Summed { summary, scanned, complete, gaps, .. }, unknown, .. } = summed;
    Ok(Summarization { scanned, complete, gaps, summary, unknown_agent: unknown })
}

async fn sum(
    services: &Services,
    cx: &Context,
    filter: Filter,
    max_scan: usize,
    summary: Summary,
) -> Result<Summed, Error> {
    let mut scan = services.scan_sessions(cx, filter, Order::Desc, max_scan);
    let mut summed = Summed { summary, matched: 0, scanned: 0, complete: false, gaps: Vec::new() };
    let mut reported = 0;
    while let Some(session) = scan.next().await? {
        summed.summary.add(&session);
        summed.matched += 1;
        if scan.scanned() >= reported + REPORT_EVERY {
            reported = scan.scanned();
            cx.progress(Progress::Scanned { sessions: reported }).await;
        }
    }
    summed.scanned = scan.scanned();
    summed.complete = scan.is_complete();
    summed.gaps = scan.gaps();
    Ok(summed)
}
