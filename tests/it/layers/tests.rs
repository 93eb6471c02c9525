//! The parser on small sources, and each rule on a small crate that breaks it. Tables are lines of
//! columns between bars.

use super::{
    lexer::{Token, tokens},
    prose,
    sources::Sources,
    uses::{paths, without_tests},
    violations,
};

fn rows<const COLUMNS: usize>(table: &str) -> impl Iterator<Item = [&str; COLUMNS]> {
    table.lines().map(|line| {
        let columns: Vec<&str> = line.split(" | ").map(str::trim).collect();
        columns.try_into().expect("a row has its columns")
    })
}

/// The paths in a source, `path as alias` where a `use` declaration renames it.
fn parsed(source: &str) -> String {
    let paths = paths(&without_tests(&tokens(source)));
    let shown = paths.into_iter().map(|path| {
        let mut text = path.segments.join("::");
        if let Some(alias) = path.alias.filter(|alias| Some(alias) != path.segments.last()) {
            text = format!("{text} as {alias}");
        }
        let within = path.within.into_iter().chain([text]);
        within.collect::<Vec<_>>().join("/")
    });
    shown.collect::<Vec<_>>().join(", ")
}

const PATHS: &str = "\
use a; | a
use a::b::C; | a::b::C
pub(crate) use ::a::B as D; | a::B as D
use a::{b, c::{self, D, e::*}, F as _,}; | a::b, a::c, a::c::D, a::c::e::*, a::F as _
use {a::B, super::c}; | a::B, super::c
use self::a::B; use super::super::c; | self::a::B, super::super::c
fn f() { crate::a::b(); let x = c::D::new(1); } | crate::a::b, c::D::new
fn f() { Vec::<a::B>::new(); } | Vec, a::B
fn f(x: &dyn a::B, y: <C as d::E>::F) {} | a::B, d::E
fn f() -> impl A + use<'_> { ::b::c() } | b::c
#[serde(with = 'a')] #[c::d(e::F)] struct G; | c::d, e::F
macro_rules! m { () => { $crate::a::b() } } | crate::a::b
pub(in crate::a) struct B; use c; | c
/* a::b /* c::d */ e::f */ use g; // h::i | g
const X: &str = \"a::b\"; const Y: &str = r#\"c::d\"e::f\"#; g::h!(b'\\'', '\"', '\\u{7f}', i::j) | g::h, i::j
fn f<'a>(x: &'a str) -> A<'a> { b::c(x) } | b::c
mod m { use super::a; } use b; | m/super::a, b
#[cfg(test)] mod tests { use a::B; } use c; | c
#[cfg(test)] use a::{B, c}; #[cfg(test)] #[inline] fn f(x: [u8; 3]) { d::e() } use g; | g
#[cfg(not(test))] use a; #[cfg(unix)] use b; | a, b";

#[test]
fn every_form_of_a_path_is_parsed() {
    for [source, expected] in rows(PATHS) {
        assert_eq!(parsed(source), expected, "{source}");
    }
}

#[test]
fn literals_and_lines_are_those_of_the_source() {
    let source = "a\n\"one \\\n   two\\\"\" /*\n*/ r\"three\"\nb\"four\" 'x' c";
    let located: Vec<(usize, Token)> =
        tokens(source).into_iter().map(|token| (token.line, token.token)).collect();
    let text = |text: &str| Token::Text(text.to_owned());
    let word = |word: &str| Token::Word(word.to_owned());
    let expected = [
        (1, word("a")),
        (2, text("one two\"")),
        (4, text("three")),
        (5, text("four")),
        (5, word("c")),
    ];
    assert_eq!(located, expected);
}

#[test]
fn a_sentence_is_told_from_a_clause() {
    for step in [
        "call get_session",
        "busy; call it again",
        "it can be read by others; run `chmod 600 {path}`",
        "give a title",
        "to try again",
        "ask the operator",
        "done. Next: wait",
    ] {
        assert!(prose::names_a_step(step), "{step}");
    }
    for clause in ["the caller", "recall it", "{name} is set", "must be given", "is used twice"] {
        assert!(!prose::names_a_step(clause), "{clause}");
    }
    for (text, words) in [
        ("the answer isn't a JSON object", 6),
        ("{id} is {status:?}, (really) not-idle", 3),
        ("session_id plan_{n} 12 /v1/sessions", 0),
        (r#"{"a": "b c d"}"#, 0),
    ] {
        assert_eq!(prose::words(text), words, "{text}");
    }
}

/// What is reported of a crate of these files.
fn reported(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, source)| ((*path).to_owned(), (*source).to_owned()));
    let violations = violations(&Sources::new(files));
    violations.iter().map(ToString::to_string).collect()
}

const GOOD: &str = "\
src/lib.rs | pub mod app; pub const VERSION: &str = ENV;
src/main.rs | use managed_sessions_mcp::{cli::Cli, config::Config};
src/cli.rs | use crate::{VERSION, config::Config, mcp::Server}; use clap::Parser;
src/cli/demo.rs | use rmcp::ServiceExt as _;
src/cli/doctor/report.rs | use crate::{api::Client, app::Error};
src/config.rs | use crate::{api::Settings, app::settings::Pauses, environment::E};
src/config/values.rs | use crate::mcp; fn f() { mcp::settings::f(); super::g(); }
src/mcp.rs | use rmcp::model; use crate::explain::explain;
src/mcp/transport/http/auth.rs | use axum::Router;
src/explain.rs | use crate::app::Error;
src/app.rs | use crate::{api::Client, domain::guard, model::Session};
src/app/store/redis.rs | use redis::Client;
src/app/tests.rs | use crate::mcp::Server; use rmcp::model;
src/app/tests/more.rs | use crate::mcp::Server;
src/api.rs | use crate::{environment::E, model::Session}; use reqwest::Client;
src/domain.rs | use crate::model::Session;
src/model.rs | #[cfg(test)] mod tests { use crate::api::Client; }
src/sandbox.rs | use axum::Router; use self::world::World;";

const BAD: &str = "\
src/main.rs | use managed_sessions_mcp::app::Plan; | main may not use app: managed_sessions_mcp::app::Plan
src/cli.rs | use crate::domain::text; | cli may not use domain: crate::domain::text
src/cli/hosts.rs | use crate::api::Client; | cli may not use api: crate::api::Client
src/config.rs | use crate::cli::Flags; | config may not use cli: crate::cli::Flags
src/config.rs | use crate::api::Client; | config may only use settings of api: crate::api::Client
src/config/log.rs | use crate::app; fn f(x: app::Plan) {} | config may only use settings of app: app::Plan
src/mcp/tools.rs | use crate::api::Client; | mcp may not use api: crate::api::Client
src/mcp/tools.rs | use crate::config::Config; | mcp may not use config: crate::config::Config
src/explain.rs | use crate::{app::Error, mcp}; | explain may not use mcp: crate::mcp
src/app/write.rs | fn f() -> crate::explain::Failure {} | app may not use explain: crate::explain::Failure
src/app/write.rs | use super::super::mcp::Call; | app may not use mcp: super::super::mcp::Call
src/app/write.rs | use crate::environment::E; | app may not use environment: crate::environment::E
src/api/send.rs | use crate::app::pace::Pace; | api may not use app: crate::app::pace::Pace
src/domain/guard.rs | use crate::api::Client; | domain may not use api: crate::api::Client
src/model.rs | use crate::domain::text; | model may not use domain: crate::domain::text
src/environment.rs | use crate::model::Id; | environment may not use model: crate::model::Id
src/sandbox/seed.rs | use crate::model::Id; | sandbox may not use model: crate::model::Id
src/sandbox/seed.rs | use crate::VERSION; | sandbox may not use lib: crate::VERSION
src/explain.rs | use rmcp::model::Tool; | may not name rmcp: rmcp::model::Tool
src/cli.rs | use rmcp::model::Tool; | may not name rmcp: rmcp::model::Tool
src/app/scan.rs | fn f(e: reqwest::Error) {} | may not name reqwest: reqwest::Error
src/mcp/server.rs | #[derive(clap::Args)] struct A; | may not name clap: clap::Args
src/mcp/server.rs | use clap_complete::Shell; | may not name clap_complete: clap_complete::Shell
src/app/store/memory.rs | use redis::Client; | may not name redis: redis::Client
src/mcp/server.rs | use axum::Router; | may not name axum: axum::Router";

#[test]
fn each_layer_may_use_those_below_it() {
    let files: Vec<(&str, &str)> = rows(GOOD).map(|[path, source]| (path, source)).collect();
    assert_eq!(reported(&files), [""; 0]);
    for [path, source, expected] in rows(BAD) {
        let others = ["src/api.rs", "src/app.rs", "src/mcp.rs"].map(|path| (path, ""));
        let files: Vec<(&str, &str)> = others.into_iter().chain([(path, source)]).collect();
        assert_eq!(reported(&files), [format!("{path}:1: {expected}")], "{source}");
    }
}

#[test]
fn every_circle_of_files_is_reported_with_its_paths() {
    let of_two = [
        ("src/app.rs", "pub mod plan;\n\npub use plan::Plan;\npub struct Services;"),
        ("src/app/plan.rs", "use super::Services;\npub struct Plan;"),
    ];
    let expected = [
        "src/app.rs:3: in a circle of files: src/app.rs:3 uses plan::Plan, \
         src/app/plan.rs:1 uses super::Services",
        "src/app/plan.rs:1: in a circle of files: src/app/plan.rs:1 uses super::Services, \
         src/app.rs:3 uses plan::Plan",
    ];
    assert_eq!(reported(&of_two), expected);

    let of_three = [
        ("src/api.rs", "use crate::api::send::send;"),
        ("src/api/send.rs", "use crate::api::{error, retry::Policy};"),
        ("src/api/retry.rs", "use crate::api; fn f() -> api::Client {}"),
        ("src/api/error.rs", "use crate::model::Session;"),
        ("src/model.rs", ""),
    ];
    let files: Vec<String> = reported(&of_three)
        .iter()
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(files, ["src/api.rs", "src/api/retry.rs", "src/api/send.rs"]);

    let open = [
        ("src/api.rs", "mod send; mod client; pub use client::Client;"),
        ("src/api/client.rs", "use crate::api::send; fn f() { send::send() }"),
        ("src/api/send.rs", "#[cfg(test)] mod tests { use crate::api::Client; }"),
    ];
    assert_eq!(reported(&open), [""; 0]);
}

#[test]
fn every_sentence_below_explain_is_reported() {
    let sentence = "const E: &str =\n    \"call get_session\";";
    for path in ["src/app/write.rs", "src/domain/guard.rs", "src/api/send.rs", "src/model.rs"] {
        let expected = format!("{path}:2: a sentence for a reader: \"call get_session\"");
        assert_eq!(reported(&[(path, sentence)]), [expected]);
    }
    let long = r#"const E: &str = "the session was changed by somebody else meanwhile";"#;
    assert_eq!(reported(&[("src/app/write.rs", long)]).len(), 1);
    for (path, source) in [
        ("src/explain.rs", sentence),
        ("src/mcp/args.rs", sentence),
        ("src/domain/guard.rs", long),
        (
            "src/app/write.rs",
            "/// Then call get_session.\nfn f() { warn!(%id, \"call get_session\"); }",
        ),
        ("src/app/write.rs", "#[expect(clippy::x, reason = \"call get_session\")] fn f() {}"),
        ("src/api/error.rs", "impl fmt::Display for E { fn f() { \"call get_session\" } }"),
        ("src/app/write.rs", "#[cfg(test)] mod tests { const E: &str = \"call get_session\"; }"),
    ] {
        assert_eq!(reported(&[(path, source)]), [""; 0], "{source}");
    }
}
