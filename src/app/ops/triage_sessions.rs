//! Diagnose many sessions: who waits for whom, for what, and since when.
//!
//! Sessions are looked at several at a time and counted in the order of the list, so that the
//! place where a call stops is one place: what was begun behind it is left to the next call.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{Stream, StreamExt as _, pin_mut, stream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    app::{
        agents::{ForAgent, for_agent},
        caller::Progress,
        context::Context,
        cursor::ListRequest,
        error::{Blame, Error, ErrorKind},
        examination::{Depth, examine, record_tells},
        pace::{Kind, PerKind},
        plan::store::MAX_CONCURRENT,
        scan::{
            Scan,
            gap::{Gap, LimitsMet},
            lists::Sessions,
            position::Position,
        },
        services::Services,
    },
    domain::{
        agents::UnknownAgent,
        code::Code,
        diagnosis::{Verdict, diagnose},
        filter::Filter,
        triage::{Attention, attention},
        view::row::Row,
    },
    model::{ListedSession, Order, SessionHead, SessionId},
};

/// How many sessions filters may look at.
const MAX_SCAN: usize = 10_000;
/// How long one session may take.
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// Where nothing could be read, this many failures in a row are those of the service.
const MAX_FAILURES: usize = 12;
const REPORT_EVERY: usize = 25;

#[derive(Clone)]
pub(crate) struct Query {
    pub request: ListRequest,
    pub filter: Filter,
    pub max_sessions: usize,
}

/// A session that needs somebody.
#[derive(Debug)]
pub(crate) struct Patient {
    pub session: Row,
    pub verdict: Verdict,
    pub attention: Attention,
}

pub(crate) struct Triaged {
    pub counts: BTreeMap<Verdict, usize>,
    /// The longest waiting first.
    pub patients: Vec<Patient>,
    pub next_page: Option<String>,
    pub scanned: usize,
    pub complete: bool,
    pub gaps: Vec<Gap>,
    /// Of how many sessions the events could not be read, and why.
    pub unread: BTreeMap<Code, usize>,
    pub unknown_agent: Option<UnknownAgent>,
}

pub(crate) async fn triage_sessions(
    services: &Services,
    cx: &Context,
    mut query: Query,
) -> Result<Triaged, Error> {
    let found = if let Some(agent_id) = query.request.agent_id.clone() {
        query.filter.agent_id = Some(agent_id.clone());
        let answer = triage(services, cx, query.clone()).await?;
        ForAgent { answer, agent_id: Some(agent_id), unknown: None }
    } else {
        let read = |filter| triage(services, cx, Query { filter, ..query.clone() });
        let is_empty = |round: &Round| round.counts.is_empty();
        for_agent(services, cx, query.filter.clone(), read, is_empty).await?
    };
    let mut round = found.answer;
    round.patients.sort_by_key(|patient| {
        let since = patient.attention.since;
        (since.is_none(), since)
    });
    let request = query.request.of_agent(found.agent_id);
    Ok(Triaged {
        next_page: request.next_cursor(services.cursors(), round.end.position),
        counts: round.counts,
        patients: round.patients,
        scanned: round.end.scanned,
        complete: round.complete && round.unread.is_empty(),
        gaps: round.gaps,
        unread: round.unread,
        unknown_agent: found.unknown,
    })
}

/// A place in the list.
#[derive(Debug, Clone, Default)]
struct Mark {
    position: Option<Position>,
    scanned: usize,
}

impl Mark {
    fn of(scan: &Scan<Sessions<ListedSession>>) -> Self {
        Self { position: scan.position(), scanned: scan.scanned() }
    }
}

enum Step {
    Session(Box<Looked>, Mark),
    /// The list, or as many sessions as were wanted.
    End {
        end: Mark,
        complete: bool,
        gaps: Vec<Gap>,
    },
    Failed(Error),
}

struct Looked {
    session: SessionHead,
    found: Found,
}

enum Found {
    Verdict(Verdict, Option<Attention>),
    Unread(Error),
    /// A rate limit that outlasts the call.
    Limited(Error),
    /// The same, known before anything was sent.
    Resting(Duration),
}

/// What one call found.
#[derive(Default)]
struct Round {
    counts: BTreeMap<Verdict, usize>,
    patients: Vec<Patient>,
    /// How many sessions' events were read.
    read: usize,
    unread: BTreeMap<Code, usize>,
    last_failure: Option<Error>,
    end: Mark,
    complete: bool,
    gaps: Vec<Gap>,
}

async fn triage(services: &Services, cx: &Context, query: Query) -> Result<Round, Error> {
    let until = cx.soft_deadline();
    let mut round = Round::default();
    let steps = steps(services, cx, query, until);
    pin_mut!(steps);
    loop {
        let step = match timeout_at(until, steps.next()).await {
            Ok(Some(step)) => step,
            Err(_) if round.counts.is_empty() => return Err(ErrorKind::CallTimedOut.into()),
            Ok(None) | Err(_) => break,
        };
        match step {
            Step::Failed(error) => return Err(error),
            Step::End { end, complete, gaps } => {
                (round.end, round.complete, round.gaps) = (end, complete, gaps);
                break;
            }
            Step::Session(looked, after) => {
                if !round.add(*looked)? {
                    break;
                }
                round.end = after;
            }
        }
        let sessions = round.counts.values().sum::<usize>();
        if sessions.is_multiple_of(REPORT_EVERY) {
            cx.progress(Progress::Scanned { sessions: round.end.scanned }).await;
        }
    }
    round.judged()
}

/// The sessions of the list, each looked at, in the order of the list.
fn steps<'a>(
    services: &'a Services,
    cx: &'a Context,
    query: Query,
    until: Instant,
) -> impl Stream<Item = Step> + Send + 'a {
    let scan = services
        .scan_sessions::<ListedSession>(cx, query.filter, Order::Desc, MAX_SCAN)
        .resume_from(query.request.position);
    let left = until.saturating_duration_since(Instant::now());
    let longest = LONGEST_LOOK.min(left / 2);
    let listed = stream::unfold(Some((scan, 0)), move |state| async move {
        let (mut scan, taken) = state?;
        let next = if taken < query.max_sessions { scan.next().await } else { Ok(None) };
        Some(match next {
            Ok(Some(session)) => {
                let mark = Mark::of(&scan);
                (Ok((session, mark, taken == 0)), Some((scan, taken + 1)))
            }
            Ok(None) => {
                let (end, complete) = (Mark::of(&scan), scan.is_complete());
                (Err(Step::End { end, complete, gaps: scan.gaps() }), None)
            }
            Err(error) => (Err(Step::Failed(error)), None),
        })
    });
    let look = move |listed: Result<(ListedSession, Mark, bool), Step>| async move {
        let (session, mark, is_first) = match listed {
            Ok(listed) => listed,
            Err(end) => return end,
        };
        let found = look(services, cx, &session, is_first, (until, longest)).await;
        Step::Session(Box::new(Looked { session: session.0.head, found }), mark)
    };
    listed.map(look).buffered(MAX_CONCURRENT)
}

/// Looks at one session. The first one does not wait for other bulk work.
async fn look(
    services: &Services,
    cx: &Context,
    listed: &ListedSession,
    is_first: bool,
    (until, longest): (Instant, Duration),
) -> Found {
    let session = &listed.0;
    let Ok(id) = SessionId::parse(&session.head.id) else {
        return Found::Verdict(Verdict::Unknown, None);
    };
    let mut limits = LimitsMet::default();
    let mut waits = !is_first && !record_tells(services, session);
    loop {
        let permits = services.pacer.permits();
        if waits {
            if let Some(pause) = services.pacer.pause_beyond(until) {
                return Found::Resting(pause);
            }
            permits.acquire(Kind::Read).await;
        }
        waits = true;
        let cx = cx.on_session(&id, permits.split(PerKind { reads: 1, writes: 0 }));
        let examined = examine(services, &cx, &id, session, Depth::Verdict);
        let error = match timeout(longest, examined).await {
            Ok(Ok(examined)) => {
                let facts = examined.facts(session, None);
                let verdict = diagnose(&facts).verdict;
                return Found::Verdict(verdict, attention(&facts, verdict));
            }
            Ok(Err(error)) => error,
            Err(_) => ErrorKind::CallTimedOut.into(),
        };
        if error.code() == Code::RateLimited {
            let wait = services.pacer.pause_for(error.retry_after());
            let goes_on = error.as_api().is_some_and(|it| limits.allow_repetition(it));
            if goes_on && Instant::now() + wait < until {
                continue;
            }
            return Found::Limited(error);
        }
        if !error.is_unknown_route() {
            return Found::Unread(error);
        }
        return Found::Unread(match error.into_api() {
            Ok((about, error)) => cx.clarified_by_session(about, &id, error).await,
            Err(error) => error,
        });
    }
}

impl Round {
    /// Counts a session; false if the call has to stop in front of it.
    fn add(&mut self, looked: Looked) -> Result<bool, Error> {
        let verdict = match looked.found {
            Found::Verdict(verdict, attention) => {
                self.read += 1;
                if let Some(attention) = attention {
                    let session = Row::of(&looked.session);
                    self.patients.push(Patient { session, verdict, attention });
                }
                verdict
            }
            Found::Unread(error) => {
                let nothing_read = self.read == 0;
                let failures = self.unread.values().sum::<usize>();
                let is_general = error.blame() == Blame::Setup && nothing_read;
                if is_general || (nothing_read && failures >= MAX_FAILURES) {
                    return Err(error);
                }
                *self.unread.entry(error.code()).or_default() += 1;
                self.last_failure = Some(error);
                Verdict::Unknown
            }
            Found::Limited(error) if self.counts.is_empty() => return Err(error),
            Found::Limited(error) => {
                self.gaps.push(Gap::RateLimited(error.retry_after()));
                return Ok(false);
            }
            Found::Resting(wait) => {
                self.gaps.push(Gap::RateLimited(Some(wait)));
                return Ok(false);
            }
        };
        *self.counts.entry(verdict).or_default() += 1;
        Ok(true)
    }

    /// Fails where several sessions were asked for and the service let none be read.
    fn judged(self) -> Result<Self, Error> {
        let failures = self.unread.values().sum::<usize>();
        match self.last_failure {
            Some(error) if self.read == 0 && failures > 1 && error.blame() != Blame::Session => {
                Err(error)
            }
            _ => Ok(self),
        }
    }
}
