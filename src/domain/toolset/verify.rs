//! Whether the service did what it was asked: some answer 200 and ignore the update.

use serde_json::{Map, Value};

use crate::domain::toolset::{
    Changed, Plan, Toolset,
    identity::{Kind, Section, pair, quoted},
    resolve::{CONFIGS, DEFAULT, Resolved, has_known_default, long_form, same_setting},
    value::{covers, same, same_url, set, shown},
};

/// The schema of a custom tool, and where in it the caller's own names stand.
const SCHEMA: &str = "input_schema";
const NAMES_OF_A_SCHEMA: [&str; 3] = ["properties", "patternProperties", "$defs"];

/// Compares the service's answer with what was asked, by value: what was asked must stand in the
/// answer, and nothing that was to go may still be there. Defaults and extra keys that the service
/// fills in are fine, except where they are the very value that was to change.
///
/// # Errors
/// Every difference, each with its path into the answer's `tools` or `mcp_servers`.
pub fn satisfied(asked: &Plan, answered: &Toolset) -> Result<(), Vec<String>> {
    let mut differences = Vec::new();
    let arrays = [
        (
            Section::Tools,
            &asked.tools,
            &answered.tools,
            &asked.changes.tools.changed,
        ),
        (
            Section::Servers,
            &asked.mcp_servers,
            &answered.mcp_servers,
            &asked.changes.mcp_servers.changed,
        ),
    ];
    for (which, asked, answered, changed) in arrays {
        if let Some(asked) = asked {
            compare(which, asked, answered, changed, &mut differences);
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences)
    }
}

fn compare(
    which: Section,
    asked: &[Value],
    answered: &[Value],
    changed: &[Changed],
    differences: &mut Vec<String>,
) {
    let partners = pair(which, answered, asked);
    for (index, (asked, partner)) in asked.iter().zip(&partners).enumerate() {
        let identity = which.identity(asked);
        let found = partner.and_then(|index| Some((index, answered.get(index)?)));
        let Some((position, answer)) = found else {
            let what = identity.map_or_else(|| shown(asked), |identity| identity.to_string());
            differences.push(format!(
                "{}: {what} is missing (asked as entry {index})",
                which.name()
            ));
            continue;
        };
        let (Some(identity), Value::Object(asked), Value::Object(answer)) =
            (identity, asked, answer)
        else {
            continue;
        };
        let mut entry = Entry {
            path: format!("{}[{position}]", which.name()),
            kind: if which == Section::Tools {
                Kind::of(&Value::Object(asked.clone()))
            } else {
                Kind::Other
            },
            differences,
        };
        entry.asked_stands(which, asked, answer);
        for changed in changed
            .iter()
            .filter(|changed| changed.identity == identity)
        {
            entry.names_are_gone(changed, asked, answer);
            entry.old_is_gone(changed, asked, answer);
        }
    }
    for (index, entry) in answered.iter().enumerate() {
        if !partners.contains(&Some(index)) {
            let what = which
                .identity(entry)
                .map_or_else(|| shown(entry), |identity| identity.to_string());
            differences.push(format!(
                "{}[{index}]: {what} is there, but was not asked for",
                which.name()
            ));
        }
    }
}

struct Entry<'d> {
    path: String,
    kind: Kind,
    differences: &'d mut Vec<String>,
}

impl Entry<'_> {
    fn differs(&mut self, path: &str, answered: Option<&Value>, asked: Option<&Value>) {
        let answered = answered.map_or_else(|| "missing".to_owned(), shown);
        let asked = asked.map_or_else(|| "its default".to_owned(), shown);
        self.differences.push(format!(
            "{}.{path} is {answered}, asked was {asked}",
            self.path
        ));
    }

    fn asked_stands(
        &mut self,
        which: Section,
        asked: &Map<String, Value>,
        answered: &Map<String, Value>,
    ) {
        let (want, have) = (
            Resolved::of(asked, self.kind),
            Resolved::of(answered, self.kind),
        );
        for (key, value) in asked {
            match (
                key.as_str(),
                value,
                &have.default,
                &want.configs,
                &have.configs,
            ) {
                (DEFAULT, Value::Object(settings), Some(default), ..) => {
                    for (key, value) in settings {
                        let answer = default.get(key);
                        self.setting_stands(&format!("{DEFAULT}.{key}"), key, answer, value);
                    }
                }
                (CONFIGS, _, _, Some(configs), Some(_)) => {
                    for (name, config) in configs {
                        for (key, value) in config.iter().filter(|(key, _)| *key != "name") {
                            let answer = have.setting(name, key);
                            let path = format!("{}.{key}", config_path(&have, name));
                            self.setting_stands(&path, key, answer.as_deref(), value);
                        }
                    }
                }
                ("url", Value::String(url), ..) if which == Section::Servers => {
                    let answer = answered.get(key);
                    if !answer
                        .and_then(Value::as_str)
                        .is_some_and(|answer| same_url(answer, url))
                    {
                        self.differs(key, answer, Some(value));
                    }
                }
                _ => self.setting_stands(key, key, answered.get(key), value),
            }
        }
    }

    fn setting_stands(&mut self, path: &str, key: &str, answered: Option<&Value>, asked: &Value) {
        let stands = asked.is_null()
            || answered
                .is_some_and(|answer| covers(&long_form(key, answer), &long_form(key, asked)));
        if !stands {
            self.differs(path, answered, Some(asked));
        }
    }

    /// What a custom tool's schema was to lose, and yet is as it was: names that the caller gives
    /// are not the service's to fill in.
    fn names_are_gone(
        &mut self,
        changed: &Changed,
        asked: &Map<String, Value>,
        answered: &Map<String, Value>,
    ) {
        let Some(old) = changed.before.get(SCHEMA) else {
            return;
        };
        for names in NAMES_OF_A_SCHEMA {
            let of = |schema: Option<&Value>| schema?.get(names)?.as_object().cloned();
            let (old, asked, answered) = (
                of(Some(old)).unwrap_or_default(),
                of(asked.get(SCHEMA)).unwrap_or_default(),
                of(answered.get(SCHEMA)).unwrap_or_default(),
            );
            for (name, answer) in &answered {
                if !asked.contains_key(name) && old.get(name).is_some_and(|old| same(old, answer)) {
                    let path = format!("{SCHEMA}.{names}.{name}");
                    self.differences.push(format!(
                        "{}.{path} is there, but was not asked for",
                        self.path
                    ));
                }
            }
        }
    }

    /// A setting that was left out so that it goes back to its default, and yet is what it was.
    /// Only where the default is known: what else comes back may be a default of the service.
    fn old_is_gone(
        &mut self,
        changed: &Changed,
        asked: &Map<String, Value>,
        answered: &Map<String, Value>,
    ) {
        if !self.kind.is_toolset() {
            return;
        }
        let (want, have) = (
            Resolved::of(asked, self.kind),
            Resolved::of(answered, self.kind),
        );
        let (was, will) = (
            Resolved::of(&changed.before, Kind::Other),
            Resolved::of(&changed.after, Kind::Other),
        );
        let own = set(asked, DEFAULT).and_then(Value::as_object);
        for (key, old) in was.default.iter().flatten() {
            let told = own.is_some_and(|own| set(own, key).is_some());
            let answer = have.default.as_ref().and_then(|default| set(default, key));
            if !told && has_known_default(key) && same_setting(key, answer, Some(old)) {
                self.differs(&format!("{DEFAULT}.{key}"), answer, None);
            }
        }
        for (name, config) in was.configs.iter().flatten() {
            for (key, old) in config.iter().filter(|(key, _)| has_known_default(key)) {
                let told = want
                    .config(name)
                    .is_some_and(|config| set(config, key).is_some());
                let inherits = ["enabled", "permission_policy"].contains(&key.as_str());
                // A config that repeated the default went: what is left is the default itself.
                let repeated =
                    inherits && will.config(name).and_then(|will| will.get(key)).is_none();
                let answer = have.setting(name, key);
                if !told && !repeated && same_setting(key, answer.as_deref(), Some(old)) {
                    self.differs(
                        &format!("{}.{key}", config_path(&have, name)),
                        answer.as_deref(),
                        None,
                    );
                }
            }
        }
    }
}

/// Where the answer has the config; by name if it has none.
fn config_path(have: &Resolved<'_>, name: &str) -> String {
    match have
        .configs
        .iter()
        .flatten()
        .position(|(other, _)| *other == name)
    {
        Some(index) => format!("{CONFIGS}[{index}]"),
        None => format!("{CONFIGS}[{}]", quoted(name)),
    }
}
