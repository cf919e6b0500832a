//! The API: one file for each group of endpoints, and what they share.
//!
//! A request passes, from outside to inside: [`layer::observe`] (id, log, numbers, problems), security headers, panics,
//! the time limit, the size limit, and below `/v1` [`caller::authenticate`].

#![expect(unused_qualifications, reason = "utoipa's macros qualify what they name")]

mod accounts;
mod activation_codes;
mod assignments;
mod body;
mod bulk;
mod caller;
mod catalog;
mod checkout;
mod clock;
mod document;
mod events;
mod export;
mod failbacks;
mod fault;
mod grants;
mod html;
mod idempotency;
mod installations;
mod layer;
mod license_files;
mod licenses;
mod list;
mod operations;
mod orders;
mod origin;
mod page;
mod path;
mod payments;
mod problem;
mod query;
mod renewals;
mod resources;
mod unapplied;
mod units;
mod validate;
mod wallet;
mod webhooks;
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
    public_url: Option<Arc<str>>,
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
        .merge(payments::routes())
        .merge(unapplied::routes())
        .merge(catalog::routes())
        .merge(orders::routes())
        .merge(resources::routes())
        .merge(renewals::routes())
        .merge(licenses::routes())
        .merge(units::routes())
        .merge(grants::routes())
        .merge(assignments::routes())
        .merge(failbacks::routes())
        .merge(validate::routes())
        .merge(installations::routes())
        .merge(license_files::routes())
        .merge(activation_codes::routes())
        .merge(events::routes())
}

/// What needs no key.
fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(license_files::public()).merge(webhooks::public()).merge(operations::routes())
}

pub(crate) fn router(engine: Engine, options: Options) -> Router {
    let Options { metrics, request_timeout, body_limit, public_url } = options;
    let mut document = openapi();
    document.servers = public_url.as_ref().map(|url| vec![Server::new(url)]);
    let pages = Arc::new(Pages::of(&document));
    let app = App { engine: engine.clone(), metrics, pages, public_url: public_url.map(Into::into) };
    let (v1, _) = v1().split_for_parts();
    let (public, _) = public().split_for_parts();
    let ids = layer::RequestIds::seeded(engine::id_seed());
    v1.route_layer(from_fn_with_state(engine, caller::authenticate))
        .merge(public)
        .merge(operations::pages())
        .merge(checkout::pages())
        .fallback(|| async { Problem::new(Code::NotFound, "there is nothing at this URL; see /docs") })
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(from_fn_with_state(request_timeout, layer::limit_time))
        .layer(CatchPanicLayer::custom(layer::panicked))
        .layer(from_fn(layer::secure))
        .layer(from_fn_with_state(ids, layer::observe))
        .with_state(app)
}

pub(crate) fn openapi() -> OpenApi {
    let routes = OpenApiRouter::with_openapi(document::blank()).merge(v1()).merge(public());
    document::complete(routes.into_openapi())
}

pub(crate) fn problem_codes() -> impl Iterator<Item = (&'static str, u16)> {
    Code::ALL.into_iter().map(|code| (code.name(), code.status().as_u16()))
}
