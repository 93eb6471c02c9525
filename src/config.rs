//! Flags and environment, validated and turned into the settings of the other layers.

pub mod flags;
mod log;
mod proxy;
mod values;

use std::{
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

pub use log::Log;
pub use proxy::Proxy;
use tracing::level_filters::LevelFilter;
use url::Url;
pub use values::known_values;
use values::{
    auth_header, base_url, boolean, confirm, header_value, invalid_value, is_json, list, log_level,
    rpm, timeout, tool_groups, tool_names,
};

use crate::{
    api,
    api::settings::{AuthHeader, DEFAULT_BASE_URL, Sources},
    app::{
        settings as app,
        settings::{Pauses, may_count_as_idle},
    },
    config::flags::{AuthHeaderFlag, Flags, LogFormatFlag},
    environment::Environment,
    mcp::{settings as mcp, settings::ToolGroup},
};

const DEFAULT_MAX_RPM: NonZeroU32 = NonZeroU32::new(600).unwrap();
const DEFAULT_MAX_READ_RPM: NonZeroU32 = NonZeroU32::new(1_200).unwrap();

/// The first that is set counts: hosts and gateways set the second one for other purposes.
const BASE_URL_VARIABLES: [&str; 2] = ["MANAGED_SESSIONS_BASE_URL", "ANTHROPIC_BASE_URL"];

/// The whole configuration of the program.
#[derive(Debug, Clone)]
pub struct Config {
    /// Settings of the operations.
    pub app: app::Settings,
    /// Settings of the MCP adapter.
    pub mcp: mcp::Settings,
    /// Level and format of the log.
    pub log: Log,
    /// The proxy settings of the environment.
    pub proxy: Proxy,
    /// Invalid variables, each with its error. They do not prevent the start, since hosts hide
    /// stderr; every tool call reports them instead.
    problems: Vec<(&'static str, String)>,
}

impl Config {
    /// Reads flags and environment; flags win.
    ///
    /// # Errors
    /// The invalid flags. Invalid variables are reported by [`Self::problem`].
    pub fn read(flags: &Flags, environment: &Environment) -> Result<Self, BadFlags> {
        let mut reader = Reader { environment, problems: Vec::new(), bad_flags: Vec::new() };
        let app = reader.app(flags);
        let mcp = reader.mcp(flags);
        let log = reader.log(flags);
        if !reader.bad_flags.is_empty() {
            return Err(BadFlags(reader.bad_flags));
        }
        Ok(Self { app, mcp, log, proxy: Proxy::read(environment), problems: reader.problems })
    }

    /// The same configuration with a sandbox instead of the API.
    #[must_use]
    pub fn against_sandbox(mut self, base_url: &str, api_key: &str) -> Self {
        let credentials = Environment::from_iter([("ANTHROPIC_API_KEY", api_key)]);
        self.app.api.base_url = Url::parse(base_url).ok();
        self.app.api.base_url_source = "--sandbox";
        self.app.api.credentials = Sources::from_environment(&credentials);
        self.app.api.workspace_id = None;
        // These variables locate the API and its credentials: without effect on a sandbox.
        self.problems.retain(|(variable, _)| {
            !variable.starts_with("ANTHROPIC_") && !BASE_URL_VARIABLES.contains(variable)
        });
        self
    }

    /// Every invalid variable with what is valid, if there is one.
    pub fn problem(&self) -> Option<String> {
        let problems = self
            .problems
            .iter()
            .map(|(variable, error)| format!("the variable {variable} {error}"));
        let problems: Vec<String> = problems.collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

/// The base URL that a host's entry has to name, so that no `ANTHROPIC_BASE_URL` which the host
/// passes on takes its place: the one in effect without it, where it names another one.
pub fn base_url_to_pin(flags: &Flags, environment: &Environment) -> Option<String> {
    let [own, foreign] = BASE_URL_VARIABLES;
    if flags.sandbox || flags.base_url.is_some() || environment.text(foreign) == Ok(None) {
        return None;
    }
    let read = |variable| base_url(environment.get(variable)?).ok();
    let wanted = read(own).or_else(|| base_url(DEFAULT_BASE_URL).ok())?;
    let differs = read(foreign).as_ref() != Some(&wanted);
    differs.then(|| wanted.as_str().trim_end_matches('/').to_owned())
}

/// Invalid flags, each with its error. Displayed one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFlags(Vec<(&'static str, String)>);

impl fmt::Display for BadFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.iter().map(|(flag, error)| format!("{flag} {error}"));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for BadFlags {}

/// A flag's name and value, if it was given.
type Typed<'a> = Option<(&'static str, &'a str)>;

fn flag<'a>(name: &'static str, value: Option<&'a str>) -> Typed<'a> {
    value.map(|text| (name, text))
}

/// Whether this is one printable name: a comma would make it two.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == ',' || c.is_control())
}

/// Reads each value from its flag, else from its variable, and collects errors.
struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<(&'static str, String)>,
    bad_flags: Vec<(&'static str, String)>,
}

impl Reader<'_> {
    fn app(&mut self, flags: &Flags) -> app::Settings {
        let api = self.api(flags);
        let confirm_deletes = self.value(
            flag("--confirm-deletes", flags.confirm_deletes.as_deref()),
            "MANAGED_SESSIONS_CONFIRM_DELETES",
            confirm,
        );
        let confirm_approvals = self.value(
            flag("--confirm-approvals", flags.confirm_approvals.as_deref()),
            "MANAGED_SESSIONS_CONFIRM_APPROVALS",
            confirm,
        );
        let disabled = self.value(
            flag("--disable-tools", flags.disable_tools.as_deref()),
            "MANAGED_SESSIONS_DISABLED_TOOLS",
            tool_names,
        );
        let max_rpm = self.value(
            flag("--max-rpm", flags.max_rpm.as_deref()),
            "MANAGED_SESSIONS_MAX_RPM",
            rpm,
        );
        let max_read_rpm = self.value(
            flag("--max-read-rpm", flags.max_read_rpm.as_deref()),
            "MANAGED_SESSIONS_MAX_READ_RPM",
            rpm,
        );
        app::Settings {
            timeout: api.timeout,
            allowed_agents: self.names(
                ("--allow-agent", &flags.allow_agent),
                "MANAGED_SESSIONS_ALLOW_AGENTS",
                is_name,
                "the id of an agent",
            ),
            idle_statuses: self.names(
                ("--idle-status", &flags.idle_status),
                "MANAGED_SESSIONS_IDLE_STATUSES",
                |name| is_name(name) && may_count_as_idle(name),
                "a status of a compatible service other than idle, running, rescheduling, \
                 terminated and archived",
            ),
            confirm_deletes: confirm_deletes.unwrap_or_default(),
            confirm_approvals: confirm_approvals.unwrap_or_default(),
            disabled: disabled.unwrap_or_default(),
            export_dir: self.path(
                flags.export_dir.as_deref().map(|path| ("--export-dir", path)),
                "MANAGED_SESSIONS_EXPORT_DIR",
            ),
            audit_log: self.path(
                flags.audit_log.as_deref().map(|path| ("--audit-log", path)),
                "MANAGED_SESSIONS_AUDIT_LOG",
            ),
            max_rpm: max_rpm.unwrap_or(DEFAULT_MAX_RPM),
            max_read_rpm: max_read_rpm.unwrap_or(DEFAULT_MAX_READ_RPM),
            pauses: Pauses::default(),
            api,
        }
    }

    fn api(&mut self, flags: &Flags) -> api::Settings {
        let timeout = self.value(
            flag("--timeout-seconds", flags.timeout_seconds.as_deref()),
            "MANAGED_SESSIONS_TIMEOUT_SECONDS",
            timeout,
        );
        let api_version = self.value(
            flag("--api-version", flags.api_version.as_deref()),
            "MANAGED_SESSIONS_API_VERSION",
            header_value,
        );
        let auth_header = self.value(None, "MANAGED_SESSIONS_AUTH_HEADER", auth_header);
        let (base_url, base_url_source) = self.base_url(flags);
        let defaults = api::Settings::default();
        api::Settings {
            base_url,
            base_url_source,
            api_version: api_version.unwrap_or(defaults.api_version),
            auth_header: match flags.auth_header {
                Some(AuthHeaderFlag::Authorization) => AuthHeader::Authorization,
                Some(AuthHeaderFlag::XApiKey) => AuthHeader::XApiKey,
                None => auth_header.unwrap_or_default(),
            },
            workspace_id: self.value(
                flag("--workspace-id", flags.workspace_id.as_deref()),
                "ANTHROPIC_WORKSPACE_ID",
                header_value,
            ),
            credentials: self.credentials(),
            timeout: timeout.unwrap_or(defaults.timeout),
            ..defaults
        }
    }

    /// The base URL, and the flag or variable it comes from.
    fn base_url(&mut self, flags: &Flags) -> (Option<Url>, &'static str) {
        let name = "--base-url";
        let typed = flag(name, flags.base_url.as_deref());
        let is_set = |variable: &&str| self.environment.text(variable) != Ok(None);
        let variable = BASE_URL_VARIABLES.into_iter().find(is_set);
        match variable {
            Some(variable) if typed.is_none() => (self.value(None, variable, base_url), variable),
            _ => (self.value(typed, "ANTHROPIC_BASE_URL", base_url), name),
        }
    }

    /// Reports what cannot be read of them; what they mean turns out on use.
    fn credentials(&mut self) -> Sources {
        for variable in Sources::VARIABLES {
            self.value(None, variable, |_| Ok(()));
        }
        for variable in Sources::PATHS {
            self.path(None, variable);
        }
        Sources::from_environment(self.environment)
    }

    fn mcp(&mut self, flags: &Flags) -> mcp::Settings {
        let tool_groups = self.value(
            flag("--toolsets", flags.toolsets.as_deref()),
            "MANAGED_SESSIONS_TOOLSETS",
            tool_groups,
        );
        let read_only = self.value(None, "MANAGED_SESSIONS_READ_ONLY", boolean);
        mcp::Settings {
            tool_groups: tool_groups.unwrap_or_else(|| ToolGroup::ALL.into()),
            read_only: flags.read_only || read_only.unwrap_or(false),
        }
    }

    fn log(&mut self, flags: &Flags) -> Log {
        let level = self.value(
            flag("--log-level", flags.log_level.as_deref()),
            "MANAGED_SESSIONS_LOG",
            log_level,
        );
        let json = self.value(None, "MANAGED_SESSIONS_LOG_FORMAT", is_json);
        Log {
            level: level.unwrap_or(LevelFilter::WARN),
            json: match flags.log_format {
                Some(format) => format == LogFormatFlag::Json,
                None => json.unwrap_or(false),
            },
        }
    }

    fn value<T>(
        &mut self,
        typed: Typed<'_>,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (name, parsed, errors) = if let Some((flag, text)) = typed {
            (flag, parse(text), &mut self.bad_flags)
        } else {
            let text = self.environment.text(variable).transpose()?;
            let parsed = text.map_err(str::to_owned).and_then(parse);
            (variable, parsed, &mut self.problems)
        };
        parsed.map_err(|error| errors.push((name, error))).ok()
    }

    /// Names, from a repeated flag or a comma-separated variable. A list without names is an
    /// error: an empty list would mean that there is no restriction.
    fn names(
        &mut self,
        (flag, typed): (&'static str, &[String]),
        variable: &'static str,
        is_valid: fn(&str) -> bool,
        valid: &str,
    ) -> Vec<String> {
        if typed.is_empty() {
            let parse = |text: &str| match list(text) {
                names if names.is_empty() || !names.iter().all(|name| is_valid(name)) => {
                    Err(invalid_value(text, format_args!("{valid}, or several, comma-separated")))
                }
                names => Ok(names),
            };
            return self.value(None, variable, parse).unwrap_or_default();
        }
        let parse = |text: &str| match text.trim() {
            name if is_valid(name) => Ok(name.to_owned()),
            _ => Err(invalid_value(text, valid)),
        };
        typed.iter().filter_map(|text| self.value(Some((flag, text)), variable, parse)).collect()
    }

    /// An absolute path, so that messages can name it. Whether it is usable turns out on use.
    fn path(
        &mut self,
        typed: Option<(&'static str, &Path)>,
        variable: &'static str,
    ) -> Option<PathBuf> {
        let (name, path, errors) = if let Some((flag, path)) = typed {
            (flag, self.environment.expand(path), &mut self.bad_flags)
        } else {
            (variable, self.environment.path(variable).transpose()?, &mut self.problems)
        };
        let path = path.map_err(|error| errors.push((name, error))).ok()?;
        Some(std::path::absolute(&path).unwrap_or(path))
    }
}
