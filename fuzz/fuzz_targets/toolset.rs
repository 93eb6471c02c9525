//! Any session, any patch: planned or refused, never a panic; and what is planned has the effect
//! it says.

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use managed_sessions_mcp::domain::toolset::{Mode, Patch, Toolset, diff, plan, same, undo, verify};
use serde_json::{Map, Number, Value};

/// Words that mean something in tools and servers, so that entries meet each other.
const WORDS: &[&str] = &[
    "agent_toolset_20260401",
    "mcp_toolset",
    "custom",
    "url",
    "hooks_20270101",
    "linear",
    "github",
    "lookup_order",
    "bash",
    "web_fetch",
    "always_allow",
    "always_ask",
    "auto",
    "https://mcp.example.com/mcp",
    "https://MCP.example.com:443/mcp",
    "http://example.com",
    "example.com",
    "",
];
const KEYS: &[&str] = &[
    "type",
    "name",
    "mcp_server_name",
    "url",
    "configs",
    "default_config",
    "enabled",
    "permission_policy",
    "input_schema",
    "description",
    "allowed_domains",
    "blocked_domains",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "1.0",
    "1.50",
    "1.5",
    "-0",
    "1e400",
    "123456789012345678901",
];

fn word(u: &mut Unstructured<'_>) -> Result<String> {
    if u.ratio(9, 10)? {
        return Ok((*u.choose(WORDS)?).to_owned());
    }
    String::arbitrary(u)
}

fn value(u: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    Ok(match u.int_in_range(0..=if depth == 0 { 4 } else { 7 })? {
        0 => Value::Null,
        1 => bool::arbitrary(u)?.into(),
        2 | 3 => word(u)?.into(),
        4 => {
            let number: Number = serde_json::from_str(u.choose(NUMBERS)?).expect("a number");
            Value::Number(number)
        }
        5 => Value::Array(values(u, depth - 1, 4)?),
        _ => entry(u, depth - 1)?,
    })
}

fn values(u: &mut Unstructured<'_>, depth: u8, most: usize) -> Result<Vec<Value>> {
    let count = u.int_in_range(0..=most)?;
    (0..count).map(|_| value(u, depth)).collect()
}

fn entry(u: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let mut fields = Map::new();
    for _ in 0..u.int_in_range(0..=5)? {
        let key = if u.ratio(19, 20)? {
            (*u.choose(KEYS)?).to_owned()
        } else {
            word(u)?
        };
        fields.insert(key, value(u, depth)?);
    }
    Ok(Value::Object(fields))
}

fn entries(u: &mut Unstructured<'_>) -> Result<Vec<Value>> {
    let count = u.int_in_range(0..=5)?;
    (0..count)
        .map(|_| {
            if u.ratio(9, 10)? {
                entry(u, 3)
            } else {
                value(u, 1)
            }
        })
        .collect()
}

fn words(u: &mut Unstructured<'_>) -> Result<Vec<String>> {
    let count = u.int_in_range(0..=2)?;
    (0..count).map(|_| word(u)).collect()
}

#[derive(Debug)]
struct Case {
    current: Toolset,
    patch: Patch,
    answer: Toolset,
}

fn toolset(u: &mut Unstructured<'_>) -> Result<Toolset> {
    Ok(Toolset {
        tools: entries(u)?,
        mcp_servers: entries(u)?,
    })
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            current: toolset(u)?,
            patch: Patch {
                mode: *u.choose(&[Mode::Replace, Mode::Merge])?,
                tools: bool::arbitrary(u)?.then(|| entries(u)).transpose()?,
                mcp_servers: bool::arbitrary(u)?.then(|| entries(u)).transpose()?,
                remove_tools: words(u)?,
                remove_mcp_servers: words(u)?,
                remove_configs: words(u)?,
            },
            answer: toolset(u)?,
        })
    }
}

fuzz_target!(|case: Case| {
    let Case {
        current,
        patch,
        answer,
    } = case;
    let _ = diff(&current, &answer);
    let asked = match plan(&current, &patch) {
        Ok(asked) => asked,
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            return;
        }
    };
    // Any answer is compared without a panic; the one that was asked for is right.
    let _ = verify(&asked, &answer);
    let after = Toolset {
        tools: asked.tools.clone().unwrap_or_else(|| current.tools.clone()),
        mcp_servers: asked
            .mcp_servers
            .clone()
            .unwrap_or_else(|| current.mcp_servers.clone()),
    };
    assert_eq!(
        verify(&asked, &after),
        Ok(()),
        "its own result is not right"
    );
    // What undoes it restores what was; so does what undoes that.
    for (from, to) in [(&current, &after), (&after, &current)] {
        if let Some(Ok(undo)) = undo(from, to) {
            let undone = plan(to, &undo).expect("an undo is possible");
            let undone = undone.applied_to(to);
            let [old, new] = [from, &undone].map(|toolset| {
                let all = [toolset.tools.clone(), toolset.mcp_servers.clone()];
                all.map(Value::Array)
            });
            assert!(old.iter().zip(&new).all(|(old, new)| same(old, new)), "{undo:?}");
        }
    }
    let nothing = asked.tools.is_none() && asked.mcp_servers.is_none();
    assert_eq!(
        nothing,
        asked.changes.tools.is_empty() && asked.changes.mcp_servers.is_empty()
    );
    // Doing it again changes nothing more. What was removed cannot be named again.
    let removals = [
        &patch.remove_tools,
        &patch.remove_mcp_servers,
        &patch.remove_configs,
    ];
    if removals.iter().all(|names| names.is_empty()) {
        let again = plan(&after, &patch).expect("what was possible still is");
        assert!(
            again.tools.is_none() && again.mcp_servers.is_none(),
            "{:?}",
            again.changes
        );
    }
});
