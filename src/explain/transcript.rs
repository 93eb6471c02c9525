//! A session's history as Markdown that a person can read. What comes from the session is data: it
//! stands in fences that it cannot end, with invisible characters escaped.

use serde_json::{Map, Value};

use crate::{
    app::export::file::Transcript,
    domain::{events, text},
    model::Event,
};

/// The words of transcripts.
pub(crate) const TRANSCRIPT: Transcript = Transcript { record, thread, event };

/// Fields that the heading of an event has, or that say nothing to a person.
const LEFT_OUT: [&str; 6] =
    ["id", "type", "processed_at", "created_at", "evaluation", "model_request_start_id"];

fn record(record: &Map<String, Value>) -> String {
    let field = |name: &str| record.get(name).and_then(Value::as_str);
    let agent = record.get("agent");
    let agent = agent.and_then(|agent| agent.get("name").unwrap_or(agent).as_str());
    let cost = record.get("usage").and_then(|usage| usage.get("list_cost"));
    let lines = [
        ("Title", field("title").map(text::quoted_whole)),
        ("Status", field("status").map(text::quoted_whole)),
        ("Agent", agent.map(text::quoted_whole)),
        ("Created", field("created_at").map(text::quoted_whole)),
        ("Archived", field("archived_at").map(text::quoted_whole)),
        ("Metadata", record.get("metadata").map(text::json)),
        ("Cost in minor units", cost.map(text::json)),
    ];
    let lines = lines
        .into_iter()
        .filter_map(|(name, value)| Some(format!("- {name}: {}\n", inline(&value?))));
    let id = inline(&text::quoted_whole(field("id").unwrap_or_default()));
    format!("# Session {id}\n\n{}", lines.collect::<String>())
}

fn thread(thread: &Event) -> String {
    let id = events::text(thread, "id").unwrap_or_default();
    let agent = thread.get("agent").and_then(|agent| agent.get("name")?.as_str());
    let agent = agent.map(|name| format!(" of {}", inline(&text::quoted_whole(name))));
    format!("\n# Thread {}{}\n", inline(&text::quoted_whole(id)), agent.unwrap_or_default())
}

fn event(event: &Event) -> String {
    let at = events::text(event, "processed_at").unwrap_or("not processed");
    let kind = inline(&text::quoted_whole(events::kind(event)));
    let mut shown = format!("\n## {kind} at {}\n", inline(&text::quoted_whole(at)));
    for (name, value) in event {
        if LEFT_OUT.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        let texts = (name == "content").then(|| content(value)).flatten();
        let (language, body) = match (texts, value) {
            (Some(texts), _) => ("", texts),
            (None, Value::String(only)) => ("", only.clone()),
            (None, other) => ("json", serde_json::to_string_pretty(other).unwrap_or_default()),
        };
        if name != "content" {
            shown = shown + "\n" + &inline(name) + ":\n";
        }
        shown.push_str(&fenced(language, &body));
    }
    shown
}

/// The text of content blocks, if they have nothing else.
fn content(blocks: &Value) -> Option<String> {
    let texts = blocks.as_array()?.iter().map(|block| block.get("text")?.as_str());
    Some(texts.collect::<Option<Vec<_>>>()?.join("\n\n"))
}

/// One line as code, which no backtick in it ends.
fn inline(line: &str) -> String {
    let fence = "`".repeat(longest_run(line) + 1);
    format!("{fence} {} {fence}", text::visible(line).replace('\n', "\\n"))
}

fn fenced(language: &str, body: &str) -> String {
    let fence = "`".repeat(longest_run(body).max(2) + 1);
    let body = text::visible(body);
    let end = if body.ends_with('\n') { "" } else { "\n" };
    format!("\n{fence}{language}\n{body}{end}{fence}\n")
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::TRANSCRIPT;

    #[test]
    fn content_cannot_leave_its_fence() {
        let event = json!({
            "id": "evt_1", "type": "agent.message", "processed_at": "2026-03-01T12:00:00Z",
            "content": [{"type": "text", "text": "```\n# Not a heading\n````\n\u{202e}end"}],
        });
        let record = json!({"id": "sesn_1", "title": "`x`\n# Not a heading", "status": "idle",
            "agent": {"name": "Fixer"}, "usage": {"list_cost": {"amount": "1234", "currency": "USD"}}});
        let thread = json!({"id": "sthr_2", "agent": {"name": "Reviewer"}});
        let call = json!({"type": "agent.tool_use", "name": "bash", "input": {"command": "ls"}});
        let [event, record, thread, call] =
            [event, record, thread, call].map(|value| value.as_object().cloned().unwrap());
        let words = TRANSCRIPT;
        insta::assert_snapshot!(
            (words.record)(&record)
                + &(words.event)(&event)
                + &(words.event)(&call)
                + &(words.thread)(&thread)
        );
    }
}
