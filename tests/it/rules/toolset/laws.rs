//! Laws that hold for every session and every patch.

use std::collections::BTreeSet;

use proptest::{collection::vec, option, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use managed_sessions_mcp::domain::toolset::{
    Mode, NoUndo, Patch, Section, Toolset, covers, diff, plan, same, undo, verify,
};

use super::custom;

/// Any JSON, also numbers no float can hold.
fn any_json() -> BoxedStrategy<Value> {
    let key = "(type|name|mcp_server_name|configs|default_config|permission_policy|url|enabled|\
               allowed_domains|blocked_domains|input_schema|url_sources)|[a-z]{0,3}";
    let word = "agent_toolset_20260401|mcp_toolset|custom|future|a|b|url|https://x\\.example|auto";
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?(e-?[0-9]{1,3})?";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).unwrap()),
        word.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let members = vec((key, inner.clone()), 0..5);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::Array),
            members.prop_map(|members| members.into_iter().collect()),
        ]
    })
    .boxed()
}

/// Members no rule knows, to be carried through. Not null, which would remove a key.
fn extras() -> BoxedStrategy<Map<String, Value>> {
    let value = any_json().prop_filter("null", |value| !value.is_null());
    let members = vec(("x_[a-c]", value), 0..3);
    members.prop_map(Map::from_iter).boxed()
}

/// The entry without the members that are null, and with these.
fn with(entry: &Value, extras: Map<String, Value>) -> Value {
    let members = entry.as_object().unwrap().clone().into_iter();
    let members = members.filter(|(_, value)| !value.is_null());
    members.chain(extras).collect()
}

fn config(name: Option<&'static str>) -> BoxedStrategy<Value> {
    let policy = "always_allow|always_ask|auto".prop_map(|policy| json!({"type": policy}));
    (option::of(any::<bool>()), option::of(policy), extras())
        .prop_map(move |(enabled, policy, extras)| {
            let config = json!({"name": name, "enabled": enabled, "permission_policy": policy});
            with(&config, extras)
        })
        .boxed()
}

/// An entry with any settings of a toolset.
fn toolset(entry: Value) -> BoxedStrategy<Value> {
    let configs = ["bash", "read", "web_fetch"].map(|name| option::of(config(Some(name))));
    let configs = configs.prop_map(|configs| configs.into_iter().flatten().collect::<Value>());
    (option::of(config(None)), option::of(configs), extras())
        .prop_map(move |(default, configs, extras)| {
            let mut entry = entry.clone();
            entry["default_config"] = json!(default);
            entry["configs"] = json!(configs);
            with(&entry, extras)
        })
        .boxed()
}

fn entry(entry: Value) -> BoxedStrategy<Value> {
    extras().prop_map(move |extras| with(&entry, extras)).boxed()
}

/// A state the API could answer: no duplicates, no dangling references.
fn valid() -> BoxedStrategy<Toolset> {
    let server = |name: &str| {
        let server = json!({"type": "url", "name": name, "url": format!("https://{name}.example")});
        let tools = json!({"type": "mcp_toolset", "mcp_server_name": name});
        option::of((entry(server), option::of(toolset(tools))))
    };
    let tools = [
        toolset(json!({"type": "agent_toolset_20260401"})),
        entry(custom("c1")),
        entry(custom("c2")),
        entry(json!({"type": "future", "name": "u1"})),
    ];
    (["s1", "s2"].map(server), tools.map(option::of), any::<Index>())
        .prop_map(|(servers, tools, turn)| {
            let mut result = Toolset::default();
            for (server, tools) in servers.into_iter().flatten() {
                result.mcp_servers.push(server);
                result.tools.extend(tools);
            }
            result.tools.extend(tools.into_iter().flatten());
            if !result.tools.is_empty() {
                let middle = turn.index(result.tools.len());
                result.tools.rotate_left(middle);
            }
            result
        })
        .boxed()
}

fn arbitrary_patch() -> BoxedStrategy<Patch> {
    let mode = prop_oneof![Just(Mode::Merge), Just(Mode::Replace)];
    let entries = || option::of(vec(any_json(), 0..5));
    let name = || prop_oneof!["[ab]", "mcp_toolset|future|custom", any::<String>()];
    let config = prop_oneof!["[ab]", "future\\.[ab]|custom", any::<String>()];
    (mode, [entries(), entries()], [vec(name(), 0..3), vec(name(), 0..3), vec(config, 0..3)])
        .prop_map(|(mode, [tools, mcp_servers], names)| {
            let [remove_tools, remove_mcp_servers, remove_configs] = names;
            Patch { mode, tools, mcp_servers, remove_tools, remove_mcp_servers, remove_configs }
        })
        .boxed()
}

fn giving(mode: Mode, toolset: &Toolset) -> Patch {
    Patch {
        mode,
        tools: Some(toolset.tools.clone()),
        mcp_servers: Some(toolset.mcp_servers.clone()),
        ..Patch::default()
    }
}

/// The state after a patch, if it is accepted.
fn after(current: &Toolset, patch: &Patch) -> Option<Toolset> {
    let change = plan(current, patch).ok()?;
    let Toolset { tools, mcp_servers } = current.clone();
    Some(Toolset {
        tools: change.tools.unwrap_or(tools),
        mcp_servers: change.mcp_servers.unwrap_or(mcp_servers),
    })
}

fn merged(current: &Toolset, given: &Toolset) -> Toolset {
    if *given == Toolset::default() {
        return current.clone();
    }
    after(current, &giving(Mode::Merge, given)).unwrap()
}

/// Without duplicates and without references to servers that are not there.
fn is_sound(toolset: &Toolset) -> bool {
    let unique = |section: Section, entries: &[Value]| {
        let known = entries.iter().filter_map(|entry| section.identity(entry));
        let known: Vec<_> = known.filter(|identity| !identity.is_vague()).collect();
        known.iter().collect::<BTreeSet<_>>().len() == known.len()
    };
    let servers = toolset.mcp_servers.iter();
    let refers = |tool: &Value| {
        tool["type"] != "mcp_toolset"
            || servers.clone().any(|server| server["name"] == tool["mcp_server_name"])
    };
    unique(Section::Tools, &toolset.tools)
        && unique(Section::Servers, &toolset.mcp_servers)
        && toolset.tools.iter().all(refers)
}

/// Whether every member that no rule knows is in the other entry too, to the byte.
fn keeps_extras(old: &Value, new: &Value) -> bool {
    let mut members = old.as_object().unwrap().iter();
    members.all(|(key, value)| {
        let new = new.get(key).map(Value::to_string);
        !key.starts_with("x_") || new == Some(value.to_string())
    })
}

proptest! {
    // The fuzz target of the same laws runs millions.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_json_is_planned_or_refused_but_never_a_panic(
        tools in vec(any_json(), 0..4), servers in vec(any_json(), 0..3), patch in arbitrary_patch(),
    ) {
        let current = Toolset { tools, mcp_servers: servers };
        match plan(&current, &patch) {
            Ok(change) => {
                let sent = change.tools.is_some() || change.mcp_servers.is_some();
                prop_assert_eq!(sent, !change.changes.is_empty());
                let _ = verify(&change, &current);
                serde_json::to_value(&change.changes).unwrap();
            }
            Err(problems) => prop_assert!(problems.iter().all(|problem| !problem.path.is_empty()), "{:?}", problems),
        }
    }

    #[test]
    fn a_result_has_no_duplicates_and_no_dangling_references(current in valid(), patch in arbitrary_patch(), given in valid()) {
        for patch in [patch, giving(Mode::Replace, &given), Patch { mcp_servers: None, ..giving(Mode::Merge, &given) },
                      Patch { tools: None, ..giving(Mode::Replace, &given) }] {
            if let Some(result) = after(&current, &patch) {
                prop_assert!(is_sound(&result), "{:?}", result);
            }
        }
    }

    #[test]
    fn merging_twice_is_merging_once(current in valid(), given in valid()) {
        let once = merged(&current, &given);
        prop_assert_eq!(&merged(&once, &given), &once);
        if let Ok(again) = plan(&once, &giving(Mode::Merge, &given)) {
            prop_assert!(again.changes.is_empty());
        }
    }

    #[test]
    fn merging_keeps_every_entry_it_does_not_name(current in valid(), given in valid()) {
        let result = merged(&current, &given);
        let named: Vec<_> = given.tools.iter().map(|tool| Section::Tools.identity(tool)).collect();
        for (index, tool) in current.tools.iter().enumerate() {
            if !named.contains(&Section::Tools.identity(tool)) {
                prop_assert_eq!(result.tools[index].to_string(), tool.to_string());
            }
        }
    }

    #[test]
    fn unknown_members_survive_any_merge(current in valid(), given in valid()) {
        // Unknown members in the arguments may override.
        let strip = |entries: &[Value]| -> Vec<Value> {
            let members = |entry: &Value| entry.as_object().unwrap().clone().into_iter();
            let strip = |entry| members(entry).filter(|(key, _)| !key.starts_with("x_")).collect();
            entries.iter().map(strip).collect()
        };
        let given = Toolset { tools: strip(&given.tools), mcp_servers: strip(&given.mcp_servers) };
        let result = merged(&current, &given);
        let old = current.tools.iter().chain(&current.mcp_servers);
        let new = result.tools.iter().take(current.tools.len()).chain(&result.mcp_servers);
        for (old, new) in old.zip(new) {
            prop_assert!(keeps_extras(old, new), "{} -> {}", old, new);
        }
    }

    #[test]
    fn replacing_is_the_diff_from_old_to_new(current in valid(), given in valid()) {
        let replaced = plan(&current, &giving(Mode::Replace, &given)).unwrap();
        prop_assert_eq!(&replaced.changes, &diff(&current, &given));
        let result = after(&current, &giving(Mode::Replace, &given)).unwrap();
        prop_assert!(diff(&result, &given).is_empty());
        prop_assert!(diff(&given, &given).is_empty());
        prop_assert_eq!(verify(&replaced, &given), Ok(()));
        prop_assert_eq!(verify(&replaced, &result), Ok(()));
    }

    /// An answer that is still the old state must not pass for a change. But the service may leave
    /// out a config that repeats the default, and may fill in what was there before.
    #[test]
    fn an_ignored_merge_is_detected(current in valid(), given in valid()) {
        let Ok(change) = plan(&current, &giving(Mode::Merge, &given)) else { return Ok(()) };
        if verify(&change, &current).is_ok() {
            for diff in [&change.changes.tools, &change.changes.mcp_servers] {
                prop_assert!(diff.added.is_empty() && diff.removed.is_empty(), "{:?}", diff);
                for changed in &diff.changed {
                    for (key, new) in &changed.after {
                        let is_filled_in = match changed.before.get(key) {
                            Some(old) => covers(old, new),
                            None => key == "configs",
                        };
                        prop_assert!(is_filled_in, "{:?}", changed);
                    }
                    prop_assert!(changed.before.keys().all(|key| changed.after.contains_key(key)), "{:?}", changed);
                }
            }
        }
    }

    #[test]
    fn removing_what_was_added_gives_the_old_value(current in valid(), extras in extras()) {
        let added = Toolset {
            tools: vec![with(&custom("new"), extras.clone()), json!({"type": "mcp_toolset", "mcp_server_name": "s9"})],
            mcp_servers: vec![with(&json!({"type": "url", "name": "s9", "url": "https://s9.example"}), extras)],
        };
        let more = merged(&current, &added);
        prop_assert!(more != current);
        for mode in [Mode::Merge, Mode::Replace] {
            let remove = Patch {
                mode, remove_tools: vec!["new".to_owned()], remove_mcp_servers: vec!["s9".to_owned()], ..Patch::default()
            };
            prop_assert_eq!(&after(&more, &remove).unwrap(), &current);
        }
    }

    #[test]
    fn an_undo_restores_what_was_and_is_a_patch_like_any_other(
        current in valid(), given in valid(), patch in arbitrary_patch(), pins in valid(),
    ) {
        let current = merged(&current, &pins);
        for patch in [giving(Mode::Merge, &given), giving(Mode::Replace, &given), patch] {
            let Some(after) = after(&current, &patch) else { continue };
            for (from, to) in [(&current, &after), (&after, &current)] {
                match undo(from, to) {
                    None => prop_assert_eq!(from, to),
                    Some(Ok(undo)) => prop_assert_eq!(&self::after(to, &undo).unwrap(), from),
                    Some(Err(reason)) => prop_assert_eq!(reason, NoUndo::Altered),
                }
            }
        }
    }

    #[test]
    fn a_value_is_the_same_as_itself(value in any_json()) {
        prop_assert!(same(&value, &value));
        prop_assert!(same(&value, &serde_json::from_str(&value.to_string()).unwrap()));
    }
}
