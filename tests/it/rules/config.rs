//! What flags and variables are read as.

use managed_sessions_mcp::{
    config::{Config, flags::Flags},
    environment::Environment,
    mcp::settings::ToolGroup,
};

fn read(flags: &Flags, environment: &[(&str, &str)]) -> Config {
    Config::read(flags, &environment.iter().copied().collect::<Environment>()).unwrap()
}

/// The error of invalid flags, or an empty text.
fn flag_error(flags: &Flags) -> String {
    let config = Config::read(flags, &Environment::default());
    config.map_or_else(|bad| bad.to_string(), |_| String::new())
}

#[test]
fn an_invalid_variable_is_reported_and_does_not_prevent_the_start() {
    let check = |variable: &str, value, expected: &str| {
        let config = read(&Flags::default(), &[(variable, value)]);
        let expected = match expected {
            "" => None,
            error => Some(format!("the variable {variable} {error}")),
        };
        assert_eq!(config.problem(), expected, "{variable}={value}");
    };
    let read_only = "MANAGED_SESSIONS_READ_ONLY";
    check(read_only, "true", "");
    check(read_only, "", "");
    check(read_only, "${user_config.read_only}", "");
    // Any other placeholder may stand for a restriction that was intended.
    check(read_only, "${READ_ONLY}", "is \"${READ_ONLY}\"; give true or false");
    check(read_only, "maybe", "is \"maybe\"; give true or false");
    check("MANAGED_SESSIONS_TIMEOUT_SECONDS", "0", "is \"0\"; give whole seconds from 1 to 600");
    check(
        "ANTHROPIC_BASE_URL",
        "http://user:secret@example.com",
        "is plain http, which only reaches this machine; https is required",
    );
    check(
        "MANAGED_SESSIONS_TOOLSETS",
        "sessions,nonsense",
        "is \"sessions,nonsense\"; give all, or some of sessions, events, fleet, work, comma-separated",
    );
}

#[test]
fn all_invalid_values_are_reported_at_once() {
    let config = read(
        &Flags::default(),
        &[
            ("MANAGED_SESSIONS_MAX_RPM", "0"),
            ("MANAGED_SESSIONS_READ_ONLY", "maybe"),
            ("ANTHROPIC_BASE_URL", "nonsense"),
        ],
    );
    let problem = config.problem().unwrap();
    for variable in ["MAX_RPM", "READ_ONLY", "BASE_URL"] {
        assert!(problem.contains(variable), "{problem}");
    }
    let flags =
        Flags { max_rpm: Some("0".into()), log_level: Some("loud".into()), ..Flags::default() };
    assert_eq!(
        flag_error(&flags),
        "--max-rpm is \"0\"; give a whole number from 1 to 60000\n\
         --log-level is \"loud\"; give off, error, warn, info, debug or trace"
    );
}

#[test]
fn a_sandbox_ignores_invalid_variables_that_do_not_concern_it() {
    let variables = [
        ("ANTHROPIC_BASE_URL", "nonsense"),
        ("ANTHROPIC_WORKSPACE_ID", "two words"),
        ("ANTHROPIC_PROFILE", "missing"),
    ];
    let problem = |more: &[(&str, &str)]| {
        let config = read(&Flags::default(), &[&variables, more].concat());
        config.against_sandbox("http://127.0.0.1:1", "key").problem()
    };
    assert_eq!(problem(&[]), None);
    let problem = problem(&[("MANAGED_SESSIONS_READ_ONLY", "maybe")]).unwrap();
    assert!(problem.contains("READ_ONLY") && !problem.contains("ANTHROPIC"), "{problem}");
}

#[test]
fn names_without_effect_are_rejected() {
    let check = |name: &str, agent: bool, status: bool| {
        let names = vec!["other".into(), name.into()];
        let agents = Flags { allow_agent: names.clone(), ..Flags::default() };
        let statuses = Flags { idle_status: names, ..Flags::default() };
        let valid = |flags| flag_error(flags).is_empty();
        assert_eq!((valid(&agents), valid(&statuses)), (agent, status), "{name:?}");
    };
    check("paused", true, true);
    for invalid in ["", ",", "a,b", "a\u{7}"] {
        check(invalid, false, false);
    }
    for known in ["idle", "running", "rescheduling", "terminated", "archived"] {
        check(known, true, false);
    }
    let check = |variable, value, expected: bool| {
        let config = read(&Flags::default(), &[(variable, value)]);
        assert_eq!(config.problem().is_none(), expected, "{variable}={value}");
    };
    for variable in ["MANAGED_SESSIONS_ALLOW_AGENTS", "MANAGED_SESSIONS_IDLE_STATUSES"] {
        check(variable, "a, b", true);
        check(variable, " , ", false);
    }
    check("MANAGED_SESSIONS_IDLE_STATUSES", "a, running", false);
}

#[test]
fn flags_win_over_the_environment() {
    let flags = Flags {
        toolsets: Some("sessions".into()),
        timeout_seconds: Some("7".into()),
        allow_agent: vec!["agent_a".into()],
        ..Flags::default()
    };
    let config = read(
        &flags,
        &[
            ("MANAGED_SESSIONS_TOOLSETS", "nonsense"),
            ("MANAGED_SESSIONS_TIMEOUT_SECONDS", "9"),
            ("MANAGED_SESSIONS_ALLOW_AGENTS", "agent_b, agent_c"),
            ("MANAGED_SESSIONS_IDLE_STATUSES", "paused,, parked "),
        ],
    );
    assert_eq!(config.problem(), None);
    assert_eq!(config.mcp.tool_groups, [ToolGroup::Sessions].into());
    assert_eq!(config.app.timeout.as_secs(), 7);
    assert_eq!(config.app.allowed_agents, ["agent_a"]);
    assert_eq!(config.app.idle_statuses, ["paused", "parked"]);
}

#[test]
fn an_invalid_flag_is_rejected_with_the_valid_values() {
    let toolsets = Flags { toolsets: Some("x".into()), ..Flags::default() };
    assert_eq!(
        flag_error(&toolsets),
        "--toolsets is \"x\"; give all, or some of sessions, events, fleet, work, comma-separated"
    );
    let status = Flags { idle_status: vec!["running".into()], ..Flags::default() };
    assert_eq!(
        flag_error(&status),
        "--idle-status is \"running\"; give a status of a compatible service other than idle, \
         running, rescheduling, terminated and archived"
    );
}
