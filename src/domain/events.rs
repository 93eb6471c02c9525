//! Events as they are shown: what matters of each kind, with long values cut.
//!
//! Unknown kinds are shown too: all their fields, cut the same way.

mod view;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::{
    domain::{text, time::to_the_second},
    model::{ApiTime, Event},
};

pub use self::view::View;

/// Longest id or type shown, in characters: longer ones come from broken services only.
const ID_CHARACTERS: usize = 256;

/// Which events a list is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Types, any of them; empty for all.
    pub types: Vec<String>,
    /// Only what this view shows.
    pub view: View,
    /// Processed at or after this time.
    pub after: Option<Timestamp>,
    /// Processed before this time.
    pub before: Option<Timestamp>,
}

impl EventFilter {
    /// The types that events of it can have; empty for any. `None` if it leaves none.
    pub fn possible_types(&self) -> Option<Vec<String>> {
        let of_view = self.view.types();
        if self.types.is_empty() {
            return Some(of_view.iter().map(|&each| each.to_owned()).collect());
        }
        let is_in_view = |each: &&String| of_view.is_empty() || of_view.contains(&each.as_str());
        let types: Vec<String> = self.types.iter().filter(is_in_view).cloned().collect();
        (!types.is_empty()).then_some(types)
    }

    /// Whether the event meets every condition. An event that is not processed yet has no time
    /// and matches: the service decides.
    pub fn matches(&self, event: &Event) -> bool {
        let kind = kind(event);
        let at = at(event);
        (self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind))
            && self.view.shows(kind, event)
            && at.is_none_or(|at| {
                self.after.is_none_or(|after| at >= after)
                    && self.before.is_none_or(|before| at < before)
            })
    }
}

impl EventFilter {
    /// Whether the event's time cannot be read, so that its match by time is a guess.
    pub fn is_undecided(&self, event: &Event) -> bool {
        let by_time = self.after.is_some() || self.before.is_some();
        by_time && time(event).is_some_and(|time| time.at().is_none()) && self.matches(event)
    }
}

/// The event's type, such as `session.status_idle`.
pub fn kind(event: &Event) -> &str {
    text(event, "type").unwrap_or_default()
}

/// A string field.
pub fn text<'a>(event: &'a Event, field: &str) -> Option<&'a str> {
    event.get(field)?.as_str()
}

/// The texts of a content, whatever fields a service adds to them; a text alone where that is all
/// a service keeps.
pub(crate) fn said(content: &Value) -> Vec<&str> {
    let blocks = match content {
        Value::String(text) => return vec![text.as_str()],
        Value::Array(blocks) => blocks.as_slice(),
        _ => &[],
    };
    let texts = blocks.iter().map(|block| block.get("text").and_then(Value::as_str));
    texts.map(Option::unwrap_or_default).collect()
}

/// When the event was processed, else created.
pub fn at(event: &Event) -> Option<Timestamp> {
    time(event)?.at()
}

/// Whether the event was accepted and is not processed yet, so that its place in the history may
/// change.
pub fn is_queued(event: &Event) -> bool {
    event.get("processed_at").is_some_and(Value::is_null)
}

/// Whether the event shows that its session has more threads than its own.
pub(crate) fn is_of_other_thread(event: &Event) -> bool {
    let kind = kind(event);
    kind.starts_with("workflow_run.")
        || kind == "session.thread_created"
        || (text(event, "session_thread_id").is_some()
            && !kind.starts_with("session.thread_status_"))
}

fn time(event: &Event) -> Option<ApiTime> {
    let times = ["processed_at", "created_at"].into_iter();
    let mut read = times.filter_map(|field| ApiTime::deserialize(event.get(field)?).ok());
    read.next()
}

/// The event as it is shown: `id`, `type`, `at`, then what matters of its kind, each value cut to
/// `limit` characters. `cut` is how many characters were left out.
pub fn shown(event: &Event, limit: usize) -> Map<String, Value> {
    let mut cutter = Cutter { limit, cut: 0 };
    let mut shown = Map::new();
    for field in ["id", "type"] {
        match event.get(field) {
            None | Some(Value::Null) => continue,
            Some(Value::String(id)) => {
                shown.insert(field.to_owned(), text::shortened(id, ID_CHARACTERS).into())
            }
            Some(other) => shown.insert(field.to_owned(), cutter.value(other)),
        };
    }
    if let Some(time) = time(event) {
        shown.insert("at".to_owned(), to_the_second(&time).into());
    }
    let kind = kind(event);
    let mut others = Vec::new();
    for (field, value) in event {
        let (name, value) = match (field.as_str(), value) {
            // `evaluation` is how the permission was decided, the same for every call of a tool.
            ("id" | "type" | "processed_at" | "created_at" | "evaluation", _)
            | ("is_error", Value::Bool(false))
            | (_, Value::Null) => continue,
            ("name", value) if kind.ends_with("tool_use") => ("tool", cutter.value(value)),
            ("mcp_server_name", value) => ("mcp_server", cutter.value(value)),
            ("evaluated_permission", value) => ("permission", cutter.value(value)),
            ("content", content) if kind.ends_with("tool_result") => {
                ("result", cutter.blocks(content))
            }
            ("content", content) => ("text", cutter.blocks(content)),
            (field, value) if OWN_NAMES.contains(&field) => {
                others.push((field, value));
                continue;
            }
            (field, value) => (field, cutter.value(value)),
        };
        if !is_empty(&value) {
            shown.insert(name.to_owned(), value);
        }
    }
    for (field, value) in others {
        let value = cutter.value(value);
        if is_empty(&value) {
            continue;
        }
        // The service's own field, under a name that its own form does not use yet.
        let mut name = field.to_owned();
        let is_taken = |name: &String| {
            let is_of_another = name != field && event.contains_key(name);
            name == "cut" || is_of_another || shown.contains_key(name)
        };
        while is_taken(&name) {
            name.push('_');
        }
        shown.insert(name, value);
    }
    if cutter.cut > 0 {
        shown.insert("cut".to_owned(), cutter.cut.into());
    }
    shown
}

/// The names under which fields of the API are shown. A field that a service adds and calls so
/// comes second.
const OWN_NAMES: [&str; 7] = ["at", "tool", "mcp_server", "permission", "result", "text", "cut"];

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Cuts values, and counts the characters it leaves out.
struct Cutter {
    limit: usize,
    cut: usize,
}

impl Cutter {
    fn text(&mut self, text: &str) -> Value {
        let (head, more) = text::cut(text, self.limit);
        self.cut += more;
        if more > 0 { format!("{head}…").into() } else { head.into() }
    }

    /// A short structure stays one; a long one becomes its JSON, cut.
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(_) | Value::Object(_) => {
                let value = without_nulls(value);
                let json = value.to_string();
                if self.fits(&json) {
                    return value;
                }
                // Cutting one long text inside (a file, a script) reads better than broken JSON.
                let mut inner = Self { limit: self.limit / 2, cut: 0 };
                let short = inner.strings(&value);
                if self.fits(&short.to_string()) {
                    self.cut += inner.cut;
                    return short;
                }
                self.text(&json)
            }
            other => other.clone(),
        }
    }

    fn fits(&self, json: &str) -> bool {
        json.chars().nth(self.limit).is_none()
    }

    /// The value with every string cut.
    fn strings(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(values) => values.iter().map(|value| self.strings(value)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.strings(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// Content: blocks, or the text alone, as some services send it.
    fn blocks(&mut self, content: &Value) -> Value {
        match content {
            Value::Array(blocks) => self.content(blocks),
            other => self.value(other),
        }
    }

    /// Content blocks as one text; blocks without text are named in brackets.
    fn content(&mut self, blocks: &[Value]) -> Value {
        let block = |block: &Value| match (block.get("text"), block.get("type")) {
            (Some(Value::String(text)), _) => text.clone(),
            (_, Some(Value::String(kind))) => match block.get("title").and_then(Value::as_str) {
                Some(title) => format!("[{kind} {}]", text::quoted(title)),
                None => format!("[{kind}]"),
            },
            _ => block.to_string(),
        };
        let texts: Vec<String> = blocks.iter().map(block).collect();
        self.text(&texts.join("\n"))
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(values) => values.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
