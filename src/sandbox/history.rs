//! The events of a session, and the streams that follow them.

use std::collections::VecDeque;

use axum::response::sse;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

use super::clock::Timestamp;

/// How many events a stream may lag behind before it misses some.
const STREAM_BUFFER: usize = 256;

#[derive(Debug, Clone)]
pub(super) struct Event {
    id: String,
    /// Position in the history, for cursors.
    pub(super) position: u64,
    /// `processed_at`; absent while the event is queued.
    pub(super) at: Option<Timestamp>,
    pub(super) json: Value,
    /// Whether it happened in another thread and is only shown in this history too.
    pub(super) cross_posted: bool,
}

impl Event {
    pub(super) fn kind(&self) -> &str {
        let kind = self.json.get("type").and_then(Value::as_str);
        kind.unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct History {
    /// The session's id without its prefix; ids of its events, threads and outcomes contain it.
    pub(super) id_suffix: String,
    pub(super) events: Vec<Event>,
    /// Messages that arrived while the session was busy, each with its `system.message`.
    pub(super) queue: VecDeque<Event>,
    next_position: u64,
    streams: Option<broadcast::Sender<sse::Event>>,
    /// Those that leave out what is cross-posted.
    own_streams: Option<broadcast::Sender<sse::Event>>,
}

impl History {
    pub(super) fn new(id_suffix: &str) -> Self {
        Self {
            id_suffix: id_suffix.to_owned(),
            events: Vec::new(),
            queue: VecDeque::new(),
            next_position: 1,
            streams: None,
            own_streams: None,
        }
    }

    fn take_position(&mut self) -> u64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }

    /// Makes an event that is not in the history yet.
    pub(super) fn event(&mut self, kind: &str, at: Option<Timestamp>, fields: Value) -> Event {
        let position = self.take_position();
        let id = format!("sevt_{}_{position:03}", self.id_suffix);
        let mut json = Map::new();
        json.insert("id".to_owned(), json!(id));
        json.insert("type".to_owned(), json!(kind));
        json.insert("processed_at".to_owned(), json!(at));
        if let Value::Object(fields) = fields {
            for (key, value) in fields {
                json.entry(key).or_insert(value);
            }
        }
        let json = Value::Object(json);
        Event { id, position, at, json, cross_posted: false }
    }

    /// Adds an event and returns its id.
    pub(super) fn record(&mut self, kind: &str, at: Timestamp, fields: Value) -> String {
        let event = self.event(kind, Some(at), fields);
        let id = event.id.clone();
        self.append(event);
        id
    }

    /// Shows an event of another thread here too, under the same id.
    pub(super) fn cross_post(&mut self, event: &Event, thread: &str) {
        let mut copy = event.clone();
        copy.position = self.take_position();
        copy.cross_posted = true;
        if let Some(json) = copy.json.as_object_mut() {
            json.insert("session_thread_id".to_owned(), json!(thread));
        }
        self.append(copy);
    }

    /// Adds an event that was sent to the session, but is for the thread of this history.
    pub(super) fn receive(&mut self, event: &Event) {
        let mut copy = event.clone();
        copy.position = self.take_position();
        copy.cross_posted = false;
        if let Some(json) = copy.json.as_object_mut() {
            json.shift_remove("session_thread_id");
        }
        self.append(copy);
    }

    pub(super) fn append(&mut self, event: Event) {
        let own_streams = self.own_streams.as_ref().filter(|_| !event.cross_posted);
        for streams in self.streams.iter().chain(own_streams) {
            let frame = sse::Event::default().event(event.kind());
            // An error only means that all streams have ended.
            let _ = streams.send(frame.data(event.json.to_string()));
        }
        self.events.push(event);
    }

    /// Moves the oldest queued message into the history, together with the `system.message` that
    /// belongs to it, and returns its JSON.
    pub(super) fn process_queued(&mut self, mut stamp: impl FnMut() -> Timestamp) -> Option<Value> {
        let message = self.queue.pop_front()?;
        let json = self.process(message, stamp());
        let belongs = |next: &Event| next.kind() == "system.message";
        if self.queue.front().is_some_and(belongs)
            && let Some(event) = self.queue.pop_front()
        {
            self.process(event, stamp());
        }
        Some(json)
    }

    fn process(&mut self, mut event: Event, at: Timestamp) -> Value {
        event.position = self.take_position();
        event.at = Some(at);
        if let Some(json) = event.json.as_object_mut() {
            json.insert("processed_at".to_owned(), json!(at));
        }
        let json = event.json.clone();
        self.append(event);
        json
    }

    /// The event with this id.
    pub(super) fn find(&self, id: &str) -> Option<&Value> {
        let event = self.events.iter().rev().find(|event| event.id == id);
        event.map(|event| &event.json)
    }

    /// All events from now on.
    pub(super) fn subscribe(&mut self) -> broadcast::Receiver<sse::Event> {
        let new = || broadcast::Sender::new(STREAM_BUFFER);
        self.streams.get_or_insert_with(new).subscribe()
    }

    /// All events from now on, but for those of other threads.
    pub(super) fn subscribe_to_own(&mut self) -> broadcast::Receiver<sse::Event> {
        let new = || broadcast::Sender::new(STREAM_BUFFER);
        self.own_streams.get_or_insert_with(new).subscribe()
    }
}
