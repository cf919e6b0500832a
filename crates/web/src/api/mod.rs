//! The API: one file for each group of endpoints, and what they share.
//!
//! A request passes, from outside to inside: [`layer::observe`] (id, log, numbers, problems), security headers, panics,
//! the time limit, the size limit, and below `/v1` [`caller::authenticate`].

#![expect(unused_qualifications, reason = "utoipa's macros qualify what they name")]

mod accounts;
mod body;
mod bulk;
mod caller;
mod catalog;
mod clock;
mod document;
mod events;
mod fault;
mod idempotency;
mod layer;
mod list;
mod operations;
mod orders;
mod page;
mod path;
mod problem;
mod query;
mod renewals;
mod resources;
mod wallet;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use engine::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::{OpenApi, Server};
use utoipa_axum::router::OpenApiRouter;

use crate::Options;
use page::Pages;
use problem::{Code, Problem};

/// What handlers may use.
#[derive(Debug, Clone)]
pub(crate) struct App {
    engine: Engine,
    metrics: Option<PrometheusHandle>,
    pages: Arc<Pages>,
}

impl FromRef<App> for Engine {
    fn from_ref(app: &App) -> Self {
        app.engine.clone()
    }
}

/// Everything below `/v1`: needs a key.
fn v1() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(clock::routes())
        .merge(accounts::routes())
        .merge(wallet::routes())
        .merge(catalog::routes())
        .merge(orders::routes())
        .merge(resources::routes())
        .merge(renewals::routes())
        .merge(events::routes())
}

pub(crate) fn router(engine: Engine, options: Options) -> Router {
    let Options { metrics, request_timeout, body_limit, public_url } = options;
    let mut document = openapi();
    document.servers = public_url.map(|url| vec![Server::new(url)]);
    let app = App { engine: engine.clone(), metrics, pages: Arc::new(Pages::of(&document)) };
    let (v1, _) = v1().split_for_parts();
    let (operations, _) = operations::routes().split_for_parts();
    let ids = layer::RequestIds::seeded(engine::id_seed());
    v1.route_layer(from_fn_with_state(engine, caller::authenticate))
        .merge(operations)
        .merge(operations::pages())
        .fallback(|| async { Problem::new(Code::NotFound, "there is nothing at this URL; see /docs") })
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(from_fn_with_state(request_timeout, layer::limit_time))
        .layer(CatchPanicLayer::custom(layer::panicked))
        .layer(from_fn(layer::secure))
        .layer(from_fn_with_state(ids, layer::observe))
        .with_state(app)
}

pub(crate) fn openapi() -> OpenApi {
    let routes = OpenApiRouter::with_openapi(document::blank()).merge(v1()).merge(operations::routes());
    document::complete(routes.into_openapi())
}

pub(crate) fn problem_codes() -> impl Iterator<Item = (&'static str, u16)> {
    Code::ALL.into_iter().map(|code| (code.name(), code.status().as_u16()))
}
