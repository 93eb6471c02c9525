//! What flags and variables come to.

use crate::{cli::Flags, config::Config, environment::Environment, mcp::settings::ToolGroup};

fn read(flags: &Flags, environment: &[(&str, &str)]) -> Config {
    Config::read(flags, &environment.iter().copied().collect::<Environment>()).unwrap()
}

#[test]
fn a_bad_variable_never_stops_the_start_and_is_named() {
    let check = |variable, value, expected: &str| {
        let config = read(&Flags::default(), &[(variable, value)]);
        assert_eq!(
            config.problem().as_deref().unwrap_or("none"),
            expected,
            "{variable}={value}"
        );
    };
    check("MANAGED_SESSIONS_READ_ONLY", "true", "none");
    check("MANAGED_SESSIONS_READ_ONLY", "", "none");
    check(
        "MANAGED_SESSIONS_READ_ONLY",
        "${user_config.mcp.read_only}",
        "none",
    );
    // Another placeholder may be a setting that was meant to forbid something.
    check(
        "MANAGED_SESSIONS_READ_ONLY",
        "${READ_ONLY}",
        "the variable MANAGED_SESSIONS_READ_ONLY is \"${READ_ONLY}\"; give true or false",
    );
    check(
        "MANAGED_SESSIONS_READ_ONLY",
        "maybe",
        "the variable MANAGED_SESSIONS_READ_ONLY is \"maybe\"; give true or false",
    );
    check(
        "MANAGED_SESSIONS_TIMEOUT_SECONDS",
        "0",
        "the variable MANAGED_SESSIONS_TIMEOUT_SECONDS is \"0\"; give whole seconds from 1 to 600",
    );
    check(
        "ANTHROPIC_BASE_URL",
        "http://user:secret@example.com",
        "the variable ANTHROPIC_BASE_URL is plain http, which is only used to reach this \
         machine; use https",
    );
    check(
        "MANAGED_SESSIONS_TOOLSETS",
        "sessions,nonsense",
        "the variable MANAGED_SESSIONS_TOOLSETS is \"sessions,nonsense\"; give all, or some \
         of sessions, events, fleet, comma separated",
    );
}

#[test]
fn every_bad_value_is_named_at_once() {
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
    let flags = Flags {
        max_rpm: Some("0".into()),
        log_level: Some("loud".into()),
        ..Flags::default()
    };
    let error = Config::read(&flags, &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--max-rpm is \"0\"; give a whole number from 1 to 60000\n\
         --log-level is \"loud\"; give off, error, warn, info, debug or trace"
    );
}

#[test]
fn what_a_sandbox_does_not_use_is_no_problem_of_it() {
    let variables = [
        ("ANTHROPIC_BASE_URL", "nonsense"),
        ("ANTHROPIC_WORKSPACE_ID", "two words"),
        ("ANTHROPIC_PROFILE", "missing"),
    ];
    let against = |more: &[(&str, &str)]| {
        let config = read(&Flags::default(), &[&variables, more].concat());
        let config = config.against_sandbox("http://127.0.0.1:1", "key");
        config.problem().unwrap_or_default()
    };
    assert_eq!(against(&[]), "");
    let still = against(&[("MANAGED_SESSIONS_READ_ONLY", "maybe")]);
    assert!(
        still.contains("READ_ONLY") && !still.contains("ANTHROPIC"),
        "{still}"
    );
}

#[test]
fn a_name_without_effect_is_refused() {
    let valid = |flags: Flags| Config::read(&flags, &Environment::default()).is_ok();
    let check = |name: &str, agent: bool, status: bool| {
        let agents = Flags {
            allow_agent: vec!["other".into(), name.into()],
            ..Flags::default()
        };
        let statuses = Flags {
            idle_status: vec!["other".into(), name.into()],
            ..Flags::default()
        };
        assert_eq!(
            (valid(agents), valid(statuses)),
            (agent, status),
            "{name:?}"
        );
    };
    check("paused", true, true);
    check("", false, false);
    check(",", false, false);
    check("a,b", false, false);
    check("a\u{7}", false, false);
    for known in ["idle", "running", "rescheduling", "terminated", "archived"] {
        check(known, true, false);
    }
    let check = |variable, value, expected: bool| {
        let config = read(&Flags::default(), &[(variable, value)]);
        assert_eq!(config.problem().is_none(), expected, "{variable}={value}");
    };
    check("MANAGED_SESSIONS_ALLOW_AGENTS", "a, b", true);
    check("MANAGED_SESSIONS_ALLOW_AGENTS", " , ", false);
    check("MANAGED_SESSIONS_IDLE_STATUSES", "a, b", true);
    check("MANAGED_SESSIONS_IDLE_STATUSES", " , ", false);
    check("MANAGED_SESSIONS_IDLE_STATUSES", "a, running", false);
    let flags = Flags {
        idle_status: vec!["running".into()],
        ..Flags::default()
    };
    let error = Config::read(&flags, &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--idle-status is \"running\"; give a status name of a compatible service, none of idle, \
         running, rescheduling, terminated, archived"
    );
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
    assert_eq!(config.app.timeout.as_secs(), 7);
    assert_eq!(config.mcp.tool_groups, [ToolGroup::Sessions].into());
    assert_eq!(config.app.allowed_agents, ["agent_a"]);
    assert_eq!(config.app.idle_statuses, ["paused", "parked"]);
}

#[test]
fn a_bad_flag_is_refused_with_the_valid_values() {
    let flags = Flags {
        toolsets: Some("x".into()),
        ..Flags::default()
    };
    let error = Config::read(&flags, &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--toolsets is \"x\"; give all, or some of sessions, events, fleet, comma separated"
    );
}
