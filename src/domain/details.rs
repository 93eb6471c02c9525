//! Title, metadata and budget of a session, changed as a patch.

use serde_json::{Map, Value, json};

use crate::{
    domain::{money::Money, text, view::row::NAME_CHARACTERS},
    model::Session,
};

/// The API's limits: pairs, characters of a key, characters of a value.
const METADATA_LIMITS: (usize, usize, usize) = (16, 64, 512);

/// A field that is left alone, cleared, or set.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// Not given.
    #[default]
    Keep,
    /// Given as null.
    Clear,
    /// Given as a value.
    Set(T),
}

/// What is asked for, checked as far as that is possible without the session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    title: Field<String>,
    metadata: Vec<(String, Option<String>)>,
    budget: Field<Money>,
}

/// What is to be sent, and what that changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planned {
    /// The body of the update.
    pub body: Map<String, Value>,
    /// For each field that differs `{"before", "after"}`, long texts cut; null stands for "not
    /// set".
    pub changes: Map<String, Value>,
}

impl Details {
    /// Reads the arguments.
    ///
    /// # Errors
    /// Every mistake, each with its path and what is valid.
    pub fn read(
        title: Field<String>,
        metadata: Option<Map<String, Value>>,
        budget: Field<String>,
    ) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let given = metadata.is_some();
        let mut pairs = Vec::new();
        let (_, longest_key, longest_value) = METADATA_LIMITS;
        for (key, value) in metadata.unwrap_or_default() {
            let path = format!("metadata.{}", text::shortened(&key, 40));
            if key.is_empty() || key.chars().count() > longest_key {
                mistakes.push(format!(
                    "{path} has a key that is not 1 to {longest_key} characters"
                ));
            }
            let value = match value {
                Value::Null => None,
                Value::String(text) if text.chars().count() <= longest_value => Some(text),
                // Strict meaning: the API keeps strings, and 5 is clearly meant as "5".
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(flag) => Some(flag.to_string()),
                _ => {
                    mistakes.push(format!(
                        "{path} must be a string of at most {longest_value} characters, or null"
                    ));
                    continue;
                }
            };
            pairs.push((key, value));
        }
        let title = match title {
            Field::Set(text) if text.trim().is_empty() => Field::Clear,
            title => title,
        };
        let budget = match budget {
            Field::Keep => Field::Keep,
            Field::Clear => Field::Clear,
            // Not "": some models fill in what they leave out, and this cannot be taken back.
            Field::Set(text) if text == "none" => Field::Clear,
            Field::Set(text) => match Money::parse_major(&text) {
                Ok(money) => Field::Set(money),
                Err(wrong) => {
                    mistakes.push(format!("budget {wrong}"));
                    Field::Keep
                }
            },
        };
        let nothing = title == Field::Keep && !given && budget == Field::Keep;
        if nothing && mistakes.is_empty() {
            mistakes.push("nothing is given to change; give title, metadata or budget".to_owned());
        }
        if mistakes.is_empty() {
            Ok(Self {
                title,
                metadata: pairs,
                budget,
            })
        } else {
            Err(mistakes)
        }
    }

    /// Whether the budget is part of it.
    #[must_use]
    pub fn touches_budget(&self) -> bool {
        self.budget != Field::Keep
    }
}

/// Works out what to send so that the session is as asked: only what differs.
#[must_use]
pub fn plan(details: &Details, session: &Session) -> Planned {
    let mut planned = Planned::default();
    let title = session
        .head
        .title
        .as_deref()
        .filter(|title| !title.is_empty());
    let title = json!(title);
    match &details.title {
        Field::Keep => {}
        Field::Clear => planned.set("title", &title, &Value::Null, Value::Null),
        Field::Set(new) => planned.set("title", &title, &json!(new), json!(new)),
    }
    plan_metadata(details, session, &mut planned);
    let limit = session
        .fields
        .get("budget")
        .and_then(|budget| budget.get("max_list_cost"));
    let limit = limit.and_then(|limit| {
        Money::from_minor(
            limit.get("amount")?.as_str()?,
            limit.get("currency")?.as_str()?,
        )
    });
    let before = limit
        .as_ref()
        .map_or(Value::Null, |money| money.to_string().into());
    match &details.budget {
        Field::Keep => {}
        Field::Clear => planned.set("budget", &before, &Value::Null, Value::Null),
        Field::Set(money) if limit.as_ref() == Some(money) => {}
        Field::Set(money) => {
            let cost = json!({"amount": money.to_minor_string(), "currency": money.currency()});
            let body = json!({"type": "limit", "max_list_cost": cost});
            planned.set("budget", &before, &money.to_string().into(), body);
        }
    }
    planned
}

impl Planned {
    fn set(&mut self, field: &str, before: &Value, after: &Value, body: Value) {
        if before != after {
            self.body.insert(field.to_owned(), body);
            self.changes
                .insert(field.to_owned(), shown(before.clone(), after.clone()));
        }
    }
}

/// Metadata is a patch in the API too, so only the keys that differ are sent and shown.
fn plan_metadata(details: &Details, session: &Session, planned: &mut Planned) {
    let (mut before, mut after) = (Map::new(), Map::new());
    for (key, value) in &details.metadata {
        let old = session.head.metadata.get(key).cloned().unwrap_or_default();
        let new = value
            .as_ref()
            .map_or(Value::Null, |text| text.as_str().into());
        if old != new {
            before.insert(key.clone(), old);
            after.insert(key.clone(), new);
        }
    }
    if !after.is_empty() {
        planned
            .body
            .insert("metadata".to_owned(), after.clone().into());
        planned
            .changes
            .insert("metadata".to_owned(), shown(before.into(), after.into()));
    }
}

fn shown(mut before: Value, mut after: Value) -> Value {
    shorten(&mut before);
    shorten(&mut after);
    json!({"before": before, "after": after})
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(long) => *long = text::shortened(long, NAME_CHARACTERS),
        Value::Object(pairs) => pairs.values_mut().for_each(shorten),
        _ => {}
    }
}

pub type Mistake = String;
