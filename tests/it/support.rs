//! A host in process: a real MCP client on one end of a pipe, the server on the other.

use std::{future::Future, time::Duration};

use managed_sessions_mcp::{
    cli::Flags,
    config::Config,
    environment::Environment,
    mcp::server::SessionsServer,
    sandbox::{Options, Sandbox},
};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResult, Tool},
    service::RunningService,
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// What a failure carries for programs.
pub(crate) const META: &str = "managed-sessions-mcp/error";

/// An MCP host with one server.
pub(crate) struct Host {
    pub(crate) client: RunningService<RoleClient, ()>,
}

/// What a tool call came to.
#[derive(Debug)]
pub(crate) enum Came {
    /// `structuredContent`.
    Answer(Value),
    /// The text, and the parts under [`META`].
    Failure(String, Value),
}

impl Came {
    #[track_caller]
    pub(crate) fn answer(self) -> Value {
        match self {
            Self::Answer(answer) => answer,
            Self::Failure(text, _) => panic!("a failure: {text}"),
        }
    }

    /// The failure's one line.
    #[track_caller]
    pub(crate) fn failure(self) -> String {
        match self {
            Self::Answer(answer) => panic!("no failure: {answer}"),
            Self::Failure(text, parts) => {
                let code = parts["code"].as_str().expect("a failure has a code");
                assert!(text.starts_with(&format!("{code}: ")), "{text} / {code}");
                text
            }
        }
    }

    /// The failure's code.
    #[track_caller]
    pub(crate) fn code(self) -> String {
        let text = self.failure();
        text.split(':').next().unwrap_or_default().to_owned()
    }

    /// The answer's outcome, or the failure's code.
    pub(crate) fn word(self) -> String {
        match self {
            Self::Answer(answer) => answer["outcome"].as_str().unwrap_or("an answer").to_owned(),
            failure @ Self::Failure(..) => failure.code(),
        }
    }
}

impl Host {
    /// A host of a server with these flags, against the API at `base_url`.
    pub(crate) async fn with(flags: Flags, base_url: &str) -> Self {
        Self::of(SessionsServer::new(config(flags, base_url))).await
    }

    /// A host of a server without flags, against the API at `base_url`.
    pub(crate) async fn on(base_url: &str) -> Self {
        Self::with(Flags::default(), base_url).await
    }

    pub(crate) async fn of(server: SessionsServer) -> Self {
        let (here, there) = tokio::io::duplex(1 << 20);
        tokio::spawn(server.serve_on(there));
        Self {
            client: ().serve(here).await.expect("the handshake succeeds"),
        }
    }

    pub(crate) async fn tools(&self) -> Vec<Tool> {
        self.client
            .list_all_tools()
            .await
            .expect("tools are listed")
    }

    pub(crate) async fn raw(&self, tool: &str, arguments: Value) -> CallToolResult {
        let Value::Object(arguments) = arguments else {
            panic!("arguments are an object")
        };
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.client
            .call_tool(request)
            .await
            .expect("no JSON-RPC error")
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Came {
        came(self.raw(tool, arguments).await)
    }
}

/// Checks what holds for every result, and takes it apart.
#[track_caller]
pub(crate) fn came(result: CallToolResult) -> Came {
    let [block] = result.content.as_slice() else {
        panic!("one block: {result:?}")
    };
    let text = block.as_text().expect("a text block").text.clone();
    if result.is_error == Some(true) {
        assert_eq!(result.structured_content, None, "clients validate it");
        let parts = result.meta.expect("a failure has parts").0[META].clone();
        assert!(text.contains(". Next: "), "{text}");
        return Came::Failure(text, parts);
    }
    let structure = result.structured_content.expect("an answer is structured");
    let same: Value = serde_json::from_str(&text).expect("the text is JSON");
    assert_eq!(same, structure, "text and structure say the same");
    Came::Answer(structure)
}

/// The configuration of `flags` against the API at `base_url`, with a key.
#[expect(clippy::needless_pass_by_value, reason = "flags are made at the call")]
pub(crate) fn config(flags: Flags, base_url: &str) -> Config {
    Config::read(&flags, &Environment::default())
        .expect("valid flags")
        .against_sandbox(base_url, "sk-test-0123456789")
}

/// A sandbox whose stored status does not lag, so that tests need no pauses.
pub(crate) async fn sandbox() -> Sandbox {
    let listen = "127.0.0.1:0".parse().expect("an address");
    Sandbox::start(listen, Options::default())
        .await
        .expect("the sandbox starts")
}

/// A plain HTTP client, for what the server under test does not do itself.
pub(crate) fn http() -> reqwest::Client {
    // Whoever comes first installs it; all install the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

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

/// `session` with some top-level fields replaced.
pub(crate) fn with(mut session: Value, fields: Value) -> Value {
    let (Value::Object(session_fields), Value::Object(fields)) = (&mut session, fields) else {
        panic!("objects")
    };
    session_fields.extend(fields);
    session
}

/// An API of canned answers.
pub(crate) struct Api(pub(crate) MockServer);

impl Api {
    pub(crate) async fn new() -> Self {
        Self(MockServer::start().await)
    }

    /// Answers `method path` with `body`; answers given earlier come first while they last.
    pub(crate) async fn answers(&self, method: &str, path: &str, status: u16, body: Value) {
        Self::mock(method, path, status, body).mount(&self.0).await;
    }

    /// The same, but only once.
    pub(crate) async fn answers_once(&self, method: &str, path: &str, status: u16, body: Value) {
        Self::mock(method, path, status, body)
            .up_to_n_times(1)
            .mount(&self.0)
            .await;
    }

    fn mock(method: &str, path: &str, status: u16, body: Value) -> Mock {
        Mock::given(matchers::method(method))
            .and(matchers::path(path))
            .respond_with(
                ResponseTemplate::new(status)
                    .insert_header("request-id", "req_1")
                    .set_body_json(body),
            )
    }

    /// What was asked: `METHOD /path`, in order.
    pub(crate) async fn asked(&self) -> Vec<String> {
        let requests = self
            .0
            .received_requests()
            .await
            .expect("requests are recorded");
        requests
            .iter()
            .map(|each| format!("{} {}", each.method, each.url.path()))
            .collect()
    }

    /// What was asked beside reading.
    pub(crate) async fn writes(&self) -> Vec<String> {
        let asked = self.asked().await;
        asked
            .into_iter()
            .filter(|each| !each.starts_with("GET "))
            .collect()
    }

    /// The body of the newest request that had one.
    pub(crate) async fn body(&self) -> Value {
        let requests = self
            .0
            .received_requests()
            .await
            .expect("requests are recorded");
        let with_body = requests.iter().rev().find(|each| !each.body.is_empty());
        serde_json::from_slice(&with_body.expect("a body was sent").body).expect("it is JSON")
    }
}

/// An API error in the API's envelope.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_body"})
}

/// Runs `what` for at most ten seconds, so that a hang is a failure and not a stuck suite.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what)
        .await
        .expect("it takes no ten seconds")
}
