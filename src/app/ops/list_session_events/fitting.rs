//! One event as large as an answer can take.

use serde_json::{Map, Value};

use crate::{
    domain::{
        events,
        view::size::{LIST_BYTES, size},
    },
    model::Event,
};

/// The event with its values cut to `limit`, or to less if it would not fit into an answer.
pub(super) fn fitting(event: &Event, mut limit: usize) -> Map<String, Value> {
    loop {
        let shown = events::shown(event, limit);
        if size(&shown) < LIST_BYTES / 2 {
            return shown;
        }
        if limit < 32 {
            // Thousands of fields: only what identifies the event is shown.
            let identifies = |field: &str| matches!(field, "id" | "type" | "at");
            let fields = shown.into_iter().filter(|(field, _)| identifies(field));
            return fields.chain([("cut".to_owned(), size(event).into())]).collect();
        }
        limit /= 2;
    }
}
