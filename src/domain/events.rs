//! What is shown of an event: what matters of its kind, long values cut.
//!
//! Kinds this program does not know are shown too: everything they have, cut the same way.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    domain::{text, view::row::to_the_second},
    model::{ApiTime, Event},
};

/// How much of an id or a type is shown: all of it, but for a broken service.
const ID_CHARACTERS: usize = 256;

/// Which events a list is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Types, any of them; empty for all.
    pub types: Vec<String>,
    /// Processed at or after this instant.
    pub after: Option<Timestamp>,
    /// Processed before this instant.
    pub before: Option<Timestamp>,
}

impl EventFilter {
    /// Whether the event meets every condition. An event that waits to be processed has no time,
    /// and is left to the service.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let kind = kind(event);
        let at = at(event);
        (self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind))
            && at.is_none_or(|at| {
                self.after.is_none_or(|after| at >= after)
                    && self.before.is_none_or(|before| at < before)
            })
    }
}

/// The event's type, `session.status_idle` for instance.
#[must_use]
pub fn kind(event: &Event) -> &str {
    text(event, "type").unwrap_or_default()
}

/// A field that is a text.
#[must_use]
pub fn text<'a>(event: &'a Event, field: &str) -> Option<&'a str> {
    event.get(field)?.as_str()
}

/// When the event was processed, else created.
#[must_use]
pub fn at(event: &Event) -> Option<Timestamp> {
    moment(event)?.at()
}

fn moment(event: &Event) -> Option<ApiTime> {
    let time = |field| text(event, field).map(|time| ApiTime::from(time.to_owned()));
    time("processed_at").or_else(|| time("created_at"))
}

/// The event as it is shown: `id`, `type`, `at`, then what matters of its kind. `cut` is how many
/// characters were left out of its values.
#[must_use]
pub fn shown(event: &Event, limit: usize) -> Map<String, Value> {
    let mut cutter = Cutter { limit, cut: 0 };
    let mut shown = Map::new();
    for field in ["id", "type"] {
        if let Some(value) = event.get(field).filter(|value| !value.is_null()) {
            let short = value.as_str().map(|id| text::shortened(id, ID_CHARACTERS));
            shown.insert(
                field.to_owned(),
                short.map_or_else(|| value.clone(), Value::from),
            );
        }
    }
    if let Some(at) = moment(event) {
        shown.insert("at".to_owned(), to_the_second(&at).into());
    }
    let calls_a_tool = kind(event).ends_with("tool_use");
    for (field, value) in event {
        let (name, value) = match (field.as_str(), value) {
            // An evaluation is how the permission came about: the same for every call of a tool.
            ("id" | "type" | "processed_at" | "created_at" | "evaluation", _)
            | ("is_error", Value::Bool(false))
            | (_, Value::Null) => continue,
            ("name", value) if calls_a_tool => ("tool", cutter.value(value)),
            ("mcp_server_name", value) => ("mcp_server", cutter.value(value)),
            ("evaluated_permission", value) => ("permission", cutter.value(value)),
            ("content", Value::Array(blocks)) => {
                let name = if kind(event).ends_with("tool_result") {
                    "result"
                } else {
                    "text"
                };
                (name, cutter.content(blocks))
            }
            (field, value) => (field, cutter.value(value)),
        };
        if !is_empty(&value) {
            shown.insert(name.to_owned(), value);
        }
    }
    if cutter.cut > 0 {
        shown.insert("cut".to_owned(), cutter.cut.into());
    }
    shown
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Cuts values, and counts what it cuts.
struct Cutter {
    limit: usize,
    cut: usize,
}

impl Cutter {
    fn text(&mut self, text: &str) -> Value {
        let (head, more) = text::cut(text, self.limit);
        self.cut += more;
        if more > 0 {
            format!("{head}…").into()
        } else {
            head.into()
        }
    }

    /// A structure stays one while it is short, and becomes its cut JSON where it is not.
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(_) | Value::Object(_) => {
                let value = without_nulls(value);
                let json = value.to_string();
                if json.chars().nth(self.limit).is_none() {
                    return value;
                }
                // One long text in it (a file, a script) is told better than JSON broken off.
                let mut inner = Self {
                    limit: self.limit / 2,
                    cut: 0,
                };
                let short = inner.inside(&value);
                if short.to_string().chars().nth(self.limit).is_none() {
                    self.cut += inner.cut;
                    return short;
                }
                self.text(&json)
            }
            other => other.clone(),
        }
    }

    fn inside(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(values) => values.iter().map(|value| self.inside(value)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.inside(value)))
                .collect(),
            other => other.clone(),
        }
    }

    /// Blocks of content as one text; what is no text is named in brackets.
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::domain::events::{EventFilter, shown};

    #[test]
    fn an_event_is_shown_by_what_matters_of_its_kind() {
        let check = |event: Value, expected: Value| {
            let Value::Object(event) = event else {
                panic!("an object")
            };
            assert_eq!(Value::Object(shown(&event, 40)), expected);
        };
        check(
            json!({"id": "e", "type": "agent.message", "processed_at": "2026-01-01T00:00:00.5Z",
                   "content": [{"type": "text", "text": "Done."}, {"type": "redacted"}]}),
            json!({"id": "e", "type": "agent.message", "at": "2026-01-01T00:00:00Z",
                   "text": "Done.\n[redacted]"}),
        );
        check(
            json!({"id": "e", "type": "agent.mcp_tool_use", "name": "search", "session_thread_id": null,
                   "mcp_server_name": "linear", "input": {"q": "x"}, "evaluated_permission": "ask",
                   "evaluation": {"type": "always_ask"}}),
            json!({"id": "e", "type": "agent.mcp_tool_use", "tool": "search",
                   "mcp_server": "linear", "input": {"q": "x"}, "permission": "ask"}),
        );
        check(
            json!({"type": "agent.tool_result", "tool_use_id": "u", "is_error": true,
                   "content": [{"type": "text", "text": "x".repeat(50)}]}),
            json!({"type": "agent.tool_result", "tool_use_id": "u", "is_error": true,
                   "result": format!("{}…", "x".repeat(40)), "cut": 10}),
        );
        check(
            json!({"type": "agent.tool_use", "name": "write",
                   "input": {"p": "a", "t": "y".repeat(30)}}),
            json!({"type": "agent.tool_use", "tool": "write", "cut": 10,
                   "input": {"p": "a", "t": format!("{}…", "y".repeat(20))}}),
        );
        check(
            json!({"type": "galaxy.new", "shine": [1, {"far": 1.50}], "deep": null}),
            json!({"type": "galaxy.new", "shine": [1, {"far": 1.50}]}),
        );
        check(
            json!({"type": "galaxy.new", "many": (0..30).collect::<Vec<_>>()}),
            json!({"type": "galaxy.new", "many": "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,1…", "cut": 41}),
        );
    }

    #[test]
    fn an_event_that_waits_to_be_processed_is_left_to_the_service() {
        let filter = EventFilter {
            after: "2026-01-02T00:00:00Z".parse().ok(),
            types: vec!["user.message".into()],
            ..EventFilter::default()
        };
        let check = |event: Value, expected: bool| {
            let Value::Object(event) = event else {
                panic!("an object")
            };
            assert_eq!(filter.matches(&event), expected, "{event:?}");
        };
        check(json!({"type": "user.message"}), true);
        check(
            json!({"type": "user.message", "processed_at": "2026-01-01T00:00:00Z"}),
            false,
        );
        check(
            json!({"type": "user.message", "processed_at": "2026-01-02T00:00:00Z"}),
            true,
        );
        check(json!({"type": "agent.message"}), false);
    }
}
