//! Reading JSON bodies strictly: every complaint names the field by its path.

use serde_json::{Map, Value};

use super::refusal::{Outcome, Refusal};

/// A JSON object of a request, and where in the body it stands.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

/// The body as a JSON value.
pub(super) fn parse(body: &[u8]) -> Outcome<Value> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("The body is not valid JSON: {error}.")))
}

impl<'a> Fields<'a> {
    /// The object at `path` ("" for the whole body), which may have no keys but `known`.
    pub(super) fn of(value: &'a Value, path: impl Into<String>, known: &[&str]) -> Outcome<Self> {
        let fields = Self::open(value, path)?;
        match fields.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Refusal::invalid(format!(
                "{}: unknown field",
                fields.at(key)
            ))),
            None => Ok(fields),
        }
    }

    /// The object at `path`, whatever its keys.
    pub(super) fn open(value: &'a Value, path: impl Into<String>) -> Outcome<Self> {
        let path = path.into();
        match value.as_object() {
            Some(map) => Ok(Self { path, map }),
            None if path.is_empty() => Err(Refusal::invalid("The body must be a JSON object.")),
            None => Err(Refusal::invalid(format!("{path}: must be an object"))),
        }
    }

    /// The path of `key` in the body.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A refusal that names `key`.
    pub(super) fn wrong(&self, key: &str, complaint: &str) -> Refusal {
        Refusal::invalid(format!("{}: {complaint}", self.at(key)))
    }

    /// The value as it came, null included.
    pub(super) fn raw(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    /// The value, with null as good as absent.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Outcome<Option<&'a str>> {
        self.value(key)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| self.wrong(key, "must be a string"))
            })
            .transpose()
    }

    pub(super) fn required_text(&self, key: &str) -> Outcome<&'a str> {
        match self.text(key)? {
            Some("") => Err(self.wrong(key, "must not be empty")),
            Some(text) => Ok(text),
            None => Err(self.wrong(key, "is required")),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Outcome<Option<bool>> {
        self.value(key)
            .map(|value| {
                value
                    .as_bool()
                    .ok_or_else(|| self.wrong(key, "must be true or false"))
            })
            .transpose()
    }

    pub(super) fn integer(&self, key: &str) -> Outcome<Option<u64>> {
        self.value(key)
            .map(|value| {
                value
                    .as_u64()
                    .ok_or_else(|| self.wrong(key, "must be an integer"))
            })
            .transpose()
    }

    pub(super) fn array(&self, key: &str) -> Outcome<Option<&'a [Value]>> {
        self.value(key)
            .map(|value| {
                let array = value.as_array().map(Vec::as_slice);
                array.ok_or_else(|| self.wrong(key, "must be an array"))
            })
            .transpose()
    }

    /// An array of strings.
    pub(super) fn texts(&self, key: &str) -> Outcome<Option<Vec<String>>> {
        let Some(values) = self.array(key)? else {
            return Ok(None);
        };
        let texts = values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect();
        Option::ok_or_else(texts, || self.wrong(key, "must be an array of strings")).map(Some)
    }

    /// The `type` every tagged object needs.
    pub(super) fn kind(&self) -> Outcome<&'a str> {
        self.required_text("type")
    }
}
