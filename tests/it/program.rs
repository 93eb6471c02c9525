//! The real program, driven line by line.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use managed_sessions_mcp::sandbox::Sandbox;
use serde_json::{Value, json};

/// Anything that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The program, isolated from the environment of this machine.
pub(crate) fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_managed-sessions-mcp"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied());
    command
}

/// Runs the program to its end, with an empty stdin.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(arguments, environment).stdin(Stdio::null()).output().expect("the program starts")
}

pub(crate) fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// A running program.
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
            // Ends, and closes the pipe, once the receiver is dropped.
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { stdin: child.stdin.take(), child, lines }
    }

    /// Starts the program against this sandbox.
    pub(crate) fn on(sandbox: &Sandbox) -> Self {
        let url = sandbox.base_url();
        let environment =
            [("ANTHROPIC_BASE_URL", url.as_str()), ("ANTHROPIC_API_KEY", sandbox.api_key())];
        Self::start(&[], &environment)
    }

    /// Opens the MCP session.
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
        let params = json!({"name": tool, "arguments": arguments});
        self.send(&request(id, "tools/call", &params));
    }

    /// The next line, which must be JSON-RPC.
    #[track_caller]
    pub(crate) fn answer(&self) -> Value {
        let line = self.lines.recv_timeout(TIMEOUT).expect("an answer");
        let message: Value = serde_json::from_str(&line).expect("stdout carries only JSON");
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// Asserts that the next line is the answer to a new ping.
    #[track_caller]
    pub(crate) fn is_well(&mut self) {
        self.send(&request("ping", "ping", &json!({})));
        let answer = self.answer();
        assert_eq!((&answer["id"], &answer["result"]), (&json!("ping"), &json!({})));
    }

    /// Closes stdin; returns the remaining messages and the exit status.
    #[track_caller]
    pub(crate) fn close(mut self) -> (Vec<Value>, ExitStatus) {
        drop(self.stdin.take());
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => rest.push(serde_json::from_str(&line).expect("JSON")),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("stdout stays open"),
            }
        }
        (rest, self.ends())
    }

    /// Waits for the program to exit by itself.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().expect("a child");
        panic!("the program does not exit");
    }
}

pub(crate) fn request(id: &str, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// The request that opens a session, for this version of the protocol.
pub(crate) fn hello(version: &str) -> Value {
    request(
        "hello",
        "initialize",
        &json!({"protocolVersion": version, "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"}}),
    )
}

/// The text of a tool result.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().expect("a text")
}
