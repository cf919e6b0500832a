//! The page where an order is paid (B-3). Whoever has its address may pay, so it needs no key and shows nothing confidential.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use domain::id::OrderId;
use domain::order::Order;
use domain::time::Instant;
use engine::{Engine, Error};

use super::html::{escape, page};
use super::problem::Problem;
use super::query::Place;
use super::{App, path};

pub(crate) fn pages() -> Router<App> {
    Router::new().route(path::CHECKOUT, get(show))
}

/// What the page says is of this moment.
const NOT_KEPT: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn show(State(engine): State<Engine>, place: Result<Place<OrderId>, Problem>) -> Result<Response, Problem> {
    let open = match place {
        Ok(Place(id)) => engine.open_order(id).await,
        Err(_) => Err(Error::NotFound),
    };
    match open {
        Ok((order, closes_at)) => {
            Ok(answer(StatusCode::SERVICE_UNAVAILABLE, &not_possible(&engine, &order, closes_at)))
        }
        Err(Error::NotFound) => Ok(answer(StatusCode::NOT_FOUND, &nothing_to_pay())),
        Err(error) => Err(error.into()),
    }
}

fn answer(status: StatusCode, page: &str) -> Response {
    (status, NOT_KEPT, Html(page.to_owned())).into_response()
}

fn not_possible(engine: &Engine, order: &Order, closes_at: Instant) -> String {
    let zone = engine.zone();
    let amount = escape(&order.currency.format(order.amount));
    let until = format!("{} ({})", zone.show(closes_at), escape(zone.name()));
    let title = "Payment is not possible at the moment";
    let body = format!(
        "<h1>{title}</h1>\n\
         <p>This site cannot take payments right now. Nothing was charged.</p>\n\
         <p>The order of <strong>{amount}</strong> stays open until <strong>{until}</strong>. Open this page again before \
         then to pay it, or ask the vendor for another way to pay.</p>\n\
         <p>If it is not paid by then, it closes by itself and nothing is owed.</p>\n"
    );
    page(title, &body)
}

fn nothing_to_pay() -> String {
    let title = "There is nothing to pay here";
    let body = format!(
        "<h1>{title}</h1>\n\
         <p>No order waits for a payment at this address: it was paid, it has closed, or the address is not complete. \
         Nothing was charged.</p>\n\
         <p>To buy, make a new order.</p>\n"
    );
    page(title, &body)
}
