//! The entry of this server for each known MCP host, and where that host keeps it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde_json::{Map, Value, json};

// No real key: what is printed ends up in scroll-back.
use crate::environment::Environment;
use crate::environment::YOUR_API_KEY as KEY;

/// What the server is called in a host.
const NAME: &str = "managed-sessions";

/// A program that starts MCP servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// claude_desktop_config.json
    ClaudeDesktop,
    /// A command for the shell
    ClaudeCode,
    /// mcp.json
    Cursor,
    /// mcp.json, which asks for the key
    #[value(name = "vscode")]
    VsCode,
    /// config.toml
    Codex,
}

/// The systems whose folders differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// macOS.
    Mac,
    /// Windows.
    Windows,
    /// Linux and its relatives.
    Other,
}

impl System {
    /// The one this program was built for.
    pub const THIS: Self = if cfg!(target_os = "macos") {
        Self::Mac
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Other
    };
}

/// How the host is to start the server.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The program, absolute: hosts with a window have a `PATH` of their own.
    pub program: &'a Path,
    /// What it is started with.
    pub arguments: &'a [String],
    /// Whether the entry has a place for a key.
    pub with_key: bool,
}

impl Host {
    /// The entry, ready to be pasted; ends without a newline.
    #[must_use]
    pub fn entry(self, start: Start<'_>, system: System) -> String {
        match self {
            Self::ClaudeDesktop | Self::Cursor => {
                pretty(&json!({"mcpServers": {NAME: object(start, KEY)}}))
            }
            Self::VsCode => vscode(start),
            Self::ClaudeCode => claude_code(start, system),
            Self::Codex => codex(start),
        }
    }

    /// What to do with it, in sentences.
    #[must_use]
    pub fn directions(self, start: Start<'_>, environment: &Environment, system: System) -> String {
        let put = self.put(environment, system);
        // VS Code asks for the key by itself.
        if !start.with_key || self == Self::VsCode {
            return put;
        }
        format!(
            "{put} Replace {KEY}, or leave it out if you are logged in with the official tools."
        )
    }

    /// Where it goes.
    fn put(self, environment: &Environment, system: System) -> String {
        let place = self
            .file(environment, system)
            .map(|path| path.display().to_string());
        match (self, place) {
            (Self::ClaudeCode, _) => {
                "Run this. --scope user makes it known in all projects.".to_owned()
            }
            (Self::VsCode, Some(place)) => format!(
                "Merge this into {place}, or into .vscode/mcp.json of a project. \
                 VS Code asks for the key once and keeps it."
            ),
            (Self::Cursor, Some(place)) => {
                format!("Merge this into {place}, or into .cursor/mcp.json of a project.")
            }
            (Self::ClaudeDesktop, Some(place)) => {
                format!("Merge this into {place}, then restart Claude Desktop.")
            }
            (Self::Codex, Some(place)) => format!("Append this to {place}."),
            (_, None) => "Merge this into the host's configuration; where that is cannot be told, \
                          since the home folder is not known."
                .to_owned(),
        }
    }

    /// The file the entry belongs into, if it belongs into one and the home folder is known.
    #[must_use]
    pub fn file(self, environment: &Environment, system: System) -> Option<PathBuf> {
        let variable = |name| environment.get(name).map(PathBuf::from);
        let home = match system {
            System::Windows => variable("USERPROFILE").or_else(|| variable("HOME")),
            _ => variable("HOME"),
        };
        let under_home = |path: &str| Some(home.as_ref()?.join(path));
        // Where programs with a window keep their settings.
        let settings = match system {
            System::Mac => under_home("Library/Application Support"),
            System::Windows => variable("APPDATA").or_else(|| under_home("AppData/Roaming")),
            System::Other => variable("XDG_CONFIG_HOME").or_else(|| under_home(".config")),
        };
        match self {
            Self::ClaudeDesktop => {
                Some(settings?.join("Claude").join("claude_desktop_config.json"))
            }
            Self::VsCode => Some(settings?.join("Code").join("User").join("mcp.json")),
            Self::Cursor => Some(home?.join(".cursor").join("mcp.json")),
            Self::Codex => {
                let folder = variable("CODEX_HOME").or_else(|| under_home(".codex"))?;
                Some(folder.join("config.toml"))
            }
            Self::ClaudeCode => None,
        }
    }
}

/// The form that most hosts share.
fn object(start: Start<'_>, key: &str) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("command".to_owned(), json!(text(start.program)));
    if !start.arguments.is_empty() {
        entry.insert("args".to_owned(), json!(start.arguments));
    }
    if start.with_key {
        entry.insert("env".to_owned(), json!({"ANTHROPIC_API_KEY": key}));
    }
    entry
}

fn vscode(start: Start<'_>) -> String {
    let mut server = Map::new();
    server.insert("type".to_owned(), json!("stdio"));
    server.extend(object(start, "${input:anthropic-api-key}"));
    let servers = json!({NAME: server});
    if !start.with_key {
        return pretty(&json!({"servers": servers}));
    }
    let key = json!({
        "type": "promptString",
        "id": "anthropic-api-key",
        "description": "Anthropic API key",
        "password": true,
    });
    pretty(&json!({"inputs": [key], "servers": servers}))
}

fn claude_code(start: Start<'_>, system: System) -> String {
    let mut command = format!("claude mcp add {NAME} --scope user");
    if start.with_key {
        // Infallible: it writes to a string.
        let _ = write!(command, " --env ANTHROPIC_API_KEY={KEY}");
    }
    command.push_str(" --");
    let program = text(start.program);
    for word in std::iter::once(&program).chain(start.arguments) {
        command.push(' ');
        command.push_str(&quoted(word, system));
    }
    command
}

/// A word as the usual shell of the system takes it.
fn quoted(word: &str, system: System) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || "-_./:=,@+".contains(c)
            || (system == System::Windows && c == '\\')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    match system {
        System::Windows => format!("\"{}\"", word.replace('"', "\\\"")),
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// TOML takes the strings and the arrays of strings of JSON as they are.
fn codex(start: Start<'_>) -> String {
    let mut lines = vec![
        format!("[mcp_servers.{NAME}]"),
        format!("command = {}", json!(text(start.program))),
    ];
    if !start.arguments.is_empty() {
        lines.push(format!("args = {}", json!(start.arguments)));
    }
    if start.with_key {
        lines.push(format!("env = {{ ANTHROPIC_API_KEY = {} }}", json!(KEY)));
    }
    lines.join("\n")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use crate::cli::hosts::{Environment, Host, Path, Start, System, ValueEnum};

    const PATH: &str = "/opt/my tools/managed-sessions-mcp";

    fn entry(host: Host, arguments: &[&str], with_key: bool, system: System) -> String {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let start = Start {
            program: Path::new(PATH),
            arguments: &arguments,
            with_key,
        };
        host.entry(start, system)
    }

    #[test]
    fn an_entry_has_the_form_its_host_reads() {
        let check = |host, arguments: &[&str], with_key, expected: &str| {
            assert_eq!(entry(host, arguments, with_key, System::Other), expected);
        };
        check(
            Host::ClaudeCode,
            &["--sandbox"],
            false,
            "claude mcp add managed-sessions --scope user -- '/opt/my tools/managed-sessions-mcp' --sandbox",
        );
        check(
            Host::ClaudeCode,
            &[],
            true,
            "claude mcp add managed-sessions --scope user --env ANTHROPIC_API_KEY=YOUR_API_KEY -- \
             '/opt/my tools/managed-sessions-mcp'",
        );
        check(
            Host::Codex,
            &["--toolsets", "a\"b"],
            true,
            "[mcp_servers.managed-sessions]\ncommand = \"/opt/my tools/managed-sessions-mcp\"\n\
             args = [\"--toolsets\",\"a\\\"b\"]\nenv = { ANTHROPIC_API_KEY = \"YOUR_API_KEY\" }",
        );
        let json = |host, with_key| -> serde_json::Value {
            serde_json::from_str(&entry(host, &["--sandbox"], with_key, System::Other)).unwrap()
        };
        for host in [Host::ClaudeDesktop, Host::Cursor] {
            let server = &json(host, true)["mcpServers"]["managed-sessions"];
            assert_eq!(server["command"], PATH);
            assert_eq!(server["args"][0], "--sandbox");
            assert_eq!(server["env"]["ANTHROPIC_API_KEY"], "YOUR_API_KEY");
            assert!(
                json(host, false)["mcpServers"]["managed-sessions"]
                    .get("env")
                    .is_none()
            );
        }
        let file = json(Host::VsCode, true);
        assert_eq!(file["servers"]["managed-sessions"]["type"], "stdio");
        assert_eq!(file["inputs"][0]["id"], "anthropic-api-key");
        assert_eq!(
            file["servers"]["managed-sessions"]["env"]["ANTHROPIC_API_KEY"],
            "${input:anthropic-api-key}"
        );
        assert!(json(Host::VsCode, false).get("inputs").is_none());
    }

    #[test]
    fn words_are_quoted_for_the_shell_of_the_system() {
        let check =
            |word, system, expected: &str| assert_eq!(super::quoted(word, system), expected);
        check("C:\\x\\y.exe", System::Windows, "C:\\x\\y.exe");
        check("C:\\my x\\y.exe", System::Windows, "\"C:\\my x\\y.exe\"");
        check("it's", System::Mac, "'it'\\''s'");
        check("", System::Other, "''");
        check("$(x)", System::Other, "'$(x)'");
    }

    #[test]
    fn every_system_has_its_own_places() {
        use Host::{ClaudeCode, ClaudeDesktop, Codex, Cursor, VsCode};
        let unix: Environment = [("HOME", "/home/me")].into_iter().collect();
        let moved: Environment = [
            ("HOME", "/home/me"),
            ("CODEX_HOME", "/codex"),
            ("XDG_CONFIG_HOME", "/cfg"),
        ]
        .into_iter()
        .collect();
        let windows: Environment = [
            ("USERPROFILE", "C:/Users/me"),
            ("APPDATA", "C:/Users/me/AppData/Roaming"),
        ]
        .into_iter()
        .collect();
        let check = |host: Host, environment: &Environment, system, expected: Option<&str>| {
            let file = host.file(environment, system);
            assert_eq!(file.as_deref(), expected.map(Path::new), "{host:?}");
        };
        check(
            ClaudeDesktop,
            &unix,
            System::Mac,
            Some("/home/me/Library/Application Support/Claude/claude_desktop_config.json"),
        );
        check(
            ClaudeDesktop,
            &windows,
            System::Windows,
            Some("C:/Users/me/AppData/Roaming/Claude/claude_desktop_config.json"),
        );
        check(
            ClaudeDesktop,
            &unix,
            System::Other,
            Some("/home/me/.config/Claude/claude_desktop_config.json"),
        );
        check(
            VsCode,
            &moved,
            System::Other,
            Some("/cfg/Code/User/mcp.json"),
        );
        check(
            Cursor,
            &windows,
            System::Windows,
            Some("C:/Users/me/.cursor/mcp.json"),
        );
        check(
            Codex,
            &unix,
            System::Mac,
            Some("/home/me/.codex/config.toml"),
        );
        check(Codex, &moved, System::Mac, Some("/codex/config.toml"));
        check(ClaudeCode, &unix, System::Mac, None);
        check(Cursor, &Environment::default(), System::Mac, None);
    }

    #[test]
    fn directions_speak_of_a_key_where_one_is_to_be_replaced() {
        let said = |host: Host, with_key| {
            let start = Start {
                program: Path::new(PATH),
                arguments: &[],
                with_key,
            };
            let directions = host.directions(start, &Environment::default(), System::Mac);
            assert!(
                host == Host::ClaudeCode || directions.contains("cannot be told"),
                "{directions}"
            );
            directions
        };
        for host in Host::value_variants() {
            let asked = entry(*host, &[], true, System::Mac).contains("YOUR_API_KEY");
            let told = |with_key| said(*host, with_key).contains("YOUR_API_KEY");
            assert_eq!((told(true), told(false)), (asked, false), "{host:?}");
        }
    }
}
