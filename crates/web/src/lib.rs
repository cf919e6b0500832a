//! The HTTP surface: the API under `/v1`, its reference, and what operations needs.
//!
//! A handler is parse, one use case, render. What is true of every request (who asks, what a refusal looks like, how long
//! it may take, what is logged) is decided once, in [`router`].

mod api;

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

/// What the router is built with besides the engine.
#[derive(Clone)]
pub struct Options {
    /// Renders `GET /metrics`; without it that page is not found.
    pub metrics: Option<PrometheusHandle>,
    /// A request that takes longer is answered with 503. Moving the test clock is exempt: it does all the work of the time
    /// in between.
    pub request_timeout: Duration,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The address under which people and programs reach us: named in the OpenAPI document, and the start of addresses
    /// that are handed out. Without it that of the request.
    pub public_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { metrics: None, request_timeout: Duration::from_secs(30), body_limit: 1024 * 1024, public_url: None }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Options");
        debug.field("request_timeout", &self.request_timeout).field("body_limit", &self.body_limit);
        debug.finish_non_exhaustive()
    }
}

/// The whole HTTP surface over an engine.
pub fn router(engine: engine::Engine, options: Options) -> axum::Router {
    api::router(engine, options)
}

/// The OpenAPI 3.1 document of the API, generated from the handlers.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    api::openapi()
}

/// Every code that an answer can carry besides those of the engine's refusals, with its status.
pub fn problem_codes() -> impl Iterator<Item = (&'static str, u16)> {
    api::problem_codes()
}
