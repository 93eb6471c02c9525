//! Many large sessions, for work on fleets and for benchmarks. Thousands of them start quickly,
//! because they share one agent and are rendered only on request.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;

use super::script::{IdleReason, Step, usage};
use crate::sandbox::{rejection::Result, session::Session, store::Store};

/// What the titles are made of.
#[derive(Debug, Deserialize)]
pub(super) struct Words {
    tasks: Vec<String>,
    teams: Vec<String>,
}

/// Adds `count` sessions of `agent`, the newest first.
pub(super) fn add(store: &mut Store, words: &Words, count: usize, agent: &str) -> Result<()> {
    let agent = Arc::new(store.agent_for_session(agent)?);
    let now = store.clock.stamp();
    let titles = words.tasks.iter().cycle().zip(words.teams.iter().cycle());
    for (number, (task, team)) in (1u64..).zip(titles).take(count) {
        // A deterministic hash, so that neighbours differ.
        let spread = number.wrapping_mul(2_654_435_761) % 1_000;
        let age = number * 2 * 60 * 60 + spread * 7 + 60;
        let created_at = now.minus(Duration::from_secs(age));
        let suffix = format!("bulk{number:05}");
        let mut session = Session::new(&suffix, Arc::clone(&agent), "env_01", created_at);
        session.title = Some(format!("{task} {team} ({number})"));
        session.usage = usage(3 + spread * spread / 250);
        session.metadata = [("batch".to_owned(), (number % 8).to_string())].into();
        session.play(5, Step::User("What does the handbook say about this?".to_owned()));
        match number % 20 {
            7 => {}
            13 => session.play(age / 3 + 10, Step::Terminated),
            19 => session.play(age / 2 + 10, Step::Archived),
            _ => {
                let end = age.min(30 + spread * 600) / 2 + 10;
                session.play(end, Step::Idle(IdleReason::EndTurn));
            }
        }
        // One in fifty of those that run shows no sign of life.
        if number % 20 == 7 && number / 20 % 50 != 3 {
            let last = now.minus(Duration::from_secs(20 + spread % 40));
            session.beat(Duration::from_secs(60), last.max(session.created_at));
        }
        session.updated_at = session.updated_at.min(now.minus(Duration::from_secs(1)));
        store.add_session(session);
    }
    Ok(())
}
