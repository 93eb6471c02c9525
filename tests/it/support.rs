//! What tests share: an MCP host in process, the sandbox, an API of canned answers, and the only
//! place that knows how a server is configured and started.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use managed_sessions_mcp::{
    cli::{Flags, commands},
    config::Config,
    environment::Environment,
    mcp::{server::Server, settings::ToolGroup},
    sandbox::{Options, Sandbox},
};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResult, Tool},
    service::RunningService,
};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::reply::Reply;

/// An address at which nothing listens, for tests that need no API.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

// How a server is configured and started.

/// The configuration of `flags` against the API at `base_url`, with a key and fast.
pub(crate) fn config(flags: Flags, base_url: &str) -> Config {
    config_from(flags, &[], base_url)
}

/// The same with further variables in the environment.
pub(crate) fn config_from(mut flags: Flags, variables: &[(&str, &str)], base_url: &str) -> Config {
    // What is tested is hardly ever the rate.
    for rpm in [&mut flags.max_rpm, &mut flags.max_read_rpm] {
        rpm.get_or_insert_with(|| "60000".to_owned());
    }
    let environment: Environment = variables.iter().copied().collect();
    let config = Config::read(&flags, &environment).expect("valid flags");
    fast(config.against_sandbox(base_url, "sk-test-0123456789"))
}

/// With the same pauses as ever, only so short that no test waits for them.
fn fast(mut config: Config) -> Config {
    let pauses = &mut config.app.pauses;
    for pause in pauses.stale_status.iter_mut().chain(&mut pauses.conflict) {
        *pause /= 100;
    }
    pauses.poll = (Duration::from_millis(5), Duration::from_millis(200));
    pauses.slow_down = Duration::from_millis(10);
    config.app.api.retry.base = Duration::from_millis(5);
    config
}

/// With another limit for a whole call than the flags can give.
pub(crate) fn with_timeout(mut config: Config, timeout: Duration) -> Config {
    config.app.timeout = timeout;
    config
}

/// With pauses that no clock can add up: a call that waits for a busy session panics.
pub(crate) fn with_overflowing_pauses(mut config: Config) -> Config {
    config.app.pauses.poll = (Duration::MAX, Duration::MAX);
    config
}

/// Every pause that [`fast`] shortens, as it really is.
pub(crate) fn real_pauses() -> [(&'static str, Vec<Duration>); 5] {
    let config = Config::read(&Flags::default(), &Environment::default()).expect("no flags");
    let (pauses, retry) = (config.app.pauses, config.app.api.retry);
    [
        ("stale status", pauses.stale_status),
        ("conflict", pauses.conflict),
        ("poll", vec![pauses.poll.0, pauses.poll.1]),
        ("slow down", vec![pauses.slow_down]),
        ("retry", vec![retry.base, retry.longest]),
    ]
}

/// With these flags every tool is offered: one needs a folder.
pub(crate) fn every_tool() -> Flags {
    Flags { export_dir: Some(std::env::temp_dir()), ..Flags::default() }
}

/// The groups of tools that `--toolsets` names.
pub(crate) fn tool_groups() -> Vec<&'static str> {
    ToolGroup::ALL.iter().map(|group| group.name()).collect()
}

/// Starts a server; the result is the client's end of the pipe to it.
pub(crate) fn serve(config: Config) -> DuplexStream {
    pipe_to(commands::server(config))
}

fn pipe_to(server: Server) -> DuplexStream {
    let (client, other_end) = tokio::io::duplex(1 << 20);
    tokio::spawn(server.serve_on(other_end));
    client
}

// An MCP host.

/// An MCP host with one server.
pub(crate) struct Host {
    pub(crate) client: RunningService<RoleClient, ()>,
}

impl Host {
    /// With a server without flags, against the API at `base_url`.
    pub(crate) async fn new(base_url: &str) -> Self {
        Self::with_flags(Flags::default(), base_url).await
    }

    /// With a server that offers every tool.
    pub(crate) async fn with_every_tool(base_url: &str) -> Self {
        Self::with_flags(every_tool(), base_url).await
    }

    pub(crate) async fn with_flags(flags: Flags, base_url: &str) -> Self {
        Self::connect(serve(config(flags, base_url))).await
    }

    /// With the server at the other end of the pipe.
    pub(crate) async fn connect(pipe: DuplexStream) -> Self {
        let client = ().serve(pipe).await;
        Self { client: client.expect("the handshake succeeds") }
    }

    pub(crate) async fn tools(&self) -> Vec<Tool> {
        let tools = self.client.list_all_tools().await;
        tools.expect("tools are listed")
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Reply {
        Reply::of(self.call_raw(tool, arguments).await)
    }

    pub(crate) async fn call_raw(&self, tool: &str, arguments: Value) -> CallToolResult {
        let result = self.client.call_tool(request(tool, arguments)).await;
        result.expect("no JSON-RPC error")
    }

    /// The answer to a call that must not fail.
    pub(crate) async fn answer(&self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments).await.answer()
    }

    /// The text of a call that must fail.
    pub(crate) async fn failure(&self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments).await.failure()
    }

    /// The outcome of an answer, or the code of a failure.
    pub(crate) async fn outcome(&self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments).await.outcome().to_owned()
    }
}

pub(crate) fn request(tool: &str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments)
}

impl Reply {
    #[track_caller]
    pub(crate) fn of(result: CallToolResult) -> Self {
        Self::read(Ok(result)).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    #[track_caller]
    pub(crate) fn answer(self) -> Value {
        match self {
            Self::Answer(answer) => answer,
            Self::Failure(text, _) => panic!("a failure: {text}"),
        }
    }

    #[track_caller]
    pub(crate) fn failure(self) -> String {
        match self {
            Self::Answer(answer) => panic!("no failure: {answer}"),
            Self::Failure(text, _) => text,
        }
    }
}

/// The ids of rows or events.
pub(crate) fn ids(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().expect("an array").iter();
    rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// Every entry of a tool's list named `field`, page by page.
pub(crate) async fn all_pages(host: &Host, tool: &str, arguments: Value, field: &str) -> Value {
    let mut found = Vec::new();
    let mut page = Value::Null;
    for _ in 0..500 {
        let arguments = with_fields(arguments.clone(), json!({"page": page}));
        let answer = host.answer(tool, arguments).await;
        assert!(answer.to_string().len() < 40_000, "an answer is small");
        found.extend(answer[field].as_array().expect("an array").clone());
        match answer.get("next_page") {
            Some(next) => page = next.clone(),
            None => return found.into(),
        }
    }
    panic!("there is no last page")
}

/// Fails a test that hangs, instead of the whole suite.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(Duration::from_secs(10), future).await;
    result.expect("it takes less than ten seconds")
}

// What the server talks to.

/// A sandbox whose stored status does not lag behind the session, and that changes only when
/// somebody changes it.
pub(crate) async fn sandbox() -> Sandbox {
    sandbox_with(Options::default()).await
}

/// The same, set up like this.
pub(crate) async fn sandbox_with(options: Options) -> Sandbox {
    let options = Options { status_lag: Duration::ZERO, seeded_endings: false, ..options };
    let listen = "127.0.0.1:0".parse().expect("an address");
    let sandbox = Sandbox::start(listen, options).await;
    sandbox.expect("the sandbox starts")
}

/// The ids of the sandbox's sessions with this status that are not archived.
pub(crate) async fn sandbox_ids(sandbox: &Sandbox, status: &str) -> Vec<String> {
    let host = Host::new(&sandbox.base_url()).await;
    let arguments = json!({"statuses": [status], "limit": 100});
    let list = host.answer("list_sessions", arguments).await;
    sandbox.forget_requests();
    ids(&list["sessions"])
}

/// The requests that the sandbox received to change something: `METHOD /path`.
pub(crate) fn sandbox_writes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let writes = requests.iter().filter(|request| request.is_write());
    writes.map(|request| format!("{} {}", request.method, request.path)).collect()
}

/// A plain HTTP client, for what the server under test does not do itself.
pub(crate) fn http() -> reqwest::Client {
    // The first test installs it; all install the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// An API of canned answers.
pub(crate) struct Api(pub(crate) MockServer);

impl Api {
    pub(crate) async fn new() -> Self {
        Self(MockServer::start().await)
    }

    /// With one session of this record, and nothing else.
    pub(crate) async fn with_session(session: Value) -> Self {
        let api = Self::new().await;
        let path = format!("/v1/sessions/{}", session["id"].as_str().expect("an id"));
        api.answers("GET", &path, 200, session).await;
        api
    }

    pub(crate) fn url(&self) -> String {
        self.0.uri()
    }

    /// A host with a server of this API.
    pub(crate) async fn host(&self) -> Host {
        Host::new(&self.url()).await
    }

    pub(crate) async fn host_with(&self, flags: Flags) -> Host {
        Host::with_flags(flags, &self.url()).await
    }

    /// Answers `method path` with `body`; answers given earlier come first while they last.
    pub(crate) async fn answers(&self, method: &str, path: &str, status: u16, body: Value) {
        Self::mock(method, path, status, body).mount(&self.0).await;
    }

    /// The same, so many times.
    pub(crate) async fn answers_times(
        &self,
        times: u64,
        (method, path): (&str, &str),
        status: u16,
        body: Value,
    ) {
        let mock = Self::mock(method, path, status, body);
        mock.up_to_n_times(times).mount(&self.0).await;
    }

    /// The same, but only once.
    pub(crate) async fn answers_once(&self, method: &str, path: &str, status: u16, body: Value) {
        self.answers_times(1, (method, path), status, body).await;
    }

    /// Accepts `DELETE path`. The session at this path is gone when it is looked at next, and
    /// there again after that.
    pub(crate) async fn accepts_delete(&self, path: &str) {
        let gone = Arc::new(AtomicBool::new(false));
        let deleted = Arc::clone(&gone);
        let answer = move |_: &wiremock::Request| {
            deleted.store(true, Ordering::SeqCst);
            let id = json!({"id": "sesn_1", "type": "session_deleted"});
            ResponseTemplate::new(200).insert_header("request-id", "req_1").set_body_json(id)
        };
        let delete = Mock::given(matchers::method("DELETE")).and(matchers::path(path));
        delete.respond_with(answer).mount(&self.0).await;
        let not_found =
            ResponseTemplate::new(404).set_body_json(error("not_found_error", "No such session."));
        let read = Mock::given(matchers::method("GET")).and(matchers::path(path));
        let read = read.and(move |_: &wiremock::Request| gone.swap(false, Ordering::SeqCst));
        read.respond_with(not_found).with_priority(1).mount(&self.0).await;
    }

    fn mock(method: &str, path: &str, status: u16, body: Value) -> Mock {
        let answer =
            ResponseTemplate::new(status).insert_header("request-id", "req_1").set_body_json(body);
        Mock::given(matchers::method(method)).and(matchers::path(path)).respond_with(answer)
    }

    /// The requests it received, in order: `METHOD /path`.
    pub(crate) async fn asked(&self) -> Vec<String> {
        let requests = self.requests().await;
        let shown = requests.iter();
        shown.map(|each| format!("{} {}", each.method, each.url.path())).collect()
    }

    /// Those of them that do not only read.
    pub(crate) async fn writes(&self) -> Vec<String> {
        let mut requests = self.asked().await;
        requests.retain(|each| !each.starts_with("GET "));
        requests
    }

    /// The body of the newest request that had one.
    pub(crate) async fn last_body(&self) -> Value {
        let requests = self.requests().await;
        let with_body = requests.iter().rev().find(|each| !each.body.is_empty());
        serde_json::from_slice(&with_body.expect("a body was sent").body).expect("it is JSON")
    }

    /// The requests with their queries and bodies.
    pub(crate) async fn asked_whole(&self) -> Vec<String> {
        let requests = self.requests().await;
        let shown = requests.iter().map(|each| {
            let body = String::from_utf8_lossy(&each.body);
            format!("{} {} {body}", each.method, each.url)
        });
        shown.collect()
    }

    async fn requests(&self) -> Vec<wiremock::Request> {
        let requests = self.0.received_requests().await;
        requests.expect("requests are recorded")
    }
}

// Records.

/// A session as the API sends it.
pub(crate) fn session(id: &str, status: &str) -> Value {
    json!({
        "type": "session",
        "id": id,
        "title": "Fix the login",
        "status": status,
        "created_at": "2026-11-01T08:00:00.250Z",
        "updated_at": "2026-11-02T09:30:00.500Z",
        "archived_at": null,
        "environment_id": "env_1",
        "metadata": {},
        "vault_ids": [],
        "agent": {
            "type": "agent", "id": "agent_1", "name": "Fixer", "version": 3,
            "model": {"id": "claude-opus-4-8"}, "system": null, "tools": [], "mcp_servers": [],
            "skills": [],
        },
        "resources": [],
        "outcome_evaluations": [],
        "usage": {"input_tokens": 10, "output_tokens": 20, "list_cost": {"amount": "1234", "currency": "USD"}},
        "stats": {},
    })
}

/// An object with some of its fields replaced, or further ones.
pub(crate) fn with_fields(mut object: Value, fields: Value) -> Value {
    let (Value::Object(all), Value::Object(fields)) = (&mut object, fields) else {
        panic!("objects")
    };
    all.extend(fields);
    object
}

/// An API error in the API's envelope.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_body"})
}
