//! Accounts and their API keys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::desk::AccountEdit;
use domain::id::{AccountId, ApiKeyId};
use domain::money::{Amount, Currency};
use engine::{AccountDraft, Engine};
use serde::{Deserialize, Serialize};
use store::AccountRow;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Write};
use super::caller::By;
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{Timestamp, present};
use super::{App, path};

const TAG: &str = "Accounts";
const NAME_LENGTH_MAX: usize = 200;
const EMAIL_LENGTH_MAX: usize = 254;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, open)).routes(routes!(show, edit)).routes(routes!(add_key))
}

/// One customer.
#[derive(Debug, Serialize, ToSchema)]
struct Account {
    /// Its id.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: AccountId,
    /// What people call it.
    name: String,
    /// Where messages go.
    email: String,
    /// The one currency of its wallet, ISO 4217.
    #[schema(value_type = String, example = "CNY")]
    currency: Currency,
    /// How far cash may go below zero, in minor units (W-1).
    #[schema(value_type = i64, example = 0)]
    credit_limit: Amount,
    /// When it was opened.
    created_at: Timestamp,
}

impl From<AccountRow> for Account {
    fn from(AccountRow { account, wallet }: AccountRow) -> Self {
        let domain::account::Account { id, name, email, currency, created_at } = account;
        Self { id, name, email, currency, credit_limit: wallet.credit_limit, created_at: created_at.into() }
    }
}

/// An account to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "Shop 1")]
    name: String,
    /// Where messages go.
    #[schema(max_length = 254, example = "billing@shop1.example")]
    email: String,
    /// ISO 4217. Never changes.
    #[schema(example = "CNY")]
    currency: String,
    /// How far cash may go below zero, in minor units; default 0.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    credit_limit: Option<i64>,
}

impl NewAccount {
    fn parse(self) -> Result<AccountDraft, Problem> {
        let mut faults = Faults::default();
        let name = faults.text("/name", self.name, NAME_LENGTH_MAX);
        let email = email(&mut faults, self.email);
        let currency = faults.parse("/currency", &self.currency);
        let credit_limit = credit_limit(&mut faults, self.credit_limit.unwrap_or(0));
        faults.finish(|| {
            Some(AccountDraft { name: name?, email: email?, currency: currency?, credit_limit: credit_limit? })
        })
    }
}

/// What to change of an account; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditAccount {
    /// What people call it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Where messages go.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 254)]
    email: Option<String>,
    /// How far cash may go below zero, in minor units. A higher one is used at once.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    credit_limit: Option<i64>,
}

impl EditAccount {
    fn parse(self) -> Result<AccountEdit, Problem> {
        let mut faults = Faults::default();
        let name = self.name.and_then(|name| faults.text("/name", name, NAME_LENGTH_MAX));
        let email = self.email.and_then(|text| email(&mut faults, text));
        let credit_limit = self.credit_limit.and_then(|minor| credit_limit(&mut faults, minor));
        faults.finish(|| Some(AccountEdit { name, email, credit_limit }))
    }
}

fn email(faults: &mut Faults, email: String) -> Option<String> {
    let is_address = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if !is_address || email.chars().any(char::is_whitespace) {
        faults.add("/email", "must be an e-mail address");
        return None;
    }
    faults.text("/email", email, EMAIL_LENGTH_MAX)
}

fn credit_limit(faults: &mut Faults, minor: i64) -> Option<Amount> {
    if minor < 0 {
        faults.add("/credit_limit", "must not be negative");
        return None;
    }
    faults.amount("/credit_limit", minor)
}

/// Open an account
///
/// Operator key. The account starts with an empty wallet.
#[utoipa::path(
    post, path = path::ACCOUNTS, tag = TAG, operation_id = "open_account", request_body = NewAccount,
    responses(
        (status = 201, description = "The account.", body = Account),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn open(State(engine): State<Engine>, write: Write<NewAccount>) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let opened = engine.open_account(write.caller, write.body.parse()?, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, opened.map(Account::from)))
}

/// A page of accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountsQuery {
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List accounts
///
/// Operator key. Oldest first.
#[utoipa::path(
    get, path = path::ACCOUNTS, tag = TAG, operation_id = "list_accounts", params(AccountsQuery),
    responses(
        (status = 200, description = "A page of accounts.", body = List<Account>),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<AccountsQuery>,
) -> Result<Json<List<Account>>, Problem> {
    let mut faults = Faults::default();
    let asked = Asked::parse(&mut faults, query.limit.as_deref(), query.cursor.as_deref());
    let asked = faults.finish(|| asked)?;
    let rows = engine.accounts(caller, asked.page()).await?;
    Ok(Json(asked.list(rows, |row| row.account.id, Account::from)))
}

/// Read an account
///
/// Also with the account's own key.
#[utoipa::path(
    get, path = path::ACCOUNT, tag = TAG, operation_id = "get_account",
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 200, description = "The account.", body = Account),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<AccountId>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(engine.account(caller, id).await?.into()))
}

/// Change an account
///
/// Operator key. A higher credit limit makes attempts of what waits for money at once; a lower one must still cover
/// what is in use (W-1).
#[utoipa::path(
    patch, path = path::ACCOUNT, tag = TAG, operation_id = "edit_account", request_body = EditAccount,
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 200, description = "The account.", body = Account),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such account."),
        (status = 409, description = "`credit_in_use`: the limit is lower than what is in use."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn edit(
    State(engine): State<Engine>,
    Place(id): Place<AccountId>,
    edit: Body<EditAccount>,
) -> Result<Json<Account>, Problem> {
    edit.caller.require_operator()?;
    Ok(Json(engine.edit_account(edit.caller, id, edit.body.parse()?).await?.into()))
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewApiKey {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, example = "production")]
    name: String,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
struct ApiKey {
    /// Its id.
    #[schema(value_type = String, example = "key_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: ApiKeyId,
    /// The secret, shown this once; null in a repeat under the same idempotency key.
    #[schema(required)]
    key: Option<String>,
    /// What people call it.
    name: String,
}

/// Make an API key for an account
///
/// Operator key. The new key acts for this account only. Its secret is shown once and cannot be read again.
#[utoipa::path(
    post, path = path::ACCOUNT_KEYS, tag = TAG, operation_id = "add_api_key", request_body = NewApiKey,
    params(("id" = String, Path, description = "The account.")),
    responses(
        (status = 201, description = "The key.", body = ApiKey),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such account."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn add_key(
    State(engine): State<Engine>,
    Place(id): Place<AccountId>,
    write: Write<NewApiKey>,
) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let mut faults = Faults::default();
    let name = faults.text("/name", write.body.name, NAME_LENGTH_MAX);
    let name = faults.finish(|| name)?;
    let made = engine.add_account_key(write.caller, id, name.clone(), write.idempotency).await?;
    let key = made.map(|(id, secret)| ApiKey { id, key: secret.map(|secret| secret.expose().to_owned()), name });
    Ok(answer(StatusCode::CREATED, key))
}
