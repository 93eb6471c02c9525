//! What the shells themselves offer.

use crate::program::{run, utf8};

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for expected in ["managed-sessions-mcp", "read-only", "elicit"] {
            assert!(utf8(&output.stdout).contains(expected), "{shell}: no {expected}");
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{path::Path, process::Command};

    use crate::{program::utf8, terminal::Terminal};

    /// A shell with nothing of this machine but the programs in its path, this one first.
    fn shell(name: &str, arguments: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_managed-sessions-mcp"));
        let folder = program.parent().and_then(Path::to_str).expect("a folder");
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("PATH", format!("{folder}:/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin"))
            .env("TERM", "xterm-256color");
        command
    }

    /// Calls the registered function as bash does for the words, split as bash splits them; the
    /// last one is being completed.
    const BASH: &str = r#"
        eval "$(managed-sessions-mcp completions bash)"
        registered=$(complete -p managed-sessions-mcp)
        function=${registered#*-F }
        function=${function%% *}
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        current=${COMP_WORDS[COMP_CWORD]}
        if [[ $current == = ]]; then current=; fi
        set -u
        "$function" managed-sessions-mcp "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[*]-}"
    "#;

    #[track_caller]
    fn bash(words: &[&str], expected: &str) {
        let mut command = shell("bash", &["--norc", "-c", BASH, "bash", "managed-sessions-mcp"]);
        let output = command.args(words).output().expect("bash is installed");
        assert_eq!(utf8(&output.stderr), "", "{words:?}");
        assert_eq!(utf8(&output.stdout).trim_end(), expected, "{words:?}");
    }

    #[test]
    fn bash_offers_what_can_follow() {
        let commands = "serve sandbox demo doctor config completions help";
        let hosts = "claude-desktop claude-code cursor vscode codex";
        bash(&[""], commands);
        bash(&["d"], "demo doctor");
        bash(&["config", ""], hosts);
        bash(&["config", "claude"], "claude-desktop claude-code");
        bash(&["--sandbox", "config", ""], hosts);
        bash(&["help", "con"], "config");
        bash(&["completions", "f"], "fish");
        // The value of an option is no command, whatever it says.
        bash(&["--idle-status", "config", "con"], "config");
        bash(&["--toolsets", "events", "config", "vs"], "vscode");
        bash(&["--base-url=https://host", "config", "vs"], "vscode");
        bash(&["--toolsets", "=", "events", "config", "vs"], "vscode");
        // After its host, a command has options only.
        bash(&["config", "vscode", "--read"], "--read-only");
        bash(&["doctor", "--js"], "--json");
        bash(&["serve", "--js"], "");
        bash(&["--log-level", "w"], "warn");
        bash(&["--log-format", "="], "text json");
        bash(&["--log-format", "=", "j"], "json");
        bash(&["config", "cursor", "--confirm-deletes", ""], "off token elicit");
        // What only the person knows.
        bash(&["--base-url", ""], "");
        bash(&["sandbox", "--listen", "127.0.0.1", ":"], "");
        bash(&["sandbox", "--listen", "127.0.0.1", ":", "40"], "");
        bash(&["--audit-log", "/bi"], "/bin");
    }

    /// Presses the tabulator in a shell that has read the completions.
    #[track_caller]
    fn tabulator(command: Command, loading: &str, rest: &str) {
        let mut terminal = Terminal::start(command);
        // The echo shows `echo ready$`, so only the output can match.
        terminal.types(&format!("{loading}; echo ready$((1+1))\n"));
        terminal.shows("ready2");
        terminal.types("managed-sessions-mcp config curs\t");
        terminal.shows(rest);
        terminal.types("\u{3}");
    }

    #[test]
    fn a_tabulator_in_bash_completes_a_host() {
        let bash = shell("bash", &["--norc", "--noprofile", "-i"]);
        tabulator(bash, "source <(managed-sessions-mcp completions bash)", "config cursor");
    }

    #[test]
    #[ignore = "needs zsh"]
    fn a_tabulator_in_zsh_completes_a_host() {
        let loading = "autoload -U compinit; compinit -u -D; \
                       source <(managed-sessions-mcp completions zsh)";
        tabulator(shell("zsh", &["-f", "-i"]), loading, "cursor");
    }

    #[test]
    #[ignore = "needs fish"]
    fn fish_offers_what_can_follow() {
        let check = |line: &str, expected: &[&str]| {
            let script = format!(
                "managed-sessions-mcp completions fish | source; \
                 complete -C 'managed-sessions-mcp {line}'"
            );
            let output = shell("fish", &["--no-config", "-c", &script]).output();
            let output = output.expect("fish is installed");
            let offered = utf8(&output.stdout).lines().filter_map(|line| line.split('\t').next());
            let mut offered: Vec<_> = offered.collect();
            offered.sort_unstable();
            assert_eq!(offered, expected, "{line}: {}", utf8(&output.stderr));
        };
        check("config c", &["claude-code", "claude-desktop", "codex", "cursor"]);
        check("--sandbox config v", &["vscode"]);
        check("config vscode ", &[]);
        check("completions f", &["fish"]);
        check("do", &["doctor"]);
        check("--log-level info do", &["doctor"]);
        check("help con", &["config"]);
        check("doctor --js", &["--json"]);
        check("serve --js", &[]);
        check("config --export", &["--export-dir"]);
        check("doctor ", &[]);
        check("--log-format=", &["--log-format=json", "--log-format=text"]);
        check("--confirm-deletes e", &["elicit"]);
        check("--audit-log /bi", &["/bin/"]);
        check("--export-dir /bi", &["/bin/"]);
    }
}
