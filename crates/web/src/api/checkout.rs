//! Where an order is paid (B-3). Whoever has its address may pay, so it needs no key and shows nothing confidential.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use domain::id::OrderId;
use domain::order::{Order, OrderState};
use domain::settlement::PaymentRefusal;
use domain::time::Instant;
use engine::{Engine, Error, Refusal};
use serde::Deserialize;

use super::html::{escape, page};
use super::origin::Origin;
use super::problem::Problem;
use super::query::{Params, Place};
use super::{App, path};

pub(crate) fn pages() -> Router<App> {
    Router::new().route(path::CHECKOUT, get(show)).route(path::CHECKOUT_RETURN, get(come_back))
}

/// What the page says is of this moment.
const NOT_KEPT: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// How to pay, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    Card,
    Transfer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    by: Option<Way>,
}

async fn show(
    State(engine): State<Engine>,
    origin: Origin,
    place: Result<Place<OrderId>, Problem>,
    Params(choice): Params<Choice>,
) -> Result<Response, Problem> {
    let Ok(Place(id)) = place else { return Ok(answer(StatusCode::NOT_FOUND, &nothing_to_pay())) };
    let (order, closes_at) = match engine.open_order(id).await {
        Ok(open) => open,
        Err(Error::NotFound) => return Ok(answer(StatusCode::NOT_FOUND, &nothing_to_pay())),
        Err(error) => return Err(error.into()),
    };
    let way = match (choice.by, engine.ways_to_pay()) {
        (Some(way), _) => way,
        (None, (true, true)) => return Ok(answer(StatusCode::OK, &ways(&engine, &order, closes_at))),
        (None, (false, true)) => Way::Transfer,
        (None, (_, false)) => Way::Card,
    };
    match engine.open_checkout(id, way == Way::Transfer, origin.site()).await {
        Ok(payments::Place::Page(url)) => Ok(sent_to(&url)),
        Ok(payments::Place::Transfer { reference, instructions }) => {
            Ok(answer(StatusCode::OK, &transfer(&order, &reference, &instructions)))
        }
        Ok(payments::Place::QrCode(_)) | Err(Error::Refused(Refusal::NoPlatform | Refusal::PlatformUnavailable(_))) => {
            Ok(answer(StatusCode::SERVICE_UNAVAILABLE, &not_possible(&engine, &order, closes_at)))
        }
        Err(Error::Refused(Refusal::Payment(PaymentRefusal::AlreadyPaid | PaymentRefusal::Closed))) => {
            Ok(answer(StatusCode::NOT_FOUND, &nothing_to_pay()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The buyer's browser came back. That says nothing: the platform is asked (B-3).
async fn come_back(State(engine): State<Engine>, place: Result<Place<OrderId>, Problem>) -> Result<Response, Problem> {
    let Ok(Place(id)) = place else { return Ok(answer(StatusCode::NOT_FOUND, &nothing_to_pay())) };
    match engine.look_at_order(id).await {
        Ok(order) => Ok(answer(StatusCode::OK, &standing(&order))),
        Err(Error::NotFound) => Ok(answer(StatusCode::NOT_FOUND, &nothing_to_pay())),
        Err(error) => Err(error.into()),
    }
}

fn sent_to(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(url) => (StatusCode::SEE_OTHER, NOT_KEPT, [(header::LOCATION, url)]).into_response(),
        Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, &nothing_to_pay()),
    }
}

fn answer(status: StatusCode, page: &str) -> Response {
    (status, NOT_KEPT, Html(page.to_owned())).into_response()
}

fn amount_of(order: &Order) -> String {
    escape(&order.currency.format(order.amount))
}

fn until(engine: &Engine, closes_at: Instant) -> String {
    let zone = engine.zone();
    format!("{} ({})", zone.show(closes_at), escape(zone.name()))
}

fn ways(engine: &Engine, order: &Order, closes_at: Instant) -> String {
    let title = "How do you want to pay?";
    let (amount, until, here) = (amount_of(order), until(engine, closes_at), path::checkout(order.id));
    let body = format!(
        "<h1>{title}</h1>\n\
         <p>The order of <strong>{amount}</strong> is open until <strong>{until}</strong>.</p>\n\
         <ul>\n<li><a href=\"{here}?by=card\">By card, on the page of the payment platform</a></li>\n\
         <li><a href=\"{here}?by=transfer\">By bank transfer; the order then waits for it for 14 days</a></li>\n</ul>\n"
    );
    page(title, &body)
}

fn transfer(order: &Order, reference: &str, instructions: &str) -> String {
    let title = "Pay by bank transfer";
    let (amount, reference, instructions) = (amount_of(order), escape(reference), escape(instructions));
    let body = format!(
        "<h1>{title}</h1>\n\
         <p>Transfer <strong>{amount}</strong> with the purpose <strong>{reference}</strong>, and nothing else in it:</p>\n\
         <pre>{instructions}</pre>\n\
         <p>Once the money has arrived and the vendor has confirmed it, what you ordered takes effect.</p>\n"
    );
    page(title, &body)
}

fn not_possible(engine: &Engine, order: &Order, closes_at: Instant) -> String {
    let (amount, until) = (amount_of(order), until(engine, closes_at));
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

fn standing(order: &Order) -> String {
    let amount = amount_of(order);
    let (pay, check) = (path::checkout(order.id), path::CHECKOUT_RETURN.replace("{id}", &order.id.to_string()));
    let (title, words) = match order.state {
        OrderState::Completed => (
            "Paid",
            format!("<p>The payment of <strong>{amount}</strong> has arrived. What you ordered is active.</p>\n"),
        ),
        OrderState::PendingPayment => (
            "Not paid yet",
            format!(
                "<p>The payment platform has not confirmed the <strong>{amount}</strong> yet. If you have paid, that takes \
                 moments.</p>\n<ul>\n<li><a href=\"{check}\">Check now</a></li>\n<li><a href=\"{pay}\">Pay</a></li>\n</ul>\n"
            ),
        ),
        OrderState::Closed | OrderState::Unpaid | OrderState::Revoked => (
            "This order has closed",
            "<p>It was not paid in time. If you have paid all the same, nothing is lost: the money goes to what you ordered, \
             or to your balance.</p>\n"
                .to_owned(),
        ),
    };
    page(title, &format!("<h1>{title}</h1>\n{words}<p>You can close this window.</p>\n"))
}
