//! README and manifest, written from the program or compared with it.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use clap::CommandFactory as _;
use managed_sessions_mcp::{
    cli::{Cli, Flags},
    config::Toolset,
    mcp::server::SessionsServer,
};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{GetPromptRequestParams, Prompt, Tool},
    service::RunningService,
};
use serde_json::{Value, json};

use super::{file, path};
use crate::support::config;

/// Nothing listens here: lists need no API.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Rewrites `name` with `wanted` if asked to, else compares.
#[track_caller]
fn is(name: &str, wanted: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "asks the person who runs the test"
    )]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        fs::write(path(name), wanted).expect("the document can be written");
        return;
    }
    let present = file(name);
    let differs = present
        .lines()
        .zip(wanted.lines())
        .find(|(one, other)| one != other);
    assert!(
        present == wanted,
        "{name} is not what the program says, first here: {differs:?}. \
         To rewrite it: UPDATE_DOCS=1 cargo test --test it documents"
    );
}

/// `text` with what stands between the two marks of `block` replaced.
#[track_caller]
fn with_block(text: &str, block: &str, content: &str) -> String {
    let (start, end) = (
        format!("<!-- {block}: generated -->\n"),
        format!("<!-- /{block} -->"),
    );
    let (before, rest) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {start}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
    format!("{before}{start}{content}{end}{after}")
}

async fn client(flags: Flags) -> RunningService<RoleClient, ()> {
    let (here, there) = tokio::io::duplex(1 << 20);
    tokio::spawn(SessionsServer::new(config(flags, NOWHERE)).serve_on(there));
    ().serve(here).await.expect("the handshake succeeds")
}

async fn tools(toolsets: &str) -> Vec<Tool> {
    let flags = Flags {
        toolsets: Some(toolsets.to_owned()),
        ..Flags::default()
    };
    client(flags)
        .await
        .list_all_tools()
        .await
        .expect("tools are listed")
}

/// The first sentence of what a model is told.
fn first_sentence(description: &str) -> String {
    let sentence = description.split(". ").next().unwrap_or_default();
    format!("{}.", sentence.trim_end_matches('.'))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

async fn tool_table() -> String {
    let mut table = "| tool | toolset | effect | what it does |\n|---|---|---|---|\n".to_owned();
    for (toolset, _) in Toolset::ALL {
        for tool in tools(toolset).await {
            let hints = tool.annotations.as_ref().expect("annotations");
            let effect = match (hints.read_only_hint, hints.destructive_hint) {
                (Some(true), _) => "reads",
                (_, Some(true)) => "writes, destructive",
                _ => "writes",
            };
            let does = cell(&first_sentence(
                tool.description.as_deref().unwrap_or_default(),
            ));
            writeln!(table, "| `{}` | {toolset} | {effect} | {does} |", tool.name).expect("text");
        }
    }
    table
}

/// The options every command has, from what `--help` is made of: the help of each ends with its
/// variable, and perhaps a remark, in brackets.
fn settings_table() -> String {
    let mut table = "| flag | environment | what it sets |\n|---|---|---|\n".to_owned();
    for option in Cli::command().get_arguments() {
        let Some(name) = option.get_long() else {
            continue;
        };
        if ["help", "version"].contains(&name) {
            continue;
        }
        let help = option
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let (does, brackets) = help
            .rsplit_once(" [")
            .filter(|(_, rest)| rest.ends_with(']'))
            .map_or((help.as_str(), ""), |(does, rest)| {
                (does, rest.trim_end_matches(']'))
            });
        let (variable, remark) = brackets.split_once(", ").unwrap_or((brackets, ""));
        let variable = match variable {
            "" => "–".to_owned(),
            variable => format!("`{variable}`"),
        };
        let values: Vec<_> = option
            .get_possible_values()
            .iter()
            .filter(|_| option.get_action().takes_values())
            .map(|value| value.get_name().to_owned())
            .collect();
        let value = match (values.as_slice(), option.get_value_names()) {
            _ if !option.get_action().takes_values() => String::new(),
            ([], Some([name, ..])) => format!(" {name}"),
            ([], _) => " VALUE".to_owned(),
            (values, _) => format!(" {}", values.join("\\|")),
        };
        let remark = match remark {
            "" => String::new(),
            remark => format!(" ({remark})"),
        };
        let does = cell(does);
        writeln!(table, "| `--{name}{value}` | {variable} | {does}{remark} |").expect("text");
    }
    table
}

/// What a person would send for this prompt: its text with the placeholders of bundles.
async fn prompt_text(client: &RunningService<RoleClient, ()>, prompt: &Prompt) -> String {
    // A time to some prompts and an id to others; prompts take nothing else.
    let sample = "987d";
    let names = prompt.arguments.iter().flatten();
    let names: Vec<_> = names.map(|argument| argument.name.clone()).collect();
    assert!(names.len() <= 1, "one sample stands for one argument");
    let mut request = GetPromptRequestParams::new(prompt.name.clone());
    request.arguments = Some(
        names
            .iter()
            .map(|name| (name.clone(), json!(sample)))
            .collect(),
    );
    let answer = client.get_prompt(request).await.expect("a prompt");
    let answer = serde_json::to_value(&answer.messages).expect("messages are JSON");
    let texts = answer.as_array().into_iter().flatten();
    let texts = texts.filter_map(|message| message.pointer("/content/text")?.as_str());
    let text = texts.collect::<Vec<_>>().join("\n\n");
    names.iter().fold(text, |text, name| {
        text.replace(sample, &format!("${{arguments.{name}}}"))
    })
}

#[tokio::test]
async fn the_readme_lists_the_tools_and_settings_that_there_are() {
    let readme = with_block(&file("README.md"), "tools", &tool_table().await);
    is(
        "README.md",
        &with_block(&readme, "settings", &settings_table()),
    );
}

#[tokio::test]
async fn the_manifest_lists_the_tools_and_prompts_that_there_are() {
    let client = client(Flags::default()).await;
    let listed: Vec<_> = client
        .list_all_tools()
        .await
        .expect("tools are listed")
        .iter()
        .map(|tool| {
            let description = first_sentence(tool.description.as_deref().unwrap_or_default());
            json!({"name": tool.name, "description": description})
        })
        .collect();
    let announced = client
        .peer_info()
        .is_some_and(|info| info.capabilities.prompts.is_some());
    let mut prompts = Vec::new();
    if announced {
        for prompt in client.list_all_prompts().await.expect("prompts are listed") {
            let mut entry = json!({"name": prompt.name});
            if let Some(description) = &prompt.description {
                entry["description"] = json!(description);
            }
            let names: Vec<_> = prompt
                .arguments
                .iter()
                .flatten()
                .map(|argument| &argument.name)
                .collect();
            if !names.is_empty() {
                entry["arguments"] = json!(names);
            }
            entry["text"] = json!(prompt_text(&client, &prompt).await);
            prompts.push(entry);
        }
    }
    // As text, so that the rest of the file stays as it was written.
    let manifest = with_array(&file("manifest.json"), "tools", &listed);
    is("manifest.json", &with_array(&manifest, "prompts", &prompts));
}

/// `text` with the top-level array `key` replaced; such an array ends at the first `  ]`.
fn with_array(text: &str, key: &str, entries: &[Value]) -> String {
    let start = format!("\n  \"{key}\": [");
    let (before, rest) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {key}"));
    let after = match rest.strip_prefix(']') {
        Some(after) => after,
        None => rest.split_once("\n  ]").expect("the array ends").1,
    };
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| format!("\n    {entry}"))
        .collect();
    let end = if lines.is_empty() { "]" } else { "\n  ]" };
    format!("{before}{start}{}{end}{after}", lines.join(","))
}

#[test]
fn the_readme_explains_every_failure_code_and_stays_short() {
    let readme = file("README.md");
    // What programs branch on; a code that the program gains belongs here and into the README.
    let codes = [
        "agent_not_allowed",
        "api_error",
        "api_unreachable",
        "audit_failed",
        "bad_response",
        "busy_timeout",
        "cancelled",
        "confirmation_declined",
        "confirmation_invalid",
        "conflict",
        "credentials_missing",
        "export_failed",
        "export_unavailable",
        "forbidden",
        "internal",
        "invalid_arguments",
        "invalid_configuration",
        "invalid_toolset",
        "not_applied",
        "not_found",
        "overloaded",
        "plan_not_found",
        "rate_limited",
        "rejected",
        "session_archived",
        "session_changed",
        "session_rescheduling",
        "session_running",
        "session_terminated",
        "status_unrecognized",
        "timed_out",
        "unauthorized",
    ];
    for code in codes {
        assert!(
            readme.contains(&format!("`{code}`")),
            "README.md does not explain {code}"
        );
    }
    assert!(
        readme.chars().count() < 30_000,
        "{} characters",
        readme.chars().count()
    );
}

#[test]
fn every_file_the_documents_link_to_is_there() {
    for document in ["README.md", "CONTRIBUTING.md"] {
        let text = file(document);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap_or(link);
            assert!(
                path(target).exists(),
                "{document} links to {target}, which is not there"
            );
        }
    }
}

#[test]
fn links_inside_the_readme_lead_to_headings() {
    let readme = file("README.md");
    let headings: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect();
    for rest in readme.split("](#").skip(1) {
        let anchor = rest.split(')').next().unwrap_or_default();
        assert!(
            headings.iter().any(|heading| heading == anchor),
            "#{anchor} in {headings:?}"
        );
    }
}

/// Every variable that a bundle sets is one the program reads.
#[test]
fn the_manifest_sets_only_variables_that_are_documented() {
    let manifest = super::json_file("manifest.json");
    let environment: BTreeMap<String, String> =
        serde_json::from_value(manifest["server"]["mcp_config"]["env"].clone()).expect("strings");
    let readme = file("README.md");
    for variable in environment.keys() {
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}
