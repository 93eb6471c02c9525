//! The real program over TLS: which certificates it trusts, which version of HTTP it speaks.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hyper::{Request, Response, Version, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    },
};

use crate::{
    program::{Program, text},
    support::session,
};

/// A service with a self-signed certificate for `localhost`.
struct Service {
    address: SocketAddr,
    certificate: String,
    /// The HTTP version of each request.
    versions: Arc<Mutex<Vec<Version>>>,
}

impl Service {
    async fn start(protocols: &[&str]) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
        let made = made.expect("a certificate");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key.into())
            .expect("a pair");
        tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let service = Self {
            address: listener.local_addr().expect("an address"),
            certificate: made.cert.pem(),
            versions: Arc::default(),
        };
        let versions = Arc::clone(&service.versions);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, versions) = (acceptor.clone(), Arc::clone(&versions));
                tokio::spawn(async move {
                    // A client that does not trust the certificate hangs up.
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let answer = service_fn(|request: Request<Incoming>| {
                        versions.lock().expect("no panic").push(request.version());
                        let body = session("sesn_1", "idle").to_string();
                        let answer = Response::builder().header("content-type", "application/json");
                        async move { answer.body(body) }
                    });
                    let http = auto::Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        service
    }

    /// Whether `get_session` of a program with this trust store fails, and its text.
    fn called_by_a_program_that_trusts(&self, certificates: &str) -> (bool, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("certificates.pem");
        std::fs::write(&store, certificates).expect("writable");
        let url = format!("https://localhost:{}", self.address.port());
        let environment = [
            ("ANTHROPIC_BASE_URL", url.as_str()),
            ("ANTHROPIC_API_KEY", "sk-ant-test"),
            ("SSL_CERT_FILE", store.to_str().expect("a plain path")),
        ];
        let mut program = Program::start(&[], &environment).opened();
        program.call("1", "get_session", &json!({"session_id": "sesn_1"}));
        let answer = program.answer();
        assert!(program.close().1.success());
        (answer["result"]["isError"] == true, text(&answer).to_owned())
    }
}

#[cfg(target_os = "linux")] // elsewhere the trust store is not a file
#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_used_if_the_service_offers_it_else_http_1() {
    for (protocols, expected) in
        [(&["h2", "http/1.1"][..], Version::HTTP_2), (&["http/1.1"][..], Version::HTTP_11)]
    {
        let service = Service::start(protocols).await;
        let (failed, text) = service.called_by_a_program_that_trusts(&service.certificate);
        assert!(!failed, "{text}");
        let versions = service.versions.lock().expect("no panic").clone();
        assert!(!versions.is_empty());
        assert!(versions.iter().all(|version| *version == expected), "{versions:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_service_with_an_untrusted_certificate() {
    let (service, other) = (Service::start(&["h2"]).await, Service::start(&["h2"]).await);
    let (failed, text) = service.called_by_a_program_that_trusts(&other.certificate);
    assert!(failed && text.starts_with("api_unreachable: "), "{text}");
    assert!(text.contains("certificate"), "it says why: {text}");
    assert!(service.versions.lock().expect("no panic").is_empty());
}
