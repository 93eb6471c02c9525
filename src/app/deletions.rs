//! The sessions that this process deleted, so that it can say so of one that is not there.

use std::{collections::VecDeque, sync::Mutex};

use jiff::Timestamp;

use super::{error::Error, locks::lock};
use crate::model::SessionId;

/// How many are remembered.
const REMEMBERED: usize = 1_000;

/// The newest deletions, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Deletions(Mutex<VecDeque<(SessionId, Timestamp)>>);

impl Deletions {
    pub(crate) fn note(&self, id: &SessionId) {
        let mut all = lock(&self.0);
        all.retain(|(deleted, _)| deleted != id);
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        all.push_back((id.clone(), Timestamp::now()));
    }

    /// The failure with what is known of the session that it did not find.
    pub(crate) fn recall(&self, error: Error) -> Error {
        let Some(id) = error.missing_session() else {
            return error;
        };
        let at = lock(&self.0).iter().find(|(deleted, _)| deleted == id).map(|(_, at)| *at);
        match at {
            Some(at) => error.after_deletion(at),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        app::deletions::{Deletions, REMEMBERED},
        app::locks::lock,
        model::SessionId,
    };

    #[test]
    fn the_oldest_are_forgotten_first_and_none_is_held_twice() {
        let deletions = Deletions::default();
        let id = |number: usize| SessionId::parse(&format!("sesn_{number}")).unwrap();
        for number in (0..REMEMBERED + 2).chain([5]) {
            deletions.note(&id(number));
        }
        let all = lock(&deletions.0);
        assert_eq!(all.len(), REMEMBERED);
        assert_eq!((&all[0].0, &all[REMEMBERED - 1].0), (&id(2), &id(5)));
    }
}
