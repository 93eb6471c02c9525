//! A whole tool call in this process, compared with the HTTP request it makes: a real MCP client
//! and the server, connected by a pipe, and behind them an API on this machine that answers at
//! once.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, http::header, routing::get, serve::ListenerExt as _};
use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use managed_sessions_mcp::{
    cli::{Flags, commands::server},
    config::Config,
    environment::Environment,
};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, JsonObject},
    service::RunningService,
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::session;

pub(crate) fn all(criterion: &mut Criterion) {
    let api = loopback_api();
    // Like the program's.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bench = Bench::of(api, &runtime);
    let mut group = criterion.benchmark_group("get_session");
    let one = json!({"session_id": "sesn_000"});
    bench.compare(&mut group, "v1/sessions/sesn_000", "get_session", one);
    group.finish();
    let mut group = criterion.benchmark_group("list_sessions of 100 KB each");
    group.sample_size(20);
    let page = json!({"limit": 100});
    bench.compare(&mut group, "v1/sessions?limit=100", "list_sessions", page);
    group.finish();
}

/// An API on a thread of its own, so that it is not measured.
fn loopback_api() -> SocketAddr {
    let (told, address) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let json = |body: &Bytes| ([(header::CONTENT_TYPE, "application/json")], body.clone());
            let one = Bytes::from(session::session(0, 2_500).to_string());
            let page = Bytes::from(session::page());
            let routes = Router::new()
                .route("/v1/sessions/{id}", get(async move || json(&one)))
                .route("/v1/sessions", get(async move || json(&page)));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            told.send(listener.local_addr().expect("an address")).expect("the receiver waits");
            let at_once = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            axum::serve(at_once, routes).await
        })
    });
    address.recv().expect("the API starts")
}

struct Bench<'a> {
    api: SocketAddr,
    runtime: &'a Runtime,
    http: reqwest::Client,
    host: RunningService<RoleClient, ()>,
}

impl<'a> Bench<'a> {
    fn of(api: SocketAddr, runtime: &'a Runtime) -> Self {
        // reqwest needs a provider, even without TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .expect("an HTTP client");
        let config = Config::read(&Flags::default(), &Environment::default())
            .expect("no flags")
            .against_sandbox(&format!("http://{api}"), "sk-bench");
        let host = runtime.block_on(async {
            let (here, there) = tokio::io::duplex(1 << 20);
            tokio::spawn(server(config).serve_on(there));
            ().serve(here).await.expect("the handshake succeeds")
        });
        Self { api, runtime, http, host }
    }

    /// Measures the bare request, the call that makes it, and the difference.
    fn compare(
        &self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        route: &str,
        tool: &'static str,
        arguments: Value,
    ) {
        let url = format!("http://{}/{route}", self.api);
        let Value::Object(arguments) = arguments else {
            return;
        };
        group.bench_function("bare HTTP request", |bencher| {
            bencher.to_async(self.runtime).iter(|| self.request(&url));
        });
        group.bench_function("tool call", |bencher| {
            bencher.to_async(self.runtime).iter(|| self.call(tool, &arguments));
        });
        // Alternating, so that a slow moment of the machine affects both; medians, so that it does
        // not dominate.
        group.bench_function("added by the server", |bencher| {
            bencher.to_async(self.runtime).iter_custom(async |count| {
                let (mut bare, mut call) = (Vec::new(), Vec::new());
                for _ in 0..count {
                    let began = Instant::now();
                    self.request(&url).await;
                    let between = Instant::now();
                    self.call(tool, &arguments).await;
                    bare.push(between - began);
                    call.push(between.elapsed());
                }
                let added = median(call).saturating_sub(median(bare));
                // Criterion rejects zero.
                added.max(Duration::from_nanos(1)) * u32::try_from(count).unwrap_or(u32::MAX)
            });
        });
    }

    async fn request(&self, url: &str) -> usize {
        let answer = self.http.get(url).send().await.expect("an answer");
        answer.bytes().await.expect("a body").len()
    }

    async fn call(&self, tool: &'static str, arguments: &JsonObject) {
        let request = CallToolRequestParams::new(tool).with_arguments(arguments.clone());
        let result = self.host.call_tool(request).await.expect("a result");
        assert_ne!(result.is_error, Some(true), "{result:?}");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
