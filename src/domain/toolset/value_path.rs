//! A place in an entry of the result, together with what the entry was made of, so that a problem
//! is reported at the right path, or not at all.

use serde_json::Value;

use crate::domain::toolset::{
    identity::Section,
    merge::MergedEntry,
    value::{alike, text},
};

/// One place in an entry: in the result, in the arguments and in the session.
pub(crate) struct ValuePath<'a> {
    pub(crate) value: Option<&'a Value>,
    pub(crate) given: Option<&'a Value>,
    pub(crate) before: Option<&'a Value>,
    /// The path into the arguments, if the parent was given.
    pub(crate) given_path: Option<String>,
    /// The path into the session, if the parent was there.
    before_path: Option<String>,
}

impl<'a> ValuePath<'a> {
    pub(crate) fn of(section: Section, entry: &'a MergedEntry<'a>) -> Self {
        let path = |prefix: &str, index: usize| format!("{prefix}{}[{index}]", section.name());
        Self {
            value: Some(&entry.value),
            given: entry.given.map(|(_, value)| value),
            before: entry.before.map(|(_, value)| value),
            given_path: entry.given.map(|(index, _)| path("", index)),
            before_path: entry.before.map(|(index, _)| path("session.", index)),
        }
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        let path = |parent: Option<&Value>, path: &Option<String>| {
            let path = parent.and(path.as_ref());
            path.map(|path| format!("{path}.{key}"))
        };
        Self {
            value: self.value.and_then(|value| value.get(key)),
            given: self.given.and_then(|value| value.get(key)),
            before: self.before.and_then(|value| value.get(key)),
            given_path: path(self.given, &self.given_path),
            before_path: path(self.before, &self.before_path),
        }
    }

    /// The configs of a toolset. They merge by name, so each has an index of its own in the
    /// arguments and in the session.
    pub(crate) fn configs(&self) -> Vec<Self> {
        let place = |array: Option<&'a Value>, path: &Option<String>, config: &Value| {
            let array = array.and_then(Value::as_array)?;
            let name = text(config, "name");
            let index = array.iter().position(|other| match name {
                Some(_) => text(other, "name") == name,
                None => alike(other, config),
            })?;
            let path = path.as_deref().unwrap_or_default();
            Some((array.get(index)?, format!("{path}[{index}]")))
        };
        let configs = self.value.and_then(Value::as_array).into_iter().flatten();
        configs
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

    /// The value, unless it is missing or null, which means the same to the API.
    pub(crate) fn present(&self) -> Option<&'a Value> {
        self.value.filter(|value| !value.is_null())
    }

    /// Whether the session already had this value, or lacked it.
    pub(crate) fn is_old(&self) -> bool {
        let before = self.before.filter(|value| !value.is_null());
        match (self.present(), before) {
            (Some(now), Some(before)) => alike(now, before),
            (None, None) => self.before_path.is_some(),
            _ => false,
        }
    }

    /// The path to report: into the session if the value came from there, else the arguments.
    pub(crate) fn location(&self) -> String {
        if self.given.is_none() && self.before.is_some() {
            return self.before_path.clone().unwrap_or_default();
        }
        self.entry_location()
    }

    /// The path of a whole entry: where it was given, else where it was.
    pub(crate) fn entry_location(&self) -> String {
        let path = self.given_path.as_ref().or(self.before_path.as_ref());
        path.cloned().unwrap_or_default()
    }
}
