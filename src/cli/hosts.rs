//! The entry of this server for each known MCP host, and where it goes.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Map, Value, json};

// Never the real key: printed entries end up in scrollback buffers.
use crate::environment::{Environment, YOUR_API_KEY as KEY};

/// The server's name in a host.
const NAME: &str = "managed-sessions";

/// Claude Desktop's package on Windows. The system redirects the settings folder of a packaged
/// program into a folder of the package; the other one may be left from an older installation.
const CLAUDE_PACKAGE: &str = "Claude_pzs8sxrjxfjjc";

/// A program that starts MCP servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// claude_desktop_config.json
    ClaudeDesktop,
    /// A shell command
    ClaudeCode,
    /// mcp.json
    Cursor,
    /// mcp.json, which asks for the key
    #[value(name = "vscode")]
    VsCode,
    /// config.toml
    Codex,
}

/// The systems whose folders and shells differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Mac,
    Windows,
    /// Linux and other Unix systems.
    Other,
}

impl System {
    /// The system this program was built for.
    pub(crate) const THIS: Self = if cfg!(target_os = "macos") {
        Self::Mac
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Other
    };
}

/// How a host starts the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch<'a> {
    /// An absolute path: graphical hosts have a `PATH` of their own.
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a [String],
    /// Whether the entry has a placeholder for an API key.
    pub(crate) with_key: bool,
}

impl Host {
    /// The entry, ready to be pasted; ends without a newline.
    pub(crate) fn entry(self, launch: Launch<'_>, system: System) -> String {
        match self {
            Self::ClaudeDesktop | Self::Cursor => {
                let servers = json!({"mcpServers": {NAME: server(launch, KEY)}});
                format!("{servers:#}")
            }
            Self::VsCode => vscode(launch),
            Self::ClaudeCode => claude_code(launch, system),
            Self::Codex => codex(launch),
        }
    }

    /// What to do with the entry, in sentences.
    pub(crate) fn directions(
        self,
        launch: Launch<'_>,
        environment: &Environment,
        system: System,
    ) -> String {
        let file = self.file(environment, system, Path::exists);
        let file = file.map(|path| path.display().to_string());
        let step = match (self, file) {
            (Self::ClaudeCode, _) => {
                "Run this command. --scope user makes the server available in all projects."
                    .to_owned()
            }
            (Self::VsCode, Some(file)) => {
                format!("Merge this into {file}, or into .vscode/mcp.json of a project.")
            }
            (Self::Cursor, Some(file)) => {
                format!("Merge this into {file}, or into .cursor/mcp.json of a project.")
            }
            (Self::ClaudeDesktop, Some(file)) => {
                format!("Merge this into {file}, then restart Claude Desktop.")
            }
            (Self::Codex, Some(file)) => format!("Append this to {file}."),
            (_, None) => "Merge this into the host's configuration file, which could not be \
                          located: the home folder is unknown."
                .to_owned(),
        };
        if !launch.with_key {
            return step;
        }
        if self == Self::VsCode {
            return format!("{step} VS Code asks for the key once and stores it.");
        }
        format!("{step} Replace {KEY}, or remove it if you are logged in with the official tools.")
    }

    /// The file that the entry goes into, if there is one and the home folder is known.
    fn file(
        self,
        environment: &Environment,
        system: System,
        exists: impl Fn(&Path) -> bool,
    ) -> Option<PathBuf> {
        let variable = |name| environment.path(name).ok().flatten();
        let home = match system {
            System::Windows => variable("USERPROFILE").or_else(|| variable("HOME")),
            _ => variable("HOME"),
        };
        let under_home = |path: &str| Some(home.as_ref()?.join(path));
        // The settings folder of graphical programs.
        let settings = match system {
            System::Mac => under_home("Library/Application Support"),
            System::Windows => variable("APPDATA").or_else(|| under_home("AppData/Roaming")),
            System::Other => variable("XDG_CONFIG_HOME").or_else(|| under_home(".config")),
        };
        match self {
            Self::ClaudeDesktop => {
                let package = (system == System::Windows)
                    .then(|| variable("LOCALAPPDATA").or_else(|| under_home("AppData/Local")))
                    .flatten()
                    .map(|local| local.join("Packages").join(CLAUDE_PACKAGE))
                    .filter(|package| exists(package));
                let settings = match package {
                    Some(package) => package.join("LocalCache").join("Roaming"),
                    None => settings?,
                };
                Some(settings.join("Claude").join("claude_desktop_config.json"))
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

/// The server object that most hosts share.
fn server(launch: Launch<'_>, key: &str) -> Map<String, Value> {
    let mut server = Map::new();
    server.insert("command".to_owned(), json!(launch.program));
    if !launch.arguments.is_empty() {
        server.insert("args".to_owned(), json!(launch.arguments));
    }
    if launch.with_key {
        server.insert("env".to_owned(), json!({"ANTHROPIC_API_KEY": key}));
    }
    server
}

fn vscode(launch: Launch<'_>) -> String {
    let mut entry = Map::new();
    if launch.with_key {
        let key = json!({
            "type": "promptString",
            "id": "anthropic-api-key",
            "description": "Anthropic API key",
            "password": true,
        });
        entry.insert("inputs".to_owned(), json!([key]));
    }
    let mut typed = Map::from_iter([("type".to_owned(), json!("stdio"))]);
    typed.extend(server(launch, "${input:anthropic-api-key}"));
    entry.insert("servers".to_owned(), json!({NAME: typed}));
    format!("{:#}", Value::from(entry))
}

fn claude_code(launch: Launch<'_>, system: System) -> String {
    let env =
        if launch.with_key { format!(" --env ANTHROPIC_API_KEY={KEY}") } else { String::new() };
    let mut command = format!("claude mcp add {NAME} --scope user{env} --");
    let arguments = launch.arguments.iter().map(String::as_str);
    for word in std::iter::once(launch.program).chain(arguments) {
        command.push(' ');
        command.push_str(&quoted(word, system));
    }
    command
}

/// Quotes a word for the system's usual shell.
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

/// JSON's strings and arrays of strings are valid TOML.
fn codex(launch: Launch<'_>) -> String {
    let program = json!(launch.program);
    let mut lines = vec![format!("[mcp_servers.{NAME}]"), format!("command = {program}")];
    if !launch.arguments.is_empty() {
        lines.push(format!("args = {}", json!(launch.arguments)));
    }
    if launch.with_key {
        lines.push(format!("env = {{ ANTHROPIC_API_KEY = {} }}", json!(KEY)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::cli::hosts::{
        CLAUDE_PACKAGE, Environment, Host, Launch, Path, System, ValueEnum, quoted,
    };

    const PATH: &str = "/opt/my tools/managed-sessions-mcp";

    fn launch(arguments: &[String], with_key: bool) -> Launch<'_> {
        Launch { program: PATH, arguments, with_key }
    }

    fn entry(host: Host, arguments: &[&str], with_key: bool) -> String {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        host.entry(launch(&arguments, with_key), System::Other)
    }

    #[test]
    fn an_entry_has_the_form_its_host_reads() {
        assert_eq!(
            entry(Host::ClaudeCode, &["--sandbox"], false),
            "claude mcp add managed-sessions --scope user -- '/opt/my tools/managed-sessions-mcp' --sandbox"
        );
        assert_eq!(
            entry(Host::ClaudeCode, &[], true),
            "claude mcp add managed-sessions --scope user --env ANTHROPIC_API_KEY=YOUR_API_KEY -- \
             '/opt/my tools/managed-sessions-mcp'"
        );
        assert_eq!(
            entry(Host::Codex, &["--toolsets", "a\"b"], true),
            "[mcp_servers.managed-sessions]\ncommand = \"/opt/my tools/managed-sessions-mcp\"\n\
             args = [\"--toolsets\",\"a\\\"b\"]\nenv = { ANTHROPIC_API_KEY = \"YOUR_API_KEY\" }"
        );
        let json = |host, with_key| -> Value {
            serde_json::from_str(&entry(host, &["--sandbox"], with_key)).unwrap()
        };
        for host in [Host::ClaudeDesktop, Host::Cursor] {
            let server = &json(host, true)["mcpServers"]["managed-sessions"];
            assert_eq!(server["command"], PATH);
            assert_eq!(server["args"][0], "--sandbox");
            assert_eq!(server["env"]["ANTHROPIC_API_KEY"], "YOUR_API_KEY");
            let without_key = &json(host, false)["mcpServers"]["managed-sessions"];
            assert_eq!(without_key.get("env"), None);
        }
        let file = json(Host::VsCode, true);
        let server = &file["servers"]["managed-sessions"];
        assert_eq!(server["type"], "stdio");
        assert_eq!(server["env"]["ANTHROPIC_API_KEY"], "${input:anthropic-api-key}");
        assert_eq!(file["inputs"][0]["id"], "anthropic-api-key");
        assert_eq!(json(Host::VsCode, false).get("inputs"), None);
    }

    #[test]
    fn words_are_quoted_for_the_shell_of_the_system() {
        let check = |word, system, expected: &str| assert_eq!(quoted(word, system), expected);
        check("C:\\x\\y.exe", System::Windows, "C:\\x\\y.exe");
        check("C:\\my x\\y.exe", System::Windows, "\"C:\\my x\\y.exe\"");
        check("it's", System::Mac, "'it'\\''s'");
        check("", System::Other, "''");
        check("$(x)", System::Other, "'$(x)'");
    }

    #[test]
    fn every_system_has_its_own_folders() {
        use Host::{ClaudeCode, ClaudeDesktop, Codex, Cursor, VsCode};
        let unix = &[("HOME", "/home/me")][..];
        let moved = &[("HOME", "/home/me"), ("CODEX_HOME", "/codex"), ("XDG_CONFIG_HOME", "/cfg")];
        let windows = &[("USERPROFILE", "C:/Users/me"), ("APPDATA", "C:/Users/me/AppData/Roaming")];
        let check = |host: Host, variables: &[(&str, &str)], system, expected: &str| {
            let environment: Environment = variables.iter().copied().collect();
            let file = host.file(&environment, system, |_| false);
            let file = file.map(|path| path.to_str().unwrap().replace('\\', "/"));
            assert_eq!(file.as_deref().unwrap_or("none"), expected, "{host:?}");
        };
        let desktop = "Claude/claude_desktop_config.json";
        let support = format!("/home/me/Library/Application Support/{desktop}");
        check(ClaudeDesktop, unix, System::Mac, &support);
        let roaming = format!("C:/Users/me/AppData/Roaming/{desktop}");
        check(ClaudeDesktop, windows, System::Windows, &roaming);
        let config = format!("/home/me/.config/{desktop}");
        check(ClaudeDesktop, unix, System::Other, &config);
        check(VsCode, moved, System::Other, "/cfg/Code/User/mcp.json");
        check(Cursor, windows, System::Windows, "C:/Users/me/.cursor/mcp.json");
        check(Codex, unix, System::Mac, "/home/me/.codex/config.toml");
        check(Codex, moved, System::Mac, "/codex/config.toml");
        check(ClaudeCode, unix, System::Mac, "none");
        check(Cursor, &[], System::Mac, "none");
    }

    #[test]
    fn a_packaged_claude_desktop_reads_the_file_of_its_package() {
        let check = |variables: &[(&str, &str)], system, installed: bool, expected: &str| {
            let environment: Environment = variables.iter().copied().collect();
            let is_there = |path: &Path| installed && path.ends_with(CLAUDE_PACKAGE);
            let file = Host::ClaudeDesktop.file(&environment, system, is_there);
            let file = file.map(|path| path.to_str().unwrap().replace('\\', "/"));
            let expected = format!("{expected}/Claude/claude_desktop_config.json");
            assert_eq!(file, Some(expected));
        };
        let package = "Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming";
        let variables = &[("APPDATA", "C:/Roaming"), ("LOCALAPPDATA", "D:/Local")][..];
        check(variables, System::Windows, true, &format!("D:/Local/{package}"));
        check(variables, System::Windows, false, "C:/Roaming");
        let profile = &[("USERPROFILE", "C:/Users/me")][..];
        let local = format!("C:/Users/me/AppData/Local/{package}");
        check(profile, System::Windows, true, &local);
        check(profile, System::Windows, false, "C:/Users/me/AppData/Roaming");
        // Package folders mean nothing elsewhere, whatever the environment says.
        check(&[("HOME", "/me"), ("LOCALAPPDATA", "/x")], System::Other, true, "/me/.config");
    }

    #[test]
    fn directions_mention_the_key_if_the_entry_has_a_placeholder() {
        for host in Host::value_variants() {
            let mentions_key = |with_key| {
                let launch = launch(&[], with_key);
                let directions = host.directions(launch, &Environment::default(), System::Mac);
                assert!(
                    *host == Host::ClaudeCode || directions.contains("home folder is unknown"),
                    "{directions}"
                );
                // Not even in another word: an entry without a key needs none.
                (directions.contains("YOUR_API_KEY"), directions.to_lowercase().contains("key"))
            };
            let has_placeholder = entry(*host, &[], true).contains("YOUR_API_KEY");
            assert_eq!(mentions_key(true), (has_placeholder, true), "{host:?}");
            assert_eq!(mentions_key(false), (false, false), "{host:?}");
        }
    }
}
