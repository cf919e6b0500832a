//! The wallet: money in, money set aside, balances, transactions, and what will fall due.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::id::{AccountId, EntryId, FreezeId, LicenseId, OrderId, PaymentId, ResourceId};
use domain::ledger::Entry;
use domain::money::{Amount, Currency};
use engine::Engine;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::caller::By;
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{List, PageQuery};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{CreditKind, Timestamp, TransactionKind};
use super::{App, path};

const TAG: &str = "Wallet";
const WORDS_LENGTH_MAX: usize = 500;
const FORECAST_DAYS_DEFAULT: u16 = 30;
const FORECAST_DAYS_MAX: u16 = 366;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(credit))
        .routes(routes!(freeze))
        .routes(routes!(lift_freeze))
        .routes(routes!(balance))
        .routes(routes!(transactions))
        .routes(routes!(forecast))
}

/// Money that came in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCredit {
    /// In minor units of the account's currency; above zero.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64, example = 50000)]
    amount: i64,
    /// Cash or gift.
    kind: CreditKind,
    /// A reference of yours, such as that of a bank transfer.
    #[schema(max_length = 500, example = "bank transfer 4711")]
    reference: Option<String>,
}

/// One movement of money: a ledger entry as the customer sees it (W-2).
#[derive(Debug, Serialize, ToSchema)]
struct Transaction {
    /// Its id.
    #[schema(value_type = String, example = "txn_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: EntryId,
    /// When.
    at: Timestamp,
    /// Why.
    kind: TransactionKind,
    /// What it changed cash and gift by, in minor units; negative for a charge.
    #[schema(value_type = i64, example = -6291)]
    amount: Amount,
    /// The order that it pays.
    #[schema(value_type = Option<String>, required)]
    order_id: Option<OrderId>,
    /// Cash and gift together after it.
    #[schema(value_type = i64)]
    balance_after: Amount,
    /// Cash after it.
    #[schema(value_type = i64)]
    cash_after: Amount,
    /// Gift after it.
    #[schema(value_type = i64)]
    gift_after: Amount,
    /// What came from outside, in minor units: a recharge, a credit, or what was paid on a payment platform past the wallet
    /// (B-3).
    #[schema(value_type = i64)]
    received: Amount,
    /// The operator's reference, or the platform's.
    #[schema(required)]
    reference: Option<String>,
    /// The payment that brought it.
    #[schema(value_type = Option<String>, required)]
    payment_id: Option<PaymentId>,
}

impl From<Entry> for Transaction {
    fn from(entry: Entry) -> Self {
        let fits = "the books hold what was booked";
        Self {
            id: entry.id,
            at: entry.at.into(),
            kind: entry.reason.into(),
            amount: entry.postings.amount().expect(fits),
            order_id: entry.order_id,
            balance_after: entry.cash_after.plus(entry.gift_after).expect(fits),
            cash_after: entry.cash_after,
            gift_after: entry.gift_after,
            received: entry.postings.funding.negated(),
            reference: entry.reference,
            payment_id: entry.payment_id,
        }
    }
}

/// Credit an account
///
/// Operator key. Books money that came in, in minor units (W-3). Renewals that wait for money are tried at once; the
/// credit and what it paid are visible to the next request.
#[utoipa::path(
    post, path = path::ACCOUNT_CREDITS, tag = TAG, operation_id = "credit_account", request_body = NewCredit,
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 201, description = "The transaction of the credit.", body = Transaction),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such account."),
        (
            status = 422,
            description = "`invalid_request`, `invalid_amount`, `amount_too_large`, `idempotency_key_reused`, \
                           `invalid_idempotency_key`",
        ),
    ),
)]
async fn credit(
    State(engine): State<Engine>,
    Place(id): Place<AccountId>,
    write: Write<NewCredit>,
) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let mut faults = Faults::default();
    let amount = faults.amount("/amount", write.body.amount);
    let reference = write.body.reference.and_then(|text| faults.text("/reference", text, WORDS_LENGTH_MAX));
    let amount = faults.finish(|| amount)?;
    let money = (amount, write.body.kind.into(), reference);
    let credited = engine.credit(write.caller, id, money, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, credited.map(Transaction::from)))
}

/// Money to set aside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewFreeze {
    /// In minor units; above zero and available.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_i64, example = 10000)]
    amount: i64,
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "deposit")]
    reason: String,
}

/// Money that is set aside (W-1).
#[derive(Debug, Serialize, ToSchema)]
struct Freeze {
    /// Its id.
    #[schema(value_type = String, example = "frz_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: FreezeId,
    /// How much, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
    /// Why.
    reason: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it was lifted.
    #[schema(required)]
    lifted_at: Option<Timestamp>,
}

impl From<domain::change::Freeze> for Freeze {
    fn from(freeze: domain::change::Freeze) -> Self {
        let domain::change::Freeze { id, account_id: _, amount, reason, created_at, lifted_at } = freeze;
        Self { id, amount, reason, created_at: created_at.into(), lifted_at: lifted_at.map(Into::into) }
    }
}

/// Set money aside
///
/// Operator key. What is frozen is still the customer's, but pays nothing (W-1). Only available money can be frozen.
#[utoipa::path(
    post, path = path::ACCOUNT_FREEZES, tag = TAG, operation_id = "freeze", request_body = NewFreeze,
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 201, description = "The freeze.", body = Freeze),
        (status = 402, description = "`insufficient_balance`: less is available."),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such account."),
        (
            status = 422,
            description = "`invalid_request`, `invalid_amount`, `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn freeze(
    State(engine): State<Engine>,
    Place(id): Place<AccountId>,
    write: Write<NewFreeze>,
) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let mut faults = Faults::default();
    let amount = faults.amount("/amount", write.body.amount);
    let reason = faults.text("/reason", write.body.reason, WORDS_LENGTH_MAX);
    let frozen = faults.finish(|| amount.zip(reason))?;
    let made = engine.freeze(write.caller, id, frozen, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, made.map(Freeze::from)))
}

/// Free money that was set aside
///
/// Operator key. Renewals that wait for money are tried at once. Freeing it again changes nothing.
#[utoipa::path(
    delete, path = path::ACCOUNT_FREEZE, tag = TAG, operation_id = "lift_freeze",
    params(
        ("id" = String, Path, description = "The account."),
        ("freeze_id" = String, Path, description = "The freeze."),
    ),
    responses(
        (status = 200, description = "The freeze, lifted.", body = Freeze),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such freeze of this account."),
    ),
)]
async fn lift_freeze(
    State(engine): State<Engine>,
    By(caller): By,
    Place((id, freeze_id)): Place<(AccountId, FreezeId)>,
) -> Result<Json<Freeze>, Problem> {
    Ok(Json(engine.lift_freeze(caller, id, freeze_id).await?.into()))
}

/// The balances of an account (W-1), in minor units.
#[derive(Debug, Serialize, ToSchema)]
struct Balance {
    /// ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// The customer's money; negative when credit is used.
    #[schema(value_type = i64)]
    cash: Amount,
    /// Promotional money, spent first, not withdrawable.
    #[schema(value_type = i64)]
    gift: Amount,
    /// How far cash may go below zero.
    #[schema(value_type = i64)]
    credit_limit: Amount,
    /// Set aside.
    #[schema(value_type = i64)]
    frozen: Amount,
    /// Cash + gift + credit limit - frozen.
    #[schema(value_type = i64)]
    available: Amount,
}

/// Read the balances of an account
///
/// Also with the account's own key. Minor units of the account's currency (W-1).
#[utoipa::path(
    get, path = path::ACCOUNT_BALANCE, tag = TAG, operation_id = "get_balance",
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 200, description = "The balances.", body = Balance),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
    ),
)]
async fn balance(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AccountId>,
) -> Result<Json<Balance>, Problem> {
    let engine::Balance { currency, wallet } = engine.balance(caller, id).await?;
    let available = wallet.available();
    let domain::account::Wallet { cash, gift, frozen, credit_limit, n_entries: _ } = wallet;
    Ok(Json(Balance { currency, cash, gift, credit_limit, frozen, available }))
}

/// List the transactions of an account
///
/// Also with the account's own key. Oldest first; append-only, and their amounts add up to cash + gift (W-2).
#[utoipa::path(
    get, path = path::ACCOUNT_TRANSACTIONS, tag = TAG, operation_id = "list_transactions",
    params(("id" = String, Path, description = "The account."), PageQuery),
    responses(
        (status = 200, description = "A page of transactions.", body = List<Transaction>),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn transactions(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AccountId>,
    Params(query): Params<PageQuery>,
) -> Result<Json<List<Transaction>>, Problem> {
    let asked = query.parse()?;
    let entries = engine.entries(caller, id, asked.page()).await?;
    Ok(Json(asked.list(entries, |entry| entry.number, Transaction::from)))
}

/// How far to look ahead.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ForecastQuery {
    /// How many days from now, 1 to 366; default 30.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 366)]
    days: Option<String>,
}

/// The renewals that will fall due, if everything is paid.
#[derive(Debug, Serialize, ToSchema)]
struct Forecast {
    /// The sum of the items, in minor units.
    #[schema(value_type = i64)]
    total: Amount,
    /// ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// When the available balance would not cover an item; null when it covers all.
    #[schema(required)]
    balance_runs_out_at: Option<Timestamp>,
    /// The items are complete up to here: the end that was asked for, or less when there are very many.
    covers_until: Timestamp,
    /// In order of time.
    items: Vec<ForecastItem>,
}

/// A renewal that will fall due.
#[derive(Debug, Serialize, ToSchema)]
struct ForecastItem {
    /// When it will be tried.
    at: Timestamp,
    /// The resource, if it is one.
    #[schema(value_type = Option<String>, required)]
    resource_id: Option<ResourceId>,
    /// The license, if it is one.
    #[schema(value_type = Option<String>, required)]
    license_id: Option<LicenseId>,
    /// What it will cost, in minor units.
    #[schema(value_type = i64)]
    amount: Amount,
}

impl From<domain::forecast::Item> for ForecastItem {
    fn from(item: domain::forecast::Item) -> Self {
        let domain::forecast::Item { at, holding, amount } = item;
        Self { at: at.into(), resource_id: holding.resource(), license_id: holding.license(), amount }
    }
}

/// Forecast the renewals of an account
///
/// Also with the account's own key. Computed by the very code that renews, so what it says is what is charged.
#[utoipa::path(
    get, path = path::ACCOUNT_FORECAST, tag = TAG, operation_id = "get_forecast",
    params(("id" = String, Path, description = "The account."), ForecastQuery),
    responses(
        (status = 200, description = "What will fall due.", body = Forecast),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn forecast(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AccountId>,
    Params(query): Params<ForecastQuery>,
) -> Result<Json<Forecast>, Problem> {
    let (currency, forecast) = engine.forecast(caller, id, query.days()?).await?;
    let domain::forecast::Forecast { total, balance_runs_out_at, items, covers_until } = forecast;
    Ok(Json(Forecast {
        total,
        currency,
        balance_runs_out_at: balance_runs_out_at.map(Into::into),
        covers_until: covers_until.into(),
        items: items.into_iter().map(Into::into).collect(),
    }))
}

impl ForecastQuery {
    fn days(&self) -> Result<u16, Problem> {
        let Some(text) = &self.days else { return Ok(FORECAST_DAYS_DEFAULT) };
        let days = text.parse().ok().filter(|days| (1..=FORECAST_DAYS_MAX).contains(days));
        let mut faults = Faults::default();
        let words = format!("must be a whole number from 1 to {FORECAST_DAYS_MAX}");
        let days = faults.take("/days", days.ok_or(words));
        faults.finish(|| days)
    }
}
