//! Strict reading of JSON request bodies: every error names the field by its path.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::rejection::{Rejection, Result};

/// A JSON object in a request body.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    /// Where the object is in the body; empty for the body itself.
    pub(super) path: String,
    pub(super) map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The object at `path`, whatever its keys.
    pub(super) fn new(value: &'a Value, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match value.as_object() {
            Some(map) => Ok(Self { path, map }),
            None if path.is_empty() => Err(Rejection::invalid("The body must be a JSON object.")),
            None => Err(Rejection::field(&path, "must be an object")),
        }
    }

    /// The whole body, which has no keys but `known`.
    pub(super) fn body(value: &'a Value, known: &str) -> Result<Self> {
        let fields = Self::new(value, "")?;
        fields.allow(known)?;
        Ok(fields)
    }

    /// Rejects keys other than `known`, a list separated by spaces.
    pub(super) fn allow(&self, known: &str) -> Result<()> {
        let is_known = |key: &str| known.split_whitespace().any(|known| known == key);
        match self.map.keys().find(|key| !is_known(key)) {
            Some(key) => Err(self.error(key, "unknown field")),
            None => Ok(()),
        }
    }

    /// The path of `key` in the body.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// An error about `key`.
    pub(super) fn error(&self, key: &str, complaint: impl Display) -> Rejection {
        Rejection::field(&self.at(key), complaint)
    }

    /// The value of `key`, null included.
    pub(super) fn raw(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    /// The value of `key`; null counts as absent, here and in the methods below.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.raw(key).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, key: &str) -> Result<&'a Value> {
        let missing = || self.error(key, "is required");
        self.value(key).ok_or_else(missing)
    }

    fn read<T>(
        &self,
        key: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
        complaint: &str,
    ) -> Result<Option<T>> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match convert(value) {
            None => Err(self.error(key, complaint)),
            converted => Ok(converted),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.read(key, Value::as_str, "must be a string")
    }

    pub(super) fn required_text(&self, key: &str) -> Result<&'a str> {
        self.required(key)?;
        match self.text(key)?.unwrap_or_default() {
            "" => Err(self.error(key, "must not be empty")),
            text => Ok(text),
        }
    }

    /// The `type` that every tagged object must have.
    pub(super) fn kind(&self) -> Result<&'a str> {
        self.required_text("type")
    }

    /// Rejects any other `type` than this one.
    pub(super) fn require_kind(&self, kind: &str) -> Result<()> {
        if self.kind()? == kind {
            return Ok(());
        }
        Err(self.error("type", format_args!("must be {kind:?}")))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        self.read(key, Value::as_bool, "must be true or false")
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<u64>> {
        self.read(key, Value::as_u64, "must be an integer")
    }

    pub(super) fn array(&self, key: &str) -> Result<Option<&'a Vec<Value>>> {
        self.read(key, Value::as_array, "must be an array")
    }

    pub(super) fn strings(&self, key: &str) -> Result<Option<Vec<String>>> {
        self.array(key)?;
        let strings = |value: &Value| serde_json::from_value(value.clone()).ok();
        self.read(key, strings, "must be an array of strings")
    }

    /// The elements of an array of objects; none if the key is absent.
    pub(super) fn objects(&self, key: &str) -> Result<impl Iterator<Item = Result<Self>>> {
        let path = self.at(key);
        let values = self.array(key)?.into_iter().flatten().enumerate();
        Ok(values.map(move |(position, value)| Self::new(value, format!("{path}.{position}"))))
    }

    /// A nested object with no keys but `known`.
    pub(super) fn object(&self, key: &str, known: &str) -> Result<Option<Self>> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let fields = Self::new(value, self.at(key))?;
        fields.allow(known)?;
        Ok(Some(fields))
    }
}
