//! The real program, line by line, as a host that spells out its messages itself.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use managed_sessions_mcp::sandbox::Sandbox;
use serde_json::{Value, json};

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program with an environment of its own: nothing of the machine's leaks into a test.
pub(crate) fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_managed-sessions-mcp"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied());
    command
}

/// The running program, line by line.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) lines: Receiver<String>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = command(arguments, environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            // Stops reading, and closes the pipe, when nobody listens any more.
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    pub(crate) fn on(sandbox: &Sandbox) -> Self {
        let url = sandbox.base_url();
        let environment = [
            ("ANTHROPIC_BASE_URL", url.as_str()),
            ("ANTHROPIC_API_KEY", sandbox.api_key()),
        ];
        Self::start(&[], &environment)
    }

    /// The same, with an open session.
    pub(crate) fn opened(mut self) -> Self {
        self.send(&hello("2025-11-25"));
        assert_eq!(self.answer()["id"], "hello");
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        self
    }

    pub(crate) fn write(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("open"), "{line}").expect("stdin takes a line");
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.write(&message.to_string());
    }

    pub(crate) fn call(&mut self, id: &str, tool: &str, arguments: &Value) {
        self.send(&request(
            id,
            "tools/call",
            &json!({"name": tool, "arguments": arguments}),
        ));
    }

    /// The next line, which must be JSON-RPC.
    #[track_caller]
    pub(crate) fn answer(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("an answer");
        let message: Value = serde_json::from_str(&line).expect("stdout carries only JSON");
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// That nothing has come but the answer to a new ping.
    #[track_caller]
    pub(crate) fn is_well(&mut self) {
        self.send(&request("ping", "ping", &json!({})));
        let answer = self.answer();
        assert_eq!(
            (&answer["id"], &answer["result"]),
            (&json!("ping"), &json!({}))
        );
    }

    /// Closes stdin; gives what still comes, and how the program ends.
    #[track_caller]
    pub(crate) fn close(mut self) -> (Vec<Value>, ExitStatus) {
        drop(self.stdin.take());
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(serde_json::from_str(&line).expect("JSON")),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("stdout stays open"),
            }
        }
        (rest, self.ends())
    }

    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().expect("a child");
        panic!("the program does not end");
    }
}

pub(crate) fn request(id: &str, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub(crate) fn hello(version: &str) -> Value {
    request(
        "hello",
        "initialize",
        &json!({"protocolVersion": version, "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"}}),
    )
}

/// What the answer to a call says.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .expect("a text")
}
