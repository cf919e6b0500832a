//! Orders: buying, and the documents of everything that was paid or changed.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::catalog::Code;
use domain::id::{AccountId, LicenseId, OrderId, ResourceId};
use domain::money::{Amount, Currency};
use domain::purchase::Purchase;
use domain::renewal::Length;
use engine::{Caller, Engine};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::OrderFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::caller::{By, account};
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::origin::Origin;
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{OrderKind, OrderState, Term, Timestamp, Trigger, Until, count};
use super::{App, path};

const TAG: &str = "Orders";
const CONFIGURATION_BYTES_MAX: usize = 16 * 1024;
const TERMS_VERSION_LENGTH_MAX: usize = 200;
const REASON_LENGTH_MAX: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, buy)).routes(routes!(show)).routes(routes!(refund))
}

/// An order: an immutable document. Every payment or change makes a new one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Order {
    /// Its id.
    #[schema(value_type = String, example = "ord_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: OrderId,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// What it is for.
    kind: OrderKind,
    /// Where it stands.
    state: OrderState,
    /// Who caused it.
    trigger: Trigger,
    /// The sum of its lines, in minor units.
    #[schema(value_type = i64, example = 6291)]
    amount: Amount,
    /// ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// The resource that it is about.
    #[schema(value_type = Option<String>, required)]
    resource_id: Option<ResourceId>,
    /// The license that it is about.
    #[schema(value_type = Option<String>, required)]
    license_id: Option<LicenseId>,
    /// The product that was sold.
    #[schema(value_type = Option<String>, required)]
    product: Option<Code>,
    /// The plan that was sold.
    #[schema(value_type = Option<String>, required)]
    plan: Option<Code>,
    /// What is paid for, oldest period first, without gaps.
    lines: Vec<Line>,
    /// The start of the first line.
    #[schema(required)]
    start: Option<Timestamp>,
    /// The end of the last line; it is not part of the period (T-1).
    #[schema(required)]
    end: Option<Timestamp>,
    /// When it was made; for late work the instant at which it was due.
    created_at: Timestamp,
    /// When it was paid and done.
    #[schema(required)]
    completed_at: Option<Timestamp>,
    /// The order that took the place of a revoked arrears order (C-3).
    #[schema(value_type = Option<String>, required)]
    superseded_by: Option<OrderId>,
    /// What the customer agreed to when buying (B-2).
    #[schema(required)]
    consent: Option<Consent>,
    /// Where it is paid, without a key; null unless it is `pending_payment` (B-3).
    #[schema(required, example = "https://billing.example.com/checkout/ord_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    checkout_url: Option<String>,
}

/// One position of an order: a period, and how its amount came about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Line {
    /// The line in words.
    #[schema(example = "uhost monthly: 1404120 of 2678400 s of a month at 12000")]
    description: String,
    /// The start of its period.
    start: Timestamp,
    /// The end of its period.
    end: Timestamp,
    /// How many units.
    quantity: u32,
    /// The plan's price for one term and one unit, in minor units.
    #[schema(value_type = i64, example = 12000)]
    price: Amount,
    /// The plan's term.
    term: Term,
    /// How the amount follows from the price.
    basis: Basis,
    /// What it costs, in minor units.
    #[schema(value_type = i64, example = 6291)]
    amount: Amount,
}

/// How an amount came about: price x quantity x terms (P-1), or price / share x quantity x seconds / whole_seconds, rounded
/// half-up once (P-2, P-3).
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Basis {
    /// Full terms.
    Terms {
        /// How many.
        terms: u32,
    },
    /// A part of a term.
    Part {
        /// The seconds of the line's period.
        seconds: u64,
        /// The seconds of the whole: a month, an hour, a year, the term.
        whole_seconds: u64,
        /// A plan of n months, hours or years costs a part as one of price / n.
        share: u32,
    },
}

impl Line {
    pub(crate) fn of(line: &domain::order::Line, product: Code, plan: Code) -> Self {
        let basis = match line.basis {
            domain::order::Basis::Terms(terms) => Basis::Terms { terms },
            domain::order::Basis::Part { seconds, whole_seconds, share } => {
                Basis::Part { seconds, whole_seconds, share }
            }
        };
        Self {
            description: line.describe(product, plan),
            start: line.period.start.into(),
            end: line.period.end.into(),
            quantity: line.quantity,
            price: line.price,
            term: line.term.into(),
            basis,
            amount: line.amount,
        }
    }
}

impl From<domain::order::Order> for Order {
    fn from(order: domain::order::Order) -> Self {
        // Only what was sold has lines.
        let lines = order.sold.iter().flat_map(|sold| {
            let line = |line| Line::of(line, sold.product, sold.plan);
            order.lines.iter().map(line)
        });
        Self {
            id: order.id,
            account_id: order.account_id,
            kind: order.kind.into(),
            state: order.state.into(),
            trigger: order.trigger.into(),
            amount: order.amount,
            currency: order.currency,
            resource_id: order.resource_id,
            license_id: order.license_id,
            product: order.sold.map(|sold| sold.product),
            plan: order.sold.map(|sold| sold.plan),
            lines: lines.collect(),
            start: order.period.map(|period| period.start.into()),
            end: order.period.map(|period| period.end.into()),
            created_at: order.created_at.into(),
            completed_at: order.completed_at.map(Into::into),
            superseded_by: order.superseded_by,
            consent: order.terms_version.map(|terms_version| Consent { terms_version }),
            checkout_url: None,
        }
    }
}

impl Order {
    /// The order, and where it is paid if it waits for that.
    pub(crate) fn payable(order: domain::order::Order, origin: &Origin) -> Self {
        let is_pending = order.state == domain::order::OrderState::PendingPayment;
        let checkout_url = is_pending.then(|| origin.url(&path::checkout(order.id)));
        Self { checkout_url, ..order.into() }
    }
}

/// How an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PayWith {
    Wallet,
    Checkout,
}

/// What the customer agreed to (B-2).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    /// The version of the terms.
    #[schema(min_length = 1, max_length = 200, example = "2019-05")]
    terms_version: String,
}

/// Something to buy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    /// Who buys. An account key may leave it out: it buys for its own account.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// The product.
    #[schema(example = "uhost")]
    product: String,
    /// One of its plans.
    #[schema(example = "monthly")]
    plan: String,
    /// How many units; default 1. A license has at most 10,000 (B-1).
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: Option<i64>,
    /// How many terms of the plan; default 1.
    #[schema(minimum = 1)]
    terms: Option<i64>,
    /// Instead of `terms`, for monthly plans (B-7).
    until: Option<Until>,
    /// What the customer configured: a JSON object of at most 16 KiB, kept as it is. Not for licenses.
    #[schema(value_type = Option<Object>, example = json!({"region": "cn-1", "name": "web 1"}))]
    configuration: Option<Box<RawValue>>,
    /// The switch; default on for resources (B-7), required for a DR license (B-1), never on for a failback license (L-4).
    auto_renew: Option<bool>,
    /// How it is paid.
    pay_with: PayWith,
    /// What the customer agreed to; required for a license (B-2).
    consent: Option<Consent>,
}

impl NewOrder {
    fn parse(self, caller: Caller) -> Result<(AccountId, Purchase), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let product = faults.parse("/product", &self.product);
        let plan = faults.parse("/plan", &self.plan);
        let length = length(&mut faults, "", self.terms, self.until);
        let configuration = configuration(&mut faults, self.configuration.as_deref());
        let consent = self.consent.map(|consent| consent.terms_version);
        let terms_version =
            consent.and_then(|version| faults.text("/consent/terms_version", version, TERMS_VERSION_LENGTH_MAX));
        let quantity = count(self.quantity.unwrap_or(1));
        let auto_renew = self.auto_renew;
        faults.finish(|| {
            let (product, plan, length, configuration) = (product?, plan?, length?, configuration?);
            let account_id = account_id?;
            Some((account_id, Purchase { product, plan, quantity, length, configuration, auto_renew, terms_version }))
        })
    }
}

/// For how long: terms, or to the month's end. `parent` is the pointer of the object that says so.
pub(crate) fn length(faults: &mut Faults, parent: &str, terms: Option<i64>, until: Option<Until>) -> Option<Length> {
    match (terms, until) {
        (Some(_), Some(_)) => {
            faults.add(format!("{parent}/until"), "cannot be combined with terms");
            None
        }
        (None, Some(Until::MonthEnd)) => Some(Length::MonthEnd),
        (terms, None) => Some(Length::Terms(count(terms.unwrap_or(1)))),
    }
}

fn configuration(faults: &mut Faults, configuration: Option<&RawValue>) -> Option<String> {
    let text = configuration.map_or("{}", RawValue::get);
    let fault = if text.len() > CONFIGURATION_BYTES_MAX {
        "must be at most 16 KiB of JSON"
    } else if !text.starts_with('{') {
        "must be a JSON object"
    } else if serde_json::from_str::<serde_json::Value>(text).is_err() {
        "is nested too deeply, or has a number that is too large"
    } else {
        return Some(text.to_owned());
    };
    faults.add("/configuration", fault);
    None
}

/// Buy a resource or a license
///
/// With an account key for the own account, with an operator key for any. Paid from the wallet it completes or is refused
/// in one transaction (B-4): a full term costs price x quantity x terms (P-1), to the month's end the part of the month by
/// the second (B-7, P-2). A license takes effect at once, and a DR license brings as many failback units (L-2, L-3).
///
/// With `pay_with: checkout` the order waits for 30 minutes for its payment at `checkout_url`, and nothing is bought before
/// (B-3).
#[utoipa::path(
    post, path = path::ORDERS, tag = TAG, operation_id = "buy", request_body = NewOrder,
    responses(
        (
            status = 201,
            description = "The order: completed, with the `resource_id` or `license_id`; or `pending_payment`, with the \
                           `checkout_url`.",
            body = Order,
        ),
        (status = 402, description = "`insufficient_balance`, with the `shortfall`."),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 409, description = "`not_on_sale`: no price is in force yet (P-5)."),
        (
            status = 422,
            description = "`invalid_request`, `unknown_product`, `unknown_plan`, `currency_mismatch`, `invalid_quantity`, \
                           `invalid_terms`, `not_monthly`, `amount_too_large`; of a license also `consent_required`, \
                           `auto_renew_required`, `auto_renew_not_supported`, `not_aligned`, `not_configurable`; \
                           `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn buy(State(engine): State<Engine>, origin: Origin, write: Write<NewOrder>) -> Result<Response, Problem> {
    let pay_with = write.body.pay_with;
    let (account_id, purchase) = write.body.parse(write.caller)?;
    let ordered = match pay_with {
        PayWith::Wallet => engine.buy(write.caller, account_id, purchase, write.idempotency).await?,
        PayWith::Checkout => engine.order_for_checkout(write.caller, account_id, purchase, write.idempotency).await?,
    };
    Ok(answer(StatusCode::CREATED, ordered.map(|order| Order::payable(order, &origin))))
}

/// Read an order
#[utoipa::path(
    get, path = path::ORDER, tag = TAG, operation_id = "get_order",
    params(("id" = String, Path, description = "The order.")),
    responses(
        (status = 200, description = "The order.", body = Order),
        (status = 404, description = "`not_found`: no such order, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    origin: Origin,
    By(caller): By,
    Place(id): Place<OrderId>,
) -> Result<Json<Order>, Problem> {
    Ok(Json(Order::payable(engine.order(caller, id).await?, &origin)))
}

/// Which orders to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrdersQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// About this resource.
    resource_id: Option<String>,
    /// About this license.
    license_id: Option<String>,
    /// Of this kind.
    kind: Option<OrderKind>,
    /// In this state.
    state: Option<OrderState>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl OrdersQuery {
    fn parse(&self) -> Result<(OrderFilter, Asked<OrderId>), Problem> {
        let mut faults = Faults::default();
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let resource_id = faults.parse_opt("/resource_id", self.resource_id.as_deref());
        let license_id = faults.parse_opt("/license_id", self.license_id.as_deref());
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        let (kind, state) = (self.kind.map(Into::into), self.state.map(Into::into));
        faults.finish(|| {
            let (account_id, resource_id, license_id) = (account_id?, resource_id?, license_id?);
            Some((OrderFilter { account_id, resource_id, license_id, kind, state }, asked?))
        })
    }
}

/// List orders
///
/// Oldest first.
#[utoipa::path(
    get, path = path::ORDERS, tag = TAG, operation_id = "list_orders", params(OrdersQuery),
    responses(
        (status = 200, description = "A page of orders.", body = List<Order>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    origin: Origin,
    By(caller): By,
    Params(query): Params<OrdersQuery>,
) -> Result<Json<List<Order>>, Problem> {
    let (filter, asked) = query.parse()?;
    let orders = engine.orders(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(orders, |order| order.id, |order| Order::payable(order, &origin))))
}

/// A refund that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRefund {
    /// How much, in minor units; default all of it.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    amount: Option<i64>,
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "bought twice")]
    reason: Option<String>,
}

impl NewRefund {
    fn check(self) -> Result<(), Problem> {
        let mut faults = Faults::default();
        if let Some(amount) = self.amount {
            faults.amount("/amount", amount);
        }
        if let Some(reason) = self.reason {
            faults.text("/reason", reason, REASON_LENGTH_MAX);
        }
        faults.finish(|| Some(()))
    }
}

/// Ask for a refund
///
/// What was paid for is not given back (B-5), so this is always refused. The operator can revoke a license with a reason,
/// and credit an account.
#[utoipa::path(
    post, path = path::ORDER_REFUNDS, tag = TAG, operation_id = "refund_order", request_body = NewRefund,
    params(("id" = String, Path, description = "The order.")),
    responses(
        (status = 404, description = "`not_found`: no such order, or not for this key."),
        (status = 409, description = "`non_refundable` (B-5)"),
        (status = 422, description = "`invalid_request`, `invalid_idempotency_key`"),
    ),
)]
async fn refund(
    State(engine): State<Engine>,
    Place(id): Place<OrderId>,
    write: Write<NewRefund>,
) -> Result<(), Problem> {
    write.body.check()?;
    Ok(engine.refund(write.caller, id).await?)
}
