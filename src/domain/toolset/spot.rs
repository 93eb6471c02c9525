//! A place in an entry of the result, looked at together with what the entry was made of, so that
//! a problem can be blamed on the right path, or on nobody.

use serde_json::Value;

use crate::domain::toolset::{
    identity::Section,
    merge::Entry,
    value::{alike, text},
};

/// One place in an entry, in the result and in the two things it was made of.
#[derive(Clone)]
pub(crate) struct ValuePath<'a> {
    pub(crate) value: Option<&'a Value>,
    pub(crate) given: Option<&'a Value>,
    pub(crate) before: Option<&'a Value>,
    /// The path into the arguments, if what surrounds this place was given.
    pub(crate) given_path: Option<String>,
    /// The path into the session, if what surrounds this place was there.
    pub(crate) before_path: Option<String>,
}

impl<'a> ValuePath<'a> {
    pub(crate) fn of(which: Section, entry: &'a Entry<'a>) -> Self {
        let name = which.name();
        Self {
            value: Some(&entry.value),
            given: entry.given.map(|(_, value)| value),
            before: entry.before.map(|(_, value)| value),
            given_path: entry.given.map(|(index, _)| format!("{name}[{index}]")),
            before_path: entry
                .before
                .map(|(index, _)| format!("session.{name}[{index}]")),
        }
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        let path = |parent: Option<&Value>, path: &Option<String>| {
            parent
                .and(path.as_ref())
                .map(|path| format!("{path}.{key}"))
        };
        Self {
            value: self.value.and_then(|value| value.get(key)),
            given: self.given.and_then(|value| value.get(key)),
            before: self.before.and_then(|value| value.get(key)),
            given_path: path(self.given, &self.given_path),
            before_path: path(self.before, &self.before_path),
        }
    }

    /// The configs of a toolset; they merge by name, so each has its own index in every array.
    pub(crate) fn configs(&self) -> Vec<Self> {
        let place = |array: Option<&'a Value>, path: &Option<String>, config: &Value| {
            let array = array.and_then(Value::as_array)?;
            let name = text(config, "name");
            let index = array.iter().position(|other| match name {
                Some(_) => text(other, "name") == name,
                None => alike(other, config),
            })?;
            Some((
                array.get(index)?,
                format!("{}[{index}]", path.as_deref().unwrap_or_default()),
            ))
        };
        let configs = self
            .value
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        configs
            .iter()
            .map(|config| {
                let given = place(self.given, &self.given_path, config);
                let before = place(self.before, &self.before_path, config);
                Self {
                    value: Some(config),
                    given: given.as_ref().map(|(value, _)| *value),
                    before: before.as_ref().map(|(value, _)| *value),
                    given_path: given.map(|(_, path)| path),
                    before_path: before.map(|(_, path)| path),
                }
            })
            .collect()
    }

    /// The value, unless it is missing or null, which the API takes for missing.
    pub(crate) fn set(&self) -> Option<&'a Value> {
        self.value.filter(|value| !value.is_null())
    }

    /// Whether the session already had it so, or already lacked it.
    pub(crate) fn is_old(&self) -> bool {
        let before = self.before.filter(|value| !value.is_null());
        match (self.set(), before) {
            (Some(now), Some(before)) => alike(now, before),
            (None, None) => self.before_path.is_some(),
            _ => false,
        }
    }

    pub(crate) fn path(&self) -> String {
        let (given, before) = (self.given_path.as_ref(), self.before_path.as_ref());
        let first = if self.given.is_none() && self.before.is_some() {
            before
        } else {
            given
        };
        first.or(given).or(before).cloned().unwrap_or_default()
    }

    /// The path of a whole entry: where it was given, or else where it was.
    pub(crate) fn path_of_entry(&self) -> String {
        self.given_path
            .as_ref()
            .or(self.before_path.as_ref())
            .cloned()
            .unwrap_or_default()
    }
}
