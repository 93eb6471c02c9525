//! The client: its set-up, and the one way an authenticated request takes.

use std::{fmt, sync::Arc};

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::api::{
    attempt,
    attempt::{SendError, SendOptions, after},
    auth::{Authenticator, describe::Description},
    body::{Parse, ReadBody},
    error::ApiError,
    request::Request,
    response::ApiResponse,
    settings::{BaseUrl, RequestOptions, Settings},
    transport::Transport,
};

/// A client of one Sessions API. Cheap to clone: clones share connections and credentials.
/// Dropping a call drops its HTTP request.
#[derive(Clone)]
pub struct Client {
    settings: Arc<Settings>,
    transport: Arc<Transport>,
    auth: Arc<Authenticator>,
    options: RequestOptions,
}

impl Client {
    /// Does no I/O and sets up no TLS yet.
    pub fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let transport = Arc::new(Transport::new(settings.connect_timeout));
        let auth = Authenticator::new(Arc::clone(&settings), Arc::clone(&transport));
        Self { settings, transport, auth: Arc::new(auth), options: RequestOptions::default() }
    }

    /// Prepares in the background what the first call would wait for: credential, HTTP client and
    /// trust store. Does nothing outside of a tokio runtime; leaves errors to the first call.
    pub fn warm_up(&self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let client = self.clone();
        runtime.spawn(async move {
            let ready = async {
                let base = client.auth.base().await?;
                client.transport.client(&base.url).await?;
                client.auth.request_auth(None).await
            };
            if let Err(error) = ready.await {
                tracing::debug!(%error, "the client could not be warmed up");
            }
        });
    }

    /// The same client with other options.
    #[must_use]
    pub fn with_options(&self, options: RequestOptions) -> Self {
        Self { options, ..self.clone() }
    }

    /// The same client with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        self.with_options(RequestOptions { deadline: Some(deadline), ..self.options.clone() })
    }

    /// The options of its requests.
    pub fn options(&self) -> &RequestOptions {
        &self.options
    }

    /// The host of the base URL, without port; `None` if the base URL is unusable. May read the
    /// profile, never the network.
    pub async fn host(&self) -> Option<String> {
        let base = self.base_url().await.ok()?;
        base.url.host_str().map(str::to_owned)
    }

    /// Where requests go, and where that was set. May read the profile, never the network.
    ///
    /// # Errors
    /// If the base URL, or the profile that may name one, is unusable.
    pub async fn base_url(&self) -> Result<BaseUrl, ApiError> {
        self.auth.base().await
    }

    /// Whether requests go to `api.anthropic.com`, whose sessions have a page in the Console.
    pub async fn is_official(&self) -> bool {
        self.host().await.as_deref() == Some("api.anthropic.com")
    }

    /// The effective set-up, from settings and disk; makes no request and refreshes no token.
    pub async fn describe(&self) -> Description {
        self.auth.describe().await
    }

    /// Sends `request` and retries it. After a 401 a renewable credential is renewed once and the
    /// request sent again once: an unauthorized request was not carried out.
    pub(crate) async fn send<T: Send>(
        &self,
        request: &Request<'_>,
        parse: Parse<T>,
    ) -> Result<ApiResponse<T>, SendError> {
        self.send_and_read(request, &parse).await
    }

    /// The same, with another way to read the body of a success.
    pub(crate) async fn send_and_read<T>(
        &self,
        request: &Request<'_>,
        body: &impl ReadBody<T>,
    ) -> Result<ApiResponse<T>, SendError> {
        let mut earlier = None;
        let sent = self.send_authenticated(request, body, &mut earlier).await;
        sent.map_err(|error| SendError { error, earlier })
    }

    async fn send_authenticated<T>(
        &self,
        request: &Request<'_>,
        body: &impl ReadBody<T>,
        earlier: &mut Option<ApiError>,
    ) -> Result<ApiResponse<T>, ApiError> {
        let deadline = self.options.deadline;
        let deadline = deadline.unwrap_or_else(|| after(self.settings.timeout));
        let options = SendOptions {
            policy: self.settings.retry,
            attempt_timeout: self.settings.request_timeout,
            deadline,
            caller: &self.options,
        };
        let mut auth = within(deadline, self.auth.request_auth(None)).await?;
        let mut is_renewed = false;
        loop {
            // Again after a renewal: the profile may name another base URL by now.
            let http = within(deadline, self.transport.client(&auth.base.url)).await?;
            let prepared =
                request.prepare(&auth.base.url, auth.headers.clone(), auth.secret.clone());
            let error = match attempt::send(http, &prepared, &options, body, earlier).await {
                Ok(response) => return Ok(response),
                Err(error) => error.at(prepared.place(&auth.base)),
            };
            if error.http_status() != Some(401) || !auth.is_renewable || is_renewed {
                return Err(error);
            }
            is_renewed = true;
            let rejected = Some(Arc::clone(&auth));
            let renewed = within(deadline, self.auth.request_auth(rejected)).await?;
            if renewed.secret == auth.secret {
                return Err(error);
            }
            auth = renewed;
        }
    }
}

async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let done = timeout_at(deadline, work).await;
    done.unwrap_or_else(|_| Err(ApiError::timed_out()))
}

/// Settings only: the credential is secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.settings)
            .field("deadline", &self.options.deadline)
            .finish_non_exhaustive()
    }
}
