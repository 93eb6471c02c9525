//! README and manifest, generated from the program or compared with it.

use std::{fmt::Write as _, fs};

use clap::{CommandFactory as _, builder::PossibleValue};
use managed_sessions_mcp::{
    cli::{Cli, Flags},
    domain::code::Code,
    mcp::settings::ToolGroup,
};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{GetPromptRequestParams, Prompt, Tool},
    service::RunningService,
};
use serde_json::{Value, json};

use super::{file, json_file, path};
use crate::support::{NOWHERE, config, every_tool, serve};

/// Compares the file with the generated text, or rewrites it with `UPDATE_DOCS`.
#[track_caller]
fn check_generated(name: &str, generated: &str) {
    #[expect(clippy::disallowed_methods, reason = "set by whoever runs the test")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        fs::write(path(name), generated).expect("the document can be written");
        return;
    }
    let present = file(name);
    let mut lines = present.lines().zip(generated.lines());
    let differs = lines.find(|(one, other)| one != other);
    assert!(
        present == generated,
        "{name} is out of date, first here: {differs:?}. \
         To rewrite it: UPDATE_DOCS=1 cargo test --test it documents"
    );
}

/// Splits at the first `mark`.
#[track_caller]
fn split<'a>(text: &'a str, mark: &str) -> (&'a str, &'a str) {
    text.split_once(mark).unwrap_or_else(|| panic!("no {mark:?}"))
}

/// Replaces the text between the two marks of a block.
fn with_block(text: &str, block: &str, content: &str) -> String {
    let start = format!("<!-- {block}: generated -->\n");
    let end = format!("<!-- /{block} -->");
    let (before, rest) = split(text, &start);
    let (_, after) = split(rest, &end);
    format!("{before}{start}{content}{end}{after}")
}

/// Replaces a top-level array of the manifest; the rest stays as it is formatted.
fn with_array(text: &str, key: &str, entries: &[Value]) -> String {
    let start = format!("\n  \"{key}\": [");
    let (before, rest) = split(text, &start);
    let after = match rest.strip_prefix(']') {
        Some(after) => after,
        None => split(rest, "\n  ]").1,
    };
    let lines: Vec<_> = entries.iter().map(|entry| format!("\n    {entry}")).collect();
    let end = if lines.is_empty() { "]" } else { "\n  ]" };
    format!("{before}{start}{}{end}{after}", lines.join(","))
}

async fn client(flags: Flags) -> RunningService<RoleClient, ()> {
    let pipe = serve(config(flags, NOWHERE));
    ().serve(pipe).await.expect("the handshake succeeds")
}

async fn tools(flags: Flags) -> Vec<Tool> {
    let client = client(flags).await;
    client.list_all_tools().await.expect("tools are listed")
}

fn first_sentence(tool: &Tool) -> String {
    let description = tool.description.as_deref().unwrap_or_default();
    let sentence = description.split(". ").next().unwrap_or_default();
    format!("{}.", sentence.trim_end_matches('.'))
}

fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn tool_table() -> String {
    let mut table = "| tool | toolset | effect | what it does |\n|---|---|---|---|\n".to_owned();
    for toolset in ToolGroup::ALL.map(ToolGroup::name) {
        let flags = Flags { toolsets: Some(toolset.to_owned()), ..every_tool() };
        for tool in tools(flags).await {
            let hints = tool.annotations.as_ref().expect("annotations");
            let effect = match (hints.read_only_hint, hints.destructive_hint) {
                (Some(true), _) => "reads",
                (_, Some(true)) => "writes, destructive",
                _ => "writes",
            };
            let (name, does) = (&tool.name, cell(&first_sentence(&tool)));
            writeln!(table, "| `{name}` | {toolset} | {effect} | {does} |").expect("text");
        }
    }
    table
}

/// The global options, from the definition of `--help`. An option's help ends with its variable
/// and perhaps a remark, in brackets.
fn settings_table() -> String {
    let mut table = "| flag | environment | what it sets |\n|---|---|---|\n".to_owned();
    for option in Cli::command().get_arguments() {
        let Some(name) = option.get_long() else {
            continue;
        };
        if ["help", "version"].contains(&name) {
            continue;
        }
        let help = option.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let (does, brackets) = match help.strip_suffix(']') {
            Some(help) => split(help, " ["),
            None => (help.as_str(), ""),
        };
        let (variable, remark) = match brackets.split_once(", ") {
            Some((variable, remark)) => (variable, format!(" ({remark})")),
            None => (brackets, String::new()),
        };
        let variable = match variable {
            "" => "–".to_owned(),
            variable => format!("`{variable}`"),
        };
        let values = option.get_possible_values();
        let values: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        let value = match (values.as_slice(), option.get_value_names()) {
            _ if !option.get_action().takes_values() => String::new(),
            ([], Some([name, ..])) => format!(" {name}"),
            ([], _) => " VALUE".to_owned(),
            (values, _) => format!(" {}", values.join("\\|")),
        };
        let does = cell(does);
        writeln!(table, "| `--{name}{value}` | {variable} | {does}{remark} |").expect("text");
    }
    table
}

/// The text of a prompt, with the placeholders of bundles for its arguments.
async fn prompt_text(client: &RunningService<RoleClient, ()>, prompt: &Prompt) -> String {
    // Valid as a time and as an id, the two kinds of arguments that prompts take.
    let sample = "987d";
    let names = prompt.arguments.iter().flatten();
    let names: Vec<_> = names.map(|argument| argument.name.clone()).collect();
    assert!(names.len() <= 1, "one sample stands for one argument");
    let arguments = names.iter().map(|name| (name.clone(), json!(sample)));
    let mut request = GetPromptRequestParams::new(prompt.name.clone());
    request.arguments = Some(arguments.collect());
    let answer = client.get_prompt(request).await.expect("a prompt");
    let answer = serde_json::to_value(&answer.messages).expect("messages are JSON");
    let texts = answer.as_array().into_iter().flatten();
    let texts = texts.filter_map(|message| message.pointer("/content/text")?.as_str());
    let text = texts.collect::<Vec<_>>().join("\n\n");
    names.iter().fold(text, |text, name| text.replace(sample, &format!("${{arguments.{name}}}")))
}

#[tokio::test]
async fn the_readme_lists_the_tools_and_settings() {
    let readme = with_block(&file("README.md"), "tools", &tool_table().await);
    let readme = with_block(&readme, "settings", &settings_table());
    check_generated("README.md", &readme);
}

#[tokio::test]
async fn the_manifest_lists_the_tools_and_prompts() {
    let tools = tools(every_tool()).await;
    let tools: Vec<_> = tools
        .iter()
        .map(|tool| json!({"name": tool.name, "description": first_sentence(tool)}))
        .collect();
    let client = client(Flags::default()).await;
    let server = client.peer_info().expect("the session is open");
    let mut prompts = Vec::new();
    if server.capabilities.prompts.is_some() {
        for prompt in client.list_all_prompts().await.expect("prompts are listed") {
            let mut entry = json!({"name": prompt.name});
            if let Some(description) = &prompt.description {
                entry["description"] = json!(description);
            }
            let arguments = prompt.arguments.iter().flatten();
            let names: Vec<_> = arguments.map(|argument| &argument.name).collect();
            if !names.is_empty() {
                entry["arguments"] = json!(names);
            }
            entry["text"] = json!(prompt_text(&client, &prompt).await);
            prompts.push(entry);
        }
    }
    let manifest = with_array(&file("manifest.json"), "tools", &tools);
    let manifest = with_array(&manifest, "prompts", &prompts);
    check_generated("manifest.json", &manifest);
}

#[test]
fn the_readme_explains_every_failure_code_and_stays_short() {
    let readme = file("README.md");
    for code in Code::ALL {
        let explained = readme.contains(&format!("`{code}`"));
        assert!(explained, "README.md does not explain {code}");
    }
    let length = readme.chars().count();
    assert!(length < 30_000, "{length} characters");
}

#[test]
fn links_to_files_are_valid() {
    for document in ["README.md", "CONTRIBUTING.md"] {
        let text = file(document);
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = link.split('#').next().unwrap_or(link);
            assert!(path(target).exists(), "{document} links to {target}");
        }
    }
}

#[test]
fn links_inside_the_readme_lead_to_headings() {
    let readme = file("README.md");
    let headings = readme.lines().filter(|line| line.starts_with('#'));
    let anchors: Vec<_> = headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect();
    for rest in readme.split("](#").skip(1) {
        let anchor = rest.split(')').next().unwrap_or_default();
        let exists = anchors.iter().any(|each| each == anchor);
        assert!(exists, "#{anchor} in {anchors:?}");
    }
}

#[test]
fn the_manifest_sets_only_documented_variables() {
    let manifest = json_file("manifest.json");
    let variables = manifest["server"]["mcp_config"]["env"].as_object();
    let readme = file("README.md");
    for (variable, value) in variables.expect("an object") {
        assert!(value.is_string(), "{variable}");
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn every_promise_of_safety_names_tests_that_exist() {
    let text = file("docs/safety.md");
    let (_, promises) = text.split_once("## What holds").expect("the section");
    let (promises, _) = promises.split_once("\n## ").expect("its end");
    let rows: Vec<&str> = promises.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    let sources = all_sources(&path("tests/it"));
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let (_, tests) = row.trim_end_matches(" |").rsplit_once(" | ").expect("two columns");
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(tests.contains("law") || !names.is_empty(), "{row}");
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "no test is called {name}");
        }
    }
}

fn all_sources(folder: &std::path::Path) -> String {
    let mut sources = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources += &all_sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources += &fs::read_to_string(path).expect("text");
        }
    }
    sources
}
