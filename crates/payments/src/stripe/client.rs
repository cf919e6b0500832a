//! One call to the Stripe API: what is sent, and how it ended.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::form::Form;
use super::wire::{ApiError, ErrorBody};
use super::{InvalidStripe, StripeOptions, clean};
use crate::port::Failure;

const API_BASE: &str = "https://api.stripe.com";
/// The version whose objects `wire` reads. An account's own default would change them under our feet.
const VERSION: &str = "2026-05-27.dahlia";
/// A list of a hundred objects is far below.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Connecting is quick or it fails, and then it is certain that nothing was sent.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);

/// Speaks to one address with one key.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    authorization: HeaderValue,
}

/// How a call failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The platform said no, in its words.
    Said(ApiError),
    /// Anything else.
    Failed(Failure),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Said(error) => error.into_failure(),
            Trouble::Failed(failure) => failure,
        }
    }
}

impl Client {
    pub(super) fn new(options: &StripeOptions) -> Result<Self, InvalidStripe> {
        let authorization = authorization(&options.secret_key)?;
        let base = Url::parse(options.api_base.as_deref().unwrap_or(API_BASE)).map_err(|_| InvalidStripe::Base)?;
        check(&base)?;
        let http = http(&base, options.timeout).map_err(InvalidStripe::Client)?;
        Ok(Self { http, base: base.as_str().trim_end_matches('/').to_owned(), authorization })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: Form) -> Result<T, Trouble> {
        let query = query.into_text();
        let mark = if query.is_empty() { "" } else { "?" };
        self.send(path, self.http.get(format!("{}{path}{mark}{query}", self.base))).await
    }

    /// Posts a form. With a key the platform does it once, however often it is sent (for 24 hours).
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
        key: Option<&str>,
    ) -> Result<T, Trouble> {
        let mut request = self.http.post(format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header(HeaderName::from_static("idempotency-key"), key);
        }
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.into_text());
        self.send(path, request).await
    }

    async fn send<T: DeserializeOwned>(&self, path: &str, request: RequestBuilder) -> Result<T, Trouble> {
        let request = request
            .header(AUTHORIZATION, self.authorization.clone())
            .header(HeaderName::from_static("stripe-version"), VERSION);
        let response = request.send().await.map_err(|error| Trouble::Failed(failure_of(&error)))?;
        let status = response.status().as_u16();
        let body = body(response).await.map_err(Trouble::Failed)?;
        if (200..300).contains(&status) {
            // What the reader says would quote the body, so only the place is told.
            let unread = |error: serde_json::Error| {
                let place = format!("line {}, column {}", error.line(), error.column());
                Trouble::Failed(Failure::Unknown(format!("the answer to {path} cannot be read at {place}")))
            };
            return serde_json::from_slice(&body).map_err(unread);
        }
        let said = serde_json::from_slice::<ErrorBody>(&body).ok().map(|body| body.error);
        Err(trouble_of(path, status, said))
    }
}

/// What an answer that is not a success means.
fn trouble_of(path: &str, status: u16, said: Option<ApiError>) -> Trouble {
    let code = said.as_ref().and_then(|error| error.code.as_deref());
    match (status, code) {
        // Too many calls, or another call holds the object: this one was turned away at the door.
        (429, _) | (409, Some("lock_timeout")) => {
            Trouble::Failed(Failure::NotSent(format!("it is busy: {path} answered {status}")))
        }
        // The same call is being done at this moment, by whoever sent it first. This one did nothing; what the first did
        // is told to the first, and to everybody who repeats it later with the same key.
        (409, Some("idempotency_key_in_use")) => {
            Trouble::Failed(Failure::NotSent(format!("the same call is under way: {path} answered {status}")))
        }
        (401 | 403, _) => Trouble::Said(said.unwrap_or_default().at(status)),
        (400..=499, _) => match said {
            // The key was used before, for a call that differs: nobody knows here what that one did.
            Some(error) if error.is_about_key() => Trouble::Failed(Failure::Unknown(format!(
                "{path} was called before with the same idempotency key and other parameters"
            ))),
            Some(error) => Trouble::Said(error.at(status)),
            None => Trouble::Failed(Failure::Unknown(format!("{path} answered {status} without a reason"))),
        },
        _ => Trouble::Failed(Failure::Unknown(format!("{path} answered {status}"))),
    }
}

fn failure_of(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        return Failure::NotSent(clean(&format!("no connection: {}", root_of(error))));
    }
    if error.is_builder() {
        return Failure::Refused { code: "invalid_request".to_owned(), message: clean(&root_of(error)) };
    }
    if error.is_timeout() {
        return Failure::Unknown("no answer in time".to_owned());
    }
    Failure::Unknown(clean(&format!("the connection broke: {}", root_of(error))))
}

/// The innermost reason: the outer ones only repeat the address.
fn root_of(error: &reqwest::Error) -> String {
    let Some(mut inner) = error.source() else { return "unknown reason".to_owned() };
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

async fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Failure::Unknown("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn authorization(key: &SecretString) -> Result<HeaderValue, InvalidStripe> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| InvalidStripe::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

fn check(base: &Url) -> Result<(), InvalidStripe> {
    let is_plain = base.query().is_none() && base.fragment().is_none();
    let is_anonymous = base.username().is_empty() && base.password().is_none();
    if !is_plain || !is_anonymous || base.host_str().is_none() {
        return Err(InvalidStripe::Base);
    }
    match base.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(base) => Ok(()),
        "http" => Err(InvalidStripe::PlainHttp),
        _ => Err(InvalidStripe::Base),
    }
}

fn is_loopback(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn http(base: &Url, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // The first provider of a process stays; whoever installed one before chose it, and any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let is_https = base.scheme() == "https";
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Perennial/", env!("CARGO_PKG_VERSION")))
        // An answer never comes from elsewhere, and the key goes nowhere else.
        .redirect(redirect::Policy::none())
        .referer(false)
        .https_only(is_https)
        .timeout(timeout)
        .connect_timeout(timeout.min(CONNECT_TIMEOUT_MAX))
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_keepalive(Duration::from_secs(30));
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if !is_https {
        // Reading the machine's certificates takes a while, and nothing would look at them.
        builder = builder.tls_backend_preconfigured(trusting_nobody());
    }
    builder.build()
}

fn trusting_nobody() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the usual versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
