//! Laws that hold for every session and every patch.

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};

use crate::domain::toolset::{
    Mode, Patch, Toolset, diff,
    identity::Section,
    plan,
    tests::custom,
    value::{covers, same},
    verify,
};

/// Any JSON, also numbers no float can hold.
fn any_json() -> BoxedStrategy<Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "type",
            "name",
            "mcp_server_name",
            "configs",
            "default_config",
            "permission_policy",
            "url",
            "enabled",
            "allowed_domains",
            "blocked_domains",
            "input_schema",
            "url_sources",
        ])
        .prop_map(str::to_owned),
        "[a-z]{0,3}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?(e-?[0-9]{1,3})?"
            .prop_map(|text| serde_json::from_str(&text).unwrap()),
        prop::sample::select(vec![
            "agent_toolset_20260401",
            "mcp_toolset",
            "custom",
            "future",
            "a",
            "b",
            "url",
            "https://x.example",
            "auto",
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((key.clone(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}

/// Members no rule knows, to be carried through.
fn extras() -> BoxedStrategy<Map<String, Value>> {
    vec(
        (
            "x_[a-c]",
            any_json().prop_filter("null takes keys away", |value| !value.is_null()),
        ),
        0..3,
    )
    .prop_map(|members| members.into_iter().collect())
    .boxed()
}

fn with(mut entry: Value, extras: Map<String, Value>) -> Value {
    entry.as_object_mut().unwrap().extend(extras);
    entry
}

fn config(name: &'static str) -> BoxedStrategy<Value> {
    let policy = prop::sample::select(vec!["always_allow", "always_ask", "auto"]);
    (option::of(any::<bool>()), option::of(policy), extras())
        .prop_map(move |(enabled, policy, extras)| {
            let mut config = json!({"name": name});
            if let Some(enabled) = enabled {
                config["enabled"] = json!(enabled);
            }
            if let Some(policy) = policy {
                config["permission_policy"] = json!({"type": policy});
            }
            with(config, extras)
        })
        .boxed()
}

fn configs() -> BoxedStrategy<Value> {
    (
        option::of(config("bash")),
        option::of(config("read")),
        option::of(config("web_fetch")),
    )
        .prop_map(|(a, b, c)| Value::Array([a, b, c].into_iter().flatten().collect()))
        .boxed()
}

fn toolset_settings() -> BoxedStrategy<Map<String, Value>> {
    (
        option::of(config("default")),
        option::of(configs()),
        extras(),
    )
        .prop_map(|(default, configs, extras)| {
            let mut entry = extras;
            if let Some(mut default) = default {
                default.as_object_mut().unwrap().shift_remove("name");
                entry.insert("default_config".to_owned(), default);
            }
            if let Some(configs) = configs {
                entry.insert("configs".to_owned(), configs);
            }
            entry
        })
        .boxed()
}

/// A state the API could answer: no duplicates, no dangling references.
fn valid() -> BoxedStrategy<Toolset> {
    let server = |name: &'static str| {
        (any::<bool>(), option::of(toolset_settings()), extras()).prop_map(
            move |(there, tools, extras)| {
                let server =
                    json!({"type": "url", "name": name, "url": format!("https://{name}.example")});
                let toolset = |settings| {
                    with(
                        json!({"type": "mcp_toolset", "mcp_server_name": name}),
                        settings,
                    )
                };
                there.then(|| (with(server, extras), tools.map(toolset)))
            },
        )
    };
    let own = |name: &'static str| {
        option::of(extras().prop_map(move |extras| with(custom(name), extras)))
    };
    let unknown = |name: &'static str| {
        option::of(
            extras().prop_map(move |extras| with(json!({"type": "future", "name": name}), extras)),
        )
    };
    let builtin = option::of(
        toolset_settings()
            .prop_map(|settings| with(json!({"type": "agent_toolset_20260401"}), settings)),
    );
    (
        builtin,
        server("s1"),
        server("s2"),
        own("c1"),
        own("c2"),
        unknown("u1"),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(builtin, one, two, c1, c2, u1, turn)| {
            let mut result = Toolset::default();
            for (server, tools) in [one, two].into_iter().flatten() {
                result.mcp_servers.push(server);
                result.tools.extend(tools);
            }
            result
                .tools
                .extend([builtin, c1, c2, u1].into_iter().flatten());
            if !result.tools.is_empty() {
                let middle = turn.index(result.tools.len());
                result.tools.rotate_left(middle);
            }
            result
        })
        .boxed()
}

fn arbitrary_patch() -> BoxedStrategy<Patch> {
    let entries = || option::of(vec(any_json(), 0..5));
    let names = || {
        vec(
            prop_oneof!["[ab]", "mcp_toolset|future|custom", any::<String>()],
            0..3,
        )
    };
    (any::<bool>(), entries(), entries(), names(), names())
        .prop_map(
            |(merge, tools, mcp_servers, remove_tools, remove_mcp_servers)| Patch {
                mode: if merge { Mode::Merge } else { Mode::Replace },
                tools,
                mcp_servers,
                remove_tools,
                remove_mcp_servers,
            },
        )
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
    let plan = plan(current, patch).ok()?;
    Some(Toolset {
        tools: plan.tools.unwrap_or_else(|| current.tools.clone()),
        mcp_servers: plan
            .mcp_servers
            .unwrap_or_else(|| current.mcp_servers.clone()),
    })
}

fn merged(current: &Toolset, given: &Toolset) -> Toolset {
    if given.tools.is_empty() && given.mcp_servers.is_empty() {
        return current.clone();
    }
    after(current, &giving(Mode::Merge, given)).unwrap()
}

/// Without duplicates and without references to servers that are not there.
fn is_sound(toolset: &Toolset) -> bool {
    let unique = |which: Section, entries: &[Value]| {
        let known: Vec<_> = entries
            .iter()
            .filter_map(|entry| which.identity(entry))
            .filter(|id| !id.is_vague())
            .collect();
        known
            .iter()
            .enumerate()
            .all(|(index, one)| !known.iter().skip(index + 1).any(|two| one == two))
    };
    let refers = |tool: &Value| {
        tool["type"] != "mcp_toolset"
            || toolset
                .mcp_servers
                .iter()
                .any(|server| server["name"] == tool["mcp_server_name"])
    };
    unique(Section::Tools, &toolset.tools)
        && unique(Section::Servers, &toolset.mcp_servers)
        && toolset.tools.iter().all(refers)
}

/// Whether every member that no rule knows is in the other entry too, to the byte.
fn keeps_extras(old: &Value, new: &Value) -> bool {
    let members = old.as_object().unwrap().iter();
    members
        .filter(|(key, _)| key.starts_with("x_"))
        .all(|(key, value)| {
            let (old, new) = (value.to_string(), new.get(key).map(Value::to_string));
            new == Some(old)
        })
}

proptest! {
    #[test]
    fn arbitrary_json_is_planned_or_refused_but_never_a_panic(
        tools in vec(any_json(), 0..4), servers in vec(any_json(), 0..3), patch in arbitrary_patch(),
    ) {
        let current = Toolset { tools, mcp_servers: servers };
        match plan(&current, &patch) {
            Ok(plan) => {
                let sent = [&plan.tools, &plan.mcp_servers].into_iter().any(Option::is_some);
                prop_assert_eq!(sent, !plan.changes.is_empty());
                let _ = verify(&plan, &current);
                serde_json::to_value(&plan.changes).unwrap();
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
        // The arguments' own unknown members may override, so they are left out here.
        let strip = |entries: &[Value]| -> Vec<Value> {
            let mut entries = entries.to_vec();
            for entry in &mut entries {
                entry.as_object_mut().unwrap().retain(|key, _| !key.starts_with("x_"));
            }
            entries
        };
        let given = Toolset { tools: strip(&given.tools), mcp_servers: strip(&given.mcp_servers) };
        let result = merged(&current, &given);
        for (old, new) in current.tools.iter().zip(&result.tools) {
            prop_assert!(keeps_extras(old, new), "{} -> {}", old, new);
        }
        for (old, new) in current.mcp_servers.iter().zip(&result.mcp_servers) {
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

    /// An answer that is still the old state must not pass for a change. Only a config that says
    /// what is the default anyway may be left out by the service, and what it fills in by itself may
    /// be what was there before.
    #[test]
    fn a_merge_that_was_ignored_is_noticed(current in valid(), given in valid()) {
        let Ok(plan) = plan(&current, &giving(Mode::Merge, &given)) else { return Ok(()) };
        if verify(&plan, &current).is_ok() {
            for diff in [&plan.changes.tools, &plan.changes.mcp_servers] {
                prop_assert!(diff.added.is_empty() && diff.removed.is_empty(), "{:?}", diff);
                for changed in &diff.changed {
                    for (key, new) in &changed.after {
                        let is_told = match changed.before.get(key) {
                            Some(old) => !covers(old, new),
                            None => key != "configs",
                        };
                        prop_assert!(!is_told, "{:?}", changed);
                    }
                    prop_assert!(changed.before.keys().all(|key| changed.after.contains_key(key)), "{:?}", changed);
                }
            }
        }
    }

    #[test]
    fn removing_what_was_added_gives_the_old_value(current in valid(), extras in extras()) {
        let added = Toolset {
            tools: vec![with(custom("new"), extras.clone()), json!({"type": "mcp_toolset", "mcp_server_name": "s9"})],
            mcp_servers: vec![with(json!({"type": "url", "name": "s9", "url": "https://s9.example"}), extras)],
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
    fn a_value_is_the_same_as_itself(value in any_json()) {
        prop_assert!(same(&value, &value));
        prop_assert!(same(&value, &serde_json::from_str(&value.to_string()).unwrap()));
    }
}
