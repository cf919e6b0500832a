//! Payments on platforms: recharges, how a payment stands, saved payment methods.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::id::{AccountId, OrderId, PaymentId, PaymentMethodId};
use domain::money::{Amount, Currency};
use engine::Engine;
use serde::{Deserialize, Serialize};
use store::PaymentFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Nothing, Write};
use super::caller::By;
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::orders::Order;
use super::origin::Origin;
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{Means, PaymentState, PlatformName, Timestamp};
use super::{App, path};

const TAG: &str = "Payments";
const REFERENCE_LENGTH_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(recharge))
        .routes(routes!(limits))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(check))
        .routes(routes!(confirm))
        .routes(routes!(methods))
        .routes(routes!(remove_method))
}

/// Money for the wallet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRecharge {
    /// In minor units of the account's currency, within the limits.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64, example = 50000)]
    amount: i64,
}

/// Recharge an account
///
/// Also with the account's own key. Makes an order that waits for 30 minutes for its payment at `checkout_url` (W-3, B-3).
/// When the platform confirms it, the credit and the renewals that it makes possible are visible to the next request.
#[utoipa::path(
    post, path = path::ACCOUNT_RECHARGES, tag = TAG, operation_id = "recharge_account", request_body = NewRecharge,
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 201, description = "The order, `pending_payment`, with its `checkout_url`.", body = Order),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (
            status = 422,
            description = "`invalid_request`, `recharge_out_of_range`, `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn recharge(
    State(engine): State<Engine>,
    origin: Origin,
    Place(id): Place<AccountId>,
    write: Write<NewRecharge>,
) -> Result<Response, Problem> {
    let mut faults = Faults::default();
    let amount = faults.amount("/amount", write.body.amount);
    let amount = faults.finish(|| amount)?;
    let ordered = engine.recharge(write.caller, id, amount, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, ordered.map(|order| Order::payable(order, &origin))))
}

/// Between which amounts a recharge lies.
#[derive(Debug, Serialize, ToSchema)]
struct RechargeLimits {
    /// ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// At least, in minor units.
    #[schema(value_type = i64)]
    min: Amount,
    /// At most, in minor units.
    #[schema(value_type = i64)]
    max: Amount,
    /// For a quick choice, in minor units.
    #[schema(value_type = Vec<i64>)]
    suggested: Vec<Amount>,
}

/// Read the limits of recharges
///
/// Also with the account's own key.
#[utoipa::path(
    get, path = path::ACCOUNT_RECHARGE_LIMITS, tag = TAG, operation_id = "get_recharge_limits",
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 200, description = "The limits.", body = RechargeLimits),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
    ),
)]
async fn limits(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AccountId>,
) -> Result<Json<RechargeLimits>, Problem> {
    let (currency, engine::Limits { min, max, suggested }) = engine.recharge_limits(caller, id).await?;
    Ok(Json(RechargeLimits { currency, min, max, suggested }))
}

/// One try to get the money for an order on a payment platform (B-3).
#[derive(Debug, Serialize, ToSchema)]
struct Payment {
    /// Its id.
    #[schema(value_type = String, example = "pay_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: PaymentId,
    /// The customer.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// The order that it pays.
    #[schema(value_type = String)]
    order_id: OrderId,
    /// Where.
    platform: PlatformName,
    /// How the money is to come.
    means: Means,
    /// Where it stands.
    state: PaymentState,
    /// How much was asked for, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// The platform's name for it.
    #[schema(required)]
    platform_reference: Option<String>,
    /// The platform's name for the movement of money that paid it.
    #[schema(required)]
    movement: Option<String>,
    /// The number of the receipt, once it is paid.
    #[schema(required)]
    receipt_number: Option<String>,
    /// Why it failed or is held.
    #[schema(required)]
    reason: Option<String>,
    /// When it was made.
    created_at: Timestamp,
    /// When the platform is asked next, if nothing is heard before.
    #[schema(required)]
    check_at: Option<Timestamp>,
    /// When the money came.
    #[schema(required)]
    settled_at: Option<Timestamp>,
    /// When we learned that the payer takes it back.
    #[schema(required)]
    disputed_at: Option<Timestamp>,
}

impl From<domain::payment::Payment> for Payment {
    fn from(payment: domain::payment::Payment) -> Self {
        let receipt_number = payment.receipt_number();
        Self {
            id: payment.id,
            account_id: payment.account_id,
            order_id: payment.order_id,
            platform: payment.platform.into(),
            means: payment.means.into(),
            state: payment.state.into(),
            amount: payment.amount,
            currency: payment.currency,
            platform_reference: payment.reference,
            movement: payment.movement,
            receipt_number,
            reason: payment.reason,
            created_at: payment.created_at.into(),
            check_at: payment.check_at.map(Into::into),
            settled_at: payment.settled_at.map(Into::into),
            disputed_at: payment.disputed_at.map(Into::into),
        }
    }
}

/// Which payments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PaymentsQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// Of this order.
    order_id: Option<String>,
    /// In this state.
    state: Option<PaymentState>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PaymentsQuery {
    fn parse(&self) -> Result<(PaymentFilter, Asked<PaymentId>), Problem> {
        let mut faults = Faults::default();
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let order_id = faults.parse_opt("/order_id", self.order_id.as_deref());
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        let state = self.state.map(Into::into);
        faults.finish(|| {
            let (account_id, order_id) = (account_id?, order_id?);
            Some((PaymentFilter { account_id, order_id, state }, asked?))
        })
    }
}

/// List payments
///
/// Oldest first.
#[utoipa::path(
    get, path = path::PAYMENTS, tag = TAG, operation_id = "list_payments", params(PaymentsQuery),
    responses(
        (status = 200, description = "A page of payments.", body = List<Payment>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<PaymentsQuery>,
) -> Result<Json<List<Payment>>, Problem> {
    let (filter, asked) = query.parse()?;
    let payments = engine.payments(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(payments, |payment| payment.id, Payment::from)))
}

/// Read a payment
#[utoipa::path(
    get, path = path::PAYMENT, tag = TAG, operation_id = "get_payment",
    params(("id" = String, Path, description = "The payment.")),
    responses(
        (status = 200, description = "The payment.", body = Payment),
        (status = 404, description = "`not_found`: no such payment, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<PaymentId>,
) -> Result<Json<Payment>, Problem> {
    Ok(Json(engine.payment(caller, id).await?.into()))
}

/// Check a payment now
///
/// Asks the platform how it stands, and takes that in (B-3). Safe to repeat.
#[utoipa::path(
    post, path = path::PAYMENT_CHECK, tag = TAG, operation_id = "check_payment", request_body = Nothing,
    params(("id" = String, Path, description = "The payment.")),
    responses(
        (status = 200, description = "The payment, as it stands now.", body = Payment),
        (status = 404, description = "`not_found`: no such payment, or not for this key."),
        (status = 422, description = "`invalid_request`, `invalid_idempotency_key`"),
    ),
)]
async fn check(
    State(engine): State<Engine>,
    Place(id): Place<PaymentId>,
    write: Write<Nothing>,
) -> Result<Json<Payment>, Problem> {
    Ok(Json(engine.check_payment(write.caller, id).await?.into()))
}

/// What the bank's statement says of a transfer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// How much arrived, in minor units.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64, example = 50000)]
    amount: i64,
    /// In which currency.
    #[schema(example = "USD")]
    currency: String,
    /// The bank's reference of the movement.
    #[schema(min_length = 1, max_length = 200, example = "2025-06-30/4711")]
    reference: String,
}

/// Confirm a bank transfer
///
/// Operator key. Once; another amount or currency than was asked for is held as unapplied money (B-6).
#[utoipa::path(
    post, path = path::PAYMENT_CONFIRM, tag = TAG, operation_id = "confirm_payment", request_body = Confirmation,
    params(("id" = String, Path, description = "The payment.")),
    responses(
        (status = 200, description = "The payment, as it stands now.", body = Payment),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such payment."),
        (status = 409, description = "`not_a_bank_transfer`, `conflict`: this movement was booked for another payment."),
        (status = 422, description = "`invalid_request`, `invalid_idempotency_key`"),
    ),
)]
async fn confirm(
    State(engine): State<Engine>,
    Place(id): Place<PaymentId>,
    write: Write<Confirmation>,
) -> Result<Json<Payment>, Problem> {
    write.caller.require_operator()?;
    let Confirmation { amount, currency, reference } = write.body;
    let mut faults = Faults::default();
    let amount = faults.amount("/amount", amount);
    let currency = faults.parse("/currency", &currency);
    let reference = faults.text("/reference", reference, REFERENCE_LENGTH_MAX);
    let arrived = faults.finish(|| Some((amount?, currency?, reference?)))?;
    Ok(Json(engine.confirm_transfer(write.caller, id, arrived).await?.into()))
}

/// A payment method that the platform keeps. Its number is the platform's alone.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentMethod {
    /// Its id.
    #[schema(value_type = String, example = "pmt_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: PaymentMethodId,
    /// The customer.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// Who keeps it.
    platform: PlatformName,
    /// What people call it.
    #[schema(example = "visa **** 4242, 12/2034")]
    label: String,
    /// When the customer agreed that it is charged.
    created_at: Timestamp,
    /// When that was withdrawn.
    #[schema(required)]
    removed_at: Option<Timestamp>,
}

impl From<domain::payment::PaymentMethod> for PaymentMethod {
    fn from(method: domain::payment::PaymentMethod) -> Self {
        Self {
            id: method.id,
            account_id: method.account_id,
            platform: method.platform.into(),
            label: method.label,
            created_at: method.created_at.into(),
            removed_at: method.removed_at.map(Into::into),
        }
    }
}

/// The saved payment methods of an account.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentMethods {
    /// Oldest first.
    data: Vec<PaymentMethod>,
}

/// List the saved payment methods of an account
///
/// Also with the account's own key. Agreed to by `auto_renew: true` at a purchase that was paid by card.
#[utoipa::path(
    get, path = path::ACCOUNT_PAYMENT_METHODS, tag = TAG, operation_id = "list_payment_methods",
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 200, description = "The payment methods.", body = PaymentMethods),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
    ),
)]
async fn methods(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AccountId>,
) -> Result<Json<PaymentMethods>, Problem> {
    let methods = engine.payment_methods(caller, id).await?;
    Ok(Json(PaymentMethods { data: methods.into_iter().map(Into::into).collect() }))
}

/// Remove a saved payment method
///
/// Also with the account's own key. Nothing is charged to it any more. Removing it again changes nothing.
#[utoipa::path(
    delete, path = path::PAYMENT_METHOD, tag = TAG, operation_id = "remove_payment_method",
    params(("id" = String, Path, description = "The payment method.")),
    responses(
        (status = 200, description = "The payment method, removed.", body = PaymentMethod),
        (status = 404, description = "`not_found`: no such payment method, or not for this key."),
    ),
)]
async fn remove_method(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<PaymentMethodId>,
) -> Result<Json<PaymentMethod>, Problem> {
    Ok(Json(engine.remove_payment_method(caller, id).await?.into()))
}
