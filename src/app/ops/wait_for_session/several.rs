//! Waiting for the first of several sessions.
//!
//! Each is read at first. From then on a list of busy sessions tells in one request which of them
//! still are; only those that it does not show to be busy are read again, so that a service that
//! ignores filters, or has more sessions than fit on a page, costs requests and is never believed.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::{
    api::SessionQuery,
    app::{
        context::Context,
        error::{Error, ErrorKind},
        services::Services,
        turn_end::{Turn, TurnEnd, turn_end},
        write::poll::Poll,
    },
    domain::code::Code,
    model::{ApiTime, Session, SessionHead, SessionId},
};

/// How many are read at once.
const AT_ONCE: usize = 8;
/// For fewer busy ones a list saves nothing.
const WORTH_A_LIST: usize = 3;
const BUSY: [&str; 2] = ["running", "rescheduling"];
/// Sessions a page.
const PAGE_SIZE: u32 = 100;

/// The other sessions that were waited for.
#[derive(Default)]
pub(crate) struct Others {
    pub busy: Vec<SessionId>,
    pub free: Vec<SessionId>,
    /// Those that could not be waited for.
    pub failed: Vec<(SessionId, Error)>,
}

pub(super) struct Several<'a> {
    services: &'a Services,
    cx: &'a Context,
    watched: Vec<Watched>,
    /// Whether lists still help.
    lists: bool,
}

struct Watched {
    id: SessionId,
    state: State,
    /// As it was read last.
    head: Option<SessionHead>,
}

enum State {
    Busy,
    Free,
    /// It cannot be waited for.
    Lost(Error),
    /// The last attempt to read it failed.
    Unread(Error),
}

impl<'a> Several<'a> {
    pub(super) fn new(services: &'a Services, cx: &'a Context, ids: &[SessionId]) -> Self {
        let watched = ids.iter().cloned();
        let watched = watched.map(|id| Watched { id, state: State::Busy, head: None }).collect();
        Self { services, cx, watched, lists: true }
    }

    /// Describes the first in the order given that is not busy, or when the time is over the one
    /// that was active last.
    pub(super) async fn wait(mut self, wait: Duration) -> Result<(TurnEnd, Others), Error> {
        let started = Instant::now();
        let until = (started + wait).min(self.cx.soft_deadline());
        let mut poll = Poll::new(until, self.services.settings.pauses.poll);
        loop {
            self.look().await;
            let free = self.watched.iter().position(|each| matches!(each.state, State::Free));
            let described = match (free, self.last_active()) {
                (Some(free), _) => free,
                (None, Some(busy)) => {
                    poll.at_least(self.shortest_pause());
                    if poll.pause(self.cx, &self.as_session(busy)).await {
                        continue;
                    }
                    busy
                }
                (None, None) => return Err(self.failure()),
            };
            let Some(id) = self.watched.get(described).map(|each| each.id.clone()) else {
                return Err(self.failure());
            };
            let end = turn_end(self.services, self.cx, &id, Duration::ZERO, Turn::Current);
            match Box::pin(end).await {
                // It has begun another turn since.
                Ok(end) if end.busy && free.is_some() && Instant::now() < until => {
                    self.set(described, State::Busy);
                    poll.pause(self.cx, &end.session).await;
                }
                Ok(end) => {
                    let end = TurnEnd { waited: started.elapsed(), ..end };
                    return Ok((end, self.others(described)));
                }
                Err(error) if is_final(&error) => self.set(described, State::Lost(error)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Finds out which are busy.
    async fn look(&mut self) {
        let busy = self.busy_by_a_list().await;
        let is_doubtful = |each: &Watched| {
            !each.is_lost() && !busy.as_ref().is_some_and(|busy| busy.contains(each.id.as_str()))
        };
        let doubtful = self.watched.iter().enumerate().filter(|(_, each)| is_doubtful(each));
        let doubtful: Vec<_> = doubtful.map(|(at, each)| (at, each.id.clone())).collect();
        let cx = self.cx;
        let reads = doubtful
            .into_iter()
            .map(|(at, id)| async move { (at, Box::pin(cx.read_session(&id)).await) });
        let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
        let mut missed = 0;
        while let Some((at, read)) = reads.next().await {
            let Some(watched) = self.watched.get_mut(at) else { continue };
            watched.state = match read {
                Ok(session) => {
                    let is_busy = self.services.statuses.activity(&session.head).is_busy();
                    watched.head = Some(session.head);
                    missed += usize::from(is_busy);
                    if is_busy { State::Busy } else { State::Free }
                }
                Err(error) if is_final(&error) => State::Lost(error),
                Err(error) => State::Unread(error),
            };
        }
        self.lists &= busy.is_none_or(|busy| missed <= busy.len());
    }

    /// The watched sessions that a list shows to be busy; `None` without a list.
    async fn busy_by_a_list(&mut self) -> Option<HashSet<String>> {
        let left = self.watched.iter().filter(|each| !each.is_lost());
        // Without the record of each there is nothing to list by.
        let heads: Vec<&SessionHead> =
            left.map(|each| each.head.as_ref()).collect::<Option<_>>()?;
        if !self.lists || heads.len() < WORTH_A_LIST {
            return None;
        }
        let query = query(&heads);
        let page = match self.cx.client().list_sessions(&query).await {
            Ok(page) => page.body,
            Err(error) => {
                tracing::debug!(%error, "the sessions cannot be listed");
                self.lists = false;
                return None;
            }
        };
        let mut busy = HashSet::new();
        for head in page.data {
            let is_busy = self.services.statuses.activity(&head).is_busy();
            let watched = self.watched.iter_mut().find(|each| each.id.as_str() == head.id);
            if let Some(watched) = watched
                && is_busy
                && !watched.is_lost()
            {
                busy.insert(head.id.clone());
                watched.state = State::Busy;
                watched.head = Some(head);
            }
        }
        Some(busy)
    }

    /// Without lists, many sessions are read less often.
    fn shortest_pause(&self) -> Duration {
        let (first, _) = self.services.settings.pauses.poll;
        let busy = self.watched.iter().filter(|each| matches!(each.state, State::Busy)).count();
        let count = u32::try_from(busy).unwrap_or(u32::MAX);
        if self.lists { first } else { first.saturating_mul(count) / 4 }
    }

    fn set(&mut self, at: usize, state: State) {
        if let Some(watched) = self.watched.get_mut(at) {
            watched.state = state;
        }
    }

    /// The busy one that changed last, the first of them where that is unknown.
    fn last_active(&self) -> Option<usize> {
        let busy = self.watched.iter().enumerate();
        let busy = busy.filter(|(_, each)| matches!(each.state, State::Busy));
        let changed = |(_, each): &(usize, &Watched)| {
            each.head.as_ref()?.updated_at.as_ref().and_then(ApiTime::at)
        };
        busy.rev().max_by_key(changed).map(|(at, _)| at)
    }

    fn as_session(&self, at: usize) -> Session {
        let watched = self.watched.get(at);
        let head = watched.and_then(|each| each.head.clone()).unwrap_or_default();
        Session { head, ..Session::default() }
    }

    /// All but the one that is described.
    fn others(self, described: usize) -> Others {
        let mut others = Others::default();
        for (at, Watched { id, state, .. }) in self.watched.into_iter().enumerate() {
            match state {
                _ if at == described => {}
                State::Busy => others.busy.push(id),
                State::Free => others.free.push(id),
                State::Lost(error) | State::Unread(error) => others.failed.push((id, error)),
            }
        }
        others
    }

    /// Why none of them can be waited for: what may pass comes first.
    fn failure(self) -> Error {
        let mut lost = None;
        for each in self.watched {
            match each.state {
                State::Unread(error) => return error,
                State::Lost(error) => lost = lost.or(Some(error)),
                State::Busy | State::Free => {}
            }
        }
        lost.unwrap_or_else(|| ErrorKind::Internal.into())
    }
}

impl Watched {
    fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost(_))
    }
}

/// Nothing that could be waited for is there.
fn is_final(error: &Error) -> bool {
    error.is_session_not_found() || error.code() == Code::AgentNotAllowed
}

/// A list of the busy sessions among which these are.
fn query(heads: &[&SessionHead]) -> SessionQuery {
    let created: Option<Vec<Timestamp>> =
        heads.iter().map(|head| head.created_at.as_ref()?.at()).collect();
    let created = created.unwrap_or_default();
    let second = SignedDuration::from_secs(1);
    let agent_id = heads.first().and_then(|head| head.agent.id.clone());
    let is_of_one = heads.iter().all(|head| head.agent.id == agent_id);
    SessionQuery {
        agent_id: agent_id.filter(|_| is_of_one),
        statuses: BUSY.map(str::to_owned).into(),
        include_archived: true,
        created_gte: created.iter().min().and_then(|at| at.checked_sub(second).ok()),
        created_lte: created.iter().max().and_then(|at| at.checked_add(second).ok()),
        limit: Some(PAGE_SIZE),
        ..SessionQuery::default()
    }
}
