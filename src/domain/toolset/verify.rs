//! Whether the service did what was asked: some answer 200 and ignore the update.

use serde_json::{Map, Value};

use crate::domain::{
    text::quoted,
    toolset::{
        diff::Changed,
        identity::{Kind, Section, pair},
        patch::Toolset,
        plan::ToolsetChange,
        resolve::{
            CONFIGS, DEFAULT, INHERITED, Resolved, has_known_default, normal_form, same_setting,
        },
        value::{covers, present, same, same_url},
    },
};

/// The schema of a custom tool, and its members whose keys are the caller's own names.
const SCHEMA: &str = "input_schema";
const NAMED_MEMBERS: [&str; 3] = ["properties", "patternProperties", "$defs"];

/// How the service's answer differs from what was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// This entry, asked for at this index, is missing.
    MissingEntry(Section, usize, Value),
    /// This entry, answered at this index, was not asked for.
    UnexpectedEntry(Section, usize, Value),
    /// The property at this path was to be removed.
    UnexpectedProperty(String),
    /// The value at this path is this (`None`: missing), and not the one asked for (`None`: its
    /// default).
    Value(String, Option<Value>, Option<Value>),
}

/// Compares the service's answer with what was asked: everything that was asked must be in the
/// answer, and nothing that was to be removed. Defaults and extra keys that the service fills in
/// are fine, unless they are the very value that was to change.
pub fn verify(asked: &ToolsetChange, answered: &Toolset) -> Result<(), Vec<Difference>> {
    let mut differences = Vec::new();
    let (tools, servers) = (&asked.changes.tools, &asked.changes.mcp_servers);
    let arrays = [
        (Section::Tools, &asked.tools, &answered.tools, tools),
        (Section::Servers, &asked.mcp_servers, &answered.mcp_servers, servers),
    ];
    for (section, asked, answered, diff) in arrays {
        if let Some(asked) = asked {
            compare(section, asked, answered, &diff.changed, &mut differences);
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

fn compare(
    section: Section,
    asked: &[Value],
    answered: &[Value],
    changed: &[Changed],
    differences: &mut Vec<Difference>,
) {
    let partners = pair(section, answered, asked);
    for (index, (entry, partner)) in asked.iter().zip(&partners).enumerate() {
        let found = partner.and_then(|index| Some((index, answered.get(index)?)));
        let Some((position, answer)) = found else {
            differences.push(Difference::MissingEntry(section, index, entry.clone()));
            continue;
        };
        let (Some(identity), Value::Object(asked), Value::Object(answered)) =
            (section.identity(entry), entry, answer)
        else {
            continue;
        };
        let kind = section.kind(entry);
        let comparison = Comparison {
            section,
            path: format!("{}[{position}]", section.name()),
            asked,
            answered,
            want: Resolved::of(asked, kind),
            have: Resolved::of(answered, kind),
        };
        comparison.is_as_asked(differences);
        let changed = changed.iter();
        for changed in changed.filter(|changed| changed.identity == identity) {
            comparison.properties_are_removed(changed, differences);
            comparison.defaults_are_restored(changed, differences);
        }
    }
    for (index, entry) in answered.iter().enumerate() {
        if !partners.contains(&Some(index)) {
            differences.push(Difference::UnexpectedEntry(section, index, entry.clone()));
        }
    }
}

/// One entry of the answer beside what was asked.
struct Comparison<'a> {
    section: Section,
    path: String,
    asked: &'a Map<String, Value>,
    answered: &'a Map<String, Value>,
    want: Resolved<'a>,
    have: Resolved<'a>,
}

impl Comparison<'_> {
    fn is_as_asked(&self, differences: &mut Vec<Difference>) {
        for (key, value) in self.asked {
            let answer = self.answered.get(key);
            match (key.as_str(), value, &self.have.default) {
                (DEFAULT, Value::Object(settings), Some(default)) => {
                    differences.extend(settings.iter().filter_map(|(key, value)| {
                        let path = format!("{DEFAULT}.{key}");
                        self.setting(&path, key, default.get(key), value)
                    }));
                }
                (CONFIGS, ..) if self.want.configs.is_some() && self.have.configs.is_some() => {
                    self.configs_are_as_asked(differences);
                }
                ("url", Value::String(url), _) if self.section == Section::Servers => {
                    let answered = answer.and_then(Value::as_str);
                    if !answered.is_some_and(|answered| same_url(answered, url)) {
                        differences.push(self.difference(key, answer, Some(value)));
                    }
                }
                _ => differences.extend(self.setting(key, key, answer, value)),
            }
        }
    }

    fn configs_are_as_asked(&self, differences: &mut Vec<Difference>) {
        for (name, config) in self.want.configs.iter().flatten() {
            for (key, value) in config.iter().filter(|(key, _)| *key != "name") {
                let answer = self.have.setting(name, key);
                let path = self.config_path(name, key);
                differences.extend(self.setting(&path, key, answer.as_deref(), value));
            }
        }
    }

    /// Properties that a custom tool's schema was to lose: their names are the caller's, so the
    /// service does not fill them in.
    fn properties_are_removed(&self, changed: &Changed, differences: &mut Vec<Difference>) {
        let Some(old) = changed.before.get(SCHEMA) else {
            return;
        };
        for member in NAMED_MEMBERS {
            let of = |schema: Option<&Value>| schema?.get(member)?.as_object().cloned();
            let old = of(Some(old)).unwrap_or_default();
            let asked = of(self.asked.get(SCHEMA)).unwrap_or_default();
            let answered = of(self.answered.get(SCHEMA)).unwrap_or_default();
            for (name, answer) in &answered {
                if !asked.contains_key(name) && old.get(name).is_some_and(|old| same(old, answer)) {
                    let path = format!("{}.{SCHEMA}.{member}.{name}", self.path);
                    differences.push(Difference::UnexpectedProperty(path));
                }
            }
        }
    }

    /// Settings that were left out to restore their default. Only where the default is known:
    /// otherwise the old value may be a default of the service.
    fn defaults_are_restored(&self, changed: &Changed, differences: &mut Vec<Difference>) {
        if !self.have.kind.is_toolset() {
            return;
        }
        let old = Resolved::of(&changed.before, Kind::Other);
        let new = Resolved::of(&changed.after, Kind::Other);
        let given = self.asked.get(DEFAULT).and_then(Value::as_object);
        for (key, old) in old.default.iter().flatten() {
            let given = given.and_then(|given| present(given, key));
            let default = self.have.default.as_ref();
            let answer = default.and_then(|default| present(default, key));
            if given.is_none() && has_known_default(key) && same_setting(key, answer, Some(old)) {
                differences.push(self.difference(&format!("{DEFAULT}.{key}"), answer, None));
            }
        }
        for (name, config) in old.configs.iter().flatten() {
            for (key, old) in config.iter().filter(|(key, _)| has_known_default(key)) {
                let given = self.want.config(name);
                let given = given.and_then(|config| present(config, key));
                // Removing a config that repeated the default leaves the default itself.
                let was_default = INHERITED.contains(&key.as_str())
                    && new.config(name).and_then(|new| new.get(key)).is_none();
                let answer = self.have.setting(name, key);
                let is_old = same_setting(key, answer.as_deref(), Some(old));
                if given.is_none() && !was_default && is_old {
                    let path = self.config_path(name, key);
                    differences.push(self.difference(&path, answer.as_deref(), None));
                }
            }
        }
    }

    /// The difference, unless the answer contains what was asked.
    fn setting(
        &self,
        path: &str,
        key: &str,
        answered: Option<&Value>,
        asked: &Value,
    ) -> Option<Difference> {
        let is_asked = |answer: &Value| covers(&normal_form(key, answer), &normal_form(key, asked));
        let differs = !asked.is_null() && !answered.is_some_and(is_asked);
        differs.then(|| self.difference(path, answered, Some(asked)))
    }

    fn difference(
        &self,
        path: &str,
        answered: Option<&Value>,
        asked: Option<&Value>,
    ) -> Difference {
        let path = format!("{}.{path}", self.path);
        Difference::Value(path, answered.cloned(), asked.cloned())
    }

    /// The path of a setting: by the config's index in the answer, or by its name if the answer
    /// lacks it.
    fn config_path(&self, name: &str, key: &str) -> String {
        let mut configs = self.have.configs.iter().flatten();
        match configs.position(|(other, _)| *other == name) {
            Some(index) => format!("{CONFIGS}[{index}].{key}"),
            None => format!("{CONFIGS}[{}].{key}", quoted(name)),
        }
    }
}
