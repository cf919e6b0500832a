//! What whoever runs the site needs: health, numbers, and the reference of the API.

use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use engine::{Engine, Error};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::html::STYLE;
use super::problem::Problem;
use super::{App, path};

const TAG: &str = "Operations";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
        .routes(routes!(openapi))
}

/// The pages of the reference, which are no part of it.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route(path::DOCS, get(docs))
        .route(path::DOCS_ERRORS, get(docs_errors))
        .route(path::DOCS_STYLE, get(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)))
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
struct Status {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives
///
/// Without a key. Looks at nothing else: a database that is down is no reason to restart the process.
#[utoipa::path(
    get, path = path::HEALTH, tag = TAG,
    responses((status = 200, description = "It lives.", body = Status)),
)]
async fn health() -> Json<Status> {
    Json(Status { status: "ok" })
}

/// Whether the process can do its work
///
/// Without a key. Writes something small to the database, so a full disk is seen as well.
#[utoipa::path(
    get, path = path::READY, tag = TAG,
    responses(
        (status = 200, description = "It can.", body = Status),
        (status = 503, description = "`database_unavailable`, `disk_full`"),
    ),
)]
async fn ready(State(engine): State<Engine>) -> Result<Json<Status>, Problem> {
    engine.store().probe().await.map_err(Error::from)?;
    Ok(Json(Status { status: "ok" }))
}

const PROMETHEUS: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");

/// Numbers for Prometheus
///
/// Without a key.
#[utoipa::path(
    get, path = path::METRICS, tag = TAG,
    responses(
        (status = 200, description = "The numbers.", body = String, content_type = "text/plain"),
        (status = 404, description = "`not_found`: numbers are not collected."),
    ),
)]
async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let handle = app.metrics.ok_or_else(Problem::not_found)?;
    Ok(([PROMETHEUS], handle.render()).into_response())
}

/// This document
///
/// Without a key.
#[utoipa::path(
    get, path = path::OPENAPI, tag = TAG,
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
async fn openapi(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.pages.openapi.clone()).into_response()
}

async fn docs(State(app): State<App>) -> Html<String> {
    Html(app.pages.reference.clone())
}

async fn docs_errors(State(app): State<App>) -> Html<String> {
    Html(app.pages.errors.clone())
}
