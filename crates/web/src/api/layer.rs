//! What is true of every request: an id, a time limit, a log line, numbers, headers, and a problem instead of a panic.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::path;
use super::problem::{self, Code, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_LENGTH_MAX: usize = 64;

/// Numbers the requests of this process.
#[derive(Debug, Clone)]
pub(crate) struct RequestIds(Arc<(u64, AtomicU64)>);

impl RequestIds {
    /// Ids that differ from those of a process with another seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Arc::new((seed, AtomicU64::new(1))))
    }

    fn next(&self) -> String {
        let (seed, number) = &*self.0;
        format!("{seed:016x}-{}", number.fetch_add(1, Ordering::Relaxed))
    }
}

/// The outermost layer: gives the request an id, writes down how it ended, and completes problems.
pub(crate) async fn observe(State(ids): State<RequestIds>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request.headers().get(REQUEST_ID).and_then(sane).unwrap_or_else(|| ids.next());
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or("unmatched".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request.id = %id);
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = problem::complete(response, &id);
    let (status, latency) = (response.status(), began.elapsed());
    span.in_scope(|| {
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            request.id = %id, http.method = %method, http.route = %route, http.status = status.as_u16(),
            http.latency_ms = latency_ms, "{method} {route} {}", status.as_u16()
        );
    });
    let class = format!("{}xx", status.as_u16() / 100);
    let labels = [("method", label(&method)), ("route", route), ("status", class)];
    metrics::counter!("perennial_http_requests_total", &labels).increment(1);
    metrics::histogram!("perennial_http_request_seconds", &labels).record(latency.as_secs_f64());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A method that nobody has defined must not become a new time series.
fn label(method: &axum::http::Method) -> String {
    let is_known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&method.as_str());
    if is_known { method.as_str() } else { "other" }.to_owned()
}

/// An id from outside goes into logs, so it is short and plain.
fn sane(id: &HeaderValue) -> Option<String> {
    let id = id.to_str().ok()?;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    ((1..=REQUEST_ID_LENGTH_MAX).contains(&id.len()) && is_plain).then(|| id.to_owned())
}

/// Answers in time. Moving the test clock is exempt: it does all the work of the time in between.
pub(crate) async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if request.uri().path() == path::CLOCK_ADVANCE {
        return next.run(request).await;
    }
    let in_time = tokio::time::timeout(limit, next.run(request)).await;
    in_time.unwrap_or_else(|_| {
        let detail = "this took too long; whether it was done is not known, so repeat it with the same Idempotency-Key";
        Problem::new(Code::Timeout, detail).into_response()
    })
}

/// No page may do anything but show itself with our style sheet.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers that keep browsers from guessing, storing and embedding.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with(path::V1);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A panic is a bug: the caller learns nothing but that.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message");
    tracing::error!("a request panicked: {text}");
    Problem::internal().into_response()
}
