//! Money that came in and that nothing could take (B-6). For the operator.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::id::{AccountId, OrderId, PaymentId, UnappliedId};
use domain::money::{Amount, Currency};
use engine::Engine;
use serde::{Deserialize, Serialize};
use store::UnappliedFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Nothing, Write};
use super::caller::By;
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{Mismatch, PlatformName, Timestamp, UnappliedState};
use super::{App, path};

const TAG: &str = "Payments";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(credit)).routes(routes!(refund))
}

/// Money that came in and that nothing could take (B-6).
#[derive(Debug, Serialize, ToSchema)]
struct Unapplied {
    /// Its id.
    #[schema(value_type = String, example = "una_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: UnappliedId,
    /// When it came.
    at: Timestamp,
    /// How much, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Where it lies.
    platform: PlatformName,
    /// The platform's name for the movement of money.
    platform_reference: String,
    /// Whose order it names.
    #[schema(value_type = Option<String>, required)]
    account_id: Option<AccountId>,
    /// The order that it names.
    #[schema(value_type = Option<String>, required)]
    order_id: Option<OrderId>,
    /// The payment that brought it.
    #[schema(value_type = Option<String>, required)]
    payment_id: Option<PaymentId>,
    /// Why it was not applied.
    reason: Mismatch,
    /// What became of it.
    state: UnappliedState,
    /// Who got it.
    #[schema(value_type = Option<String>, required)]
    credited_to: Option<AccountId>,
    /// When that was.
    #[schema(required)]
    resolved_at: Option<Timestamp>,
}

impl From<domain::payment::Unapplied> for Unapplied {
    fn from(unapplied: domain::payment::Unapplied) -> Self {
        Self {
            id: unapplied.id,
            at: unapplied.at.into(),
            amount: unapplied.amount,
            currency: unapplied.currency,
            platform: unapplied.platform.into(),
            platform_reference: unapplied.movement,
            account_id: unapplied.account_id,
            order_id: unapplied.order_id,
            payment_id: unapplied.payment_id,
            reason: unapplied.reason.into(),
            state: unapplied.state.into(),
            credited_to: unapplied.credited_to,
            resolved_at: unapplied.resolved_at.map(Into::into),
        }
    }
}

/// Which unapplied money to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UnappliedQuery {
    /// In this state.
    state: Option<UnappliedState>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List unapplied money
///
/// Operator key. Oldest first.
#[utoipa::path(
    get, path = path::UNAPPLIED, tag = TAG, operation_id = "list_unapplied", params(UnappliedQuery),
    responses(
        (status = 200, description = "A page of unapplied money.", body = List<Unapplied>),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<UnappliedQuery>,
) -> Result<Json<List<Unapplied>>, Problem> {
    let mut faults = Faults::default();
    let asked: Option<Asked<UnappliedId>> = Asked::parse(&mut faults, query.limit.as_deref(), query.cursor.as_deref());
    let asked = faults.finish(|| asked)?;
    let filter = UnappliedFilter { state: query.state.map(Into::into) };
    let rows = engine.unapplied(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(rows, |row| row.id, Unapplied::from)))
}

/// Who gets the money.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credit {
    /// The account. It holds the currency of the money.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: String,
}

/// Credit unapplied money to an account
///
/// Operator key. Once; waiting renewals are tried at once (R-2, B-6).
#[utoipa::path(
    post, path = path::UNAPPLIED_CREDIT, tag = TAG, operation_id = "credit_unapplied", request_body = Credit,
    params(("id" = String, Path, description = "The unapplied money.")),
    responses(
        (status = 200, description = "The money, credited.", body = Unapplied),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such money, or no such account."),
        (status = 409, description = "`not_held`: it was credited or given back."),
        (
            status = 422,
            description = "`invalid_request`, `currency_mismatch`, `amount_too_large`, `idempotency_key_reused`, \
                           `invalid_idempotency_key`",
        ),
    ),
)]
async fn credit(
    State(engine): State<Engine>,
    Place(id): Place<UnappliedId>,
    write: Write<Credit>,
) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let mut faults = Faults::default();
    let account_id = faults.parse("/account_id", &write.body.account_id);
    let account_id = faults.finish(|| account_id)?;
    let credited = engine.credit_unapplied(write.caller, id, account_id, write.idempotency).await?;
    Ok(answer(StatusCode::OK, credited.map(Unapplied::from)))
}

/// Give unapplied money back to the payer
///
/// Operator key. On the platform that took it, once, however often it is asked for (B-6).
#[utoipa::path(
    post, path = path::UNAPPLIED_REFUND, tag = TAG, operation_id = "refund_unapplied", request_body = Nothing,
    params(("id" = String, Path, description = "The unapplied money.")),
    responses(
        (status = 200, description = "The money: given back, or still held because the platform refused.", body = Unapplied),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such money."),
        (status = 409, description = "`not_held`: it was credited."),
        (status = 422, description = "`invalid_request`, `invalid_idempotency_key`"),
        (status = 503, description = "`payment_not_configured`, `payment_platform_unavailable`: ask again later."),
    ),
)]
async fn refund(
    State(engine): State<Engine>,
    Place(id): Place<UnappliedId>,
    write: Write<Nothing>,
) -> Result<Json<Unapplied>, Problem> {
    Ok(Json(engine.refund_unapplied(write.caller, id).await?.into()))
}
