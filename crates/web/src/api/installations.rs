//! Installations: copies of the customer's software that work offline with units that they take along.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{AccountId, InstallationId, LicenseId};
use domain::installation::Fate;
use domain::label::InstallationName;
use domain::unit::UnitId;
use engine::{Caller, Engine, InstallationView, Settlement};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::caller::{By, account};
use super::fault::Faults;
use super::idempotency::answer;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{Timestamp, UnitsFate, count};
use super::{App, path};

const TAG: &str = "Installations";
const REASON_LENGTH_MAX: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, register))
        .routes(routes!(show))
        .routes(routes!(check_out))
        .routes(routes!(settle))
        .routes(routes!(retire))
}

/// A copy of the customer's software that works offline.
#[derive(Debug, Serialize, ToSchema)]
struct Installation {
    /// Its id.
    #[schema(value_type = String, example = "ins_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: InstallationId,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// What the customer calls it; unique within the account among those that are not retired.
    #[schema(value_type = String, example = "site B")]
    name: InstallationName,
    /// Its Ed25519 key, which signs its receipts: 32 bytes in base64url without padding.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    public_key: String,
    /// The counter of its last receipt.
    counter: u64,
    /// When it was registered.
    created_at: Timestamp,
    /// When the operator retired it.
    #[schema(required)]
    retired_at: Option<Timestamp>,
    /// Why.
    #[schema(required, example = "the disk is dead")]
    retire_reason: Option<String>,
}

impl From<domain::installation::Installation> for Installation {
    fn from(installation: domain::installation::Installation) -> Self {
        let (retired_at, retire_reason) =
            installation.retired.map(|retired| (retired.at.into(), retired.reason)).unzip();
        Self {
            id: installation.id,
            account_id: installation.account_id,
            name: installation.name,
            public_key: URL_SAFE_NO_PAD.encode(installation.public_key),
            counter: installation.counter,
            created_at: installation.created_at.into(),
            retired_at,
            retire_reason,
        }
    }
}

/// An installation and what it has taken along.
#[derive(Debug, Serialize, ToSchema)]
struct InstallationWithUnits {
    /// The installation.
    #[serde(flatten)]
    installation: Installation,
    /// The failback units that are checked out to it.
    checked_out: Vec<LicenseUnit>,
}

/// A unit of a license.
#[derive(Debug, Serialize, ToSchema)]
struct LicenseUnit {
    /// The license.
    #[schema(value_type = String, example = "lic_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    license_id: LicenseId,
    /// The number of the unit, from 1.
    unit: u32,
}

impl From<UnitId> for LicenseUnit {
    fn from(UnitId { license_id, number }: UnitId) -> Self {
        Self { license_id, unit: number }
    }
}

impl From<InstallationView> for InstallationWithUnits {
    fn from(InstallationView { installation, checked_out }: InstallationView) -> Self {
        Self { installation: installation.into(), checked_out: checked_out.into_iter().map(Into::into).collect() }
    }
}

/// An installation to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInstallation {
    /// Whose. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// What the customer calls it; unique within the account.
    #[schema(min_length = 1, max_length = 255, example = "site B")]
    name: String,
    /// The public half of its Ed25519 key: 32 bytes in base64url without padding.
    #[schema(min_length = 43, max_length = 43, example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    public_key: String,
}

impl NewInstallation {
    fn parse(&self, caller: Caller) -> Result<(AccountId, (InstallationName, [u8; 32])), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let name = faults.parse("/name", &self.name);
        let bytes = URL_SAFE_NO_PAD.decode(&self.public_key).ok().and_then(|bytes| bytes.try_into().ok());
        let public_key = faults.take("/public_key", bytes.ok_or("must be 32 bytes in base64url without padding"));
        faults.finish(|| account_id.zip(name.zip(public_key)))
    }
}

/// Register an installation
///
/// With the public half of a key that only the installation has. The same name and key again finds it.
#[utoipa::path(
    post, path = path::INSTALLATIONS, tag = TAG, operation_id = "register_installation",
    request_body = NewInstallation,
    responses(
        (status = 201, description = "The installation.", body = InstallationWithUnits),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 409, description = "`installation_exists`: one of this name has another key."),
        (
            status = 422,
            description = "`invalid_request`, `invalid_public_key`, `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn register(State(engine): State<Engine>, write: Write<NewInstallation>) -> Result<Response, Problem> {
    let (account_id, installation) = write.body.parse(write.caller)?;
    let registered = engine.register_installation(write.caller, account_id, installation, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, registered.map(InstallationWithUnits::from)))
}

/// Read an installation
///
/// With the units that it has taken along.
#[utoipa::path(
    get, path = path::INSTALLATION, tag = TAG, operation_id = "get_installation",
    params(("id" = String, Path, description = "The installation.")),
    responses(
        (status = 200, description = "The installation.", body = InstallationWithUnits),
        (status = 404, description = "`not_found`: no such installation, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<InstallationId>,
) -> Result<Json<InstallationWithUnits>, Problem> {
    Ok(Json(engine.installation(caller, id).await?.into()))
}

/// Which installations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InstallationsQuery {
    /// Of this account. An account key may leave it out.
    account_id: Option<String>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl InstallationsQuery {
    fn parse(&self, caller: Caller) -> Result<(AccountId, Asked<InstallationId>), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        faults.finish(|| account_id.zip(asked))
    }
}

/// List the installations of an account
///
/// Oldest first.
#[utoipa::path(
    get, path = path::INSTALLATIONS, tag = TAG, operation_id = "list_installations", params(InstallationsQuery),
    responses(
        (status = 200, description = "A page of installations.", body = List<Installation>),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<InstallationsQuery>,
) -> Result<Json<List<Installation>>, Problem> {
    let (account_id, asked) = query.parse(caller)?;
    let installations = engine.installations(caller, account_id, asked.page()).await?;
    Ok(Json(asked.list(installations, |installation| installation.id, Installation::from)))
}

/// How many units an installation takes along.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCheckout {
    /// All of them or none.
    #[schema(minimum = 1, maximum = 1000, example = 5)]
    units: i64,
}

/// Units that are checked out.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedOut {
    /// One row for each.
    data: Vec<LicenseUnit>,
}

/// Let an installation take failback units along
///
/// In the order of L-5. They are in the next license file for this installation, and nobody else can use them until a
/// receipt brings them back.
#[utoipa::path(
    post, path = path::INSTALLATION_CHECKOUTS, tag = TAG, operation_id = "check_out_units", request_body = NewCheckout,
    params(("id" = String, Path, description = "The installation.")),
    responses(
        (status = 201, description = "The units.", body = CheckedOut),
        (status = 404, description = "`not_found`: no such installation, or not for this key."),
        (
            status = 409,
            description = "`no_units_available`: fewer are free, and none was taken; `installation_retired`",
        ),
        (
            status = 422,
            description = "`invalid_request`, `invalid_quantity`, `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn check_out(
    State(engine): State<Engine>,
    Place(id): Place<InstallationId>,
    write: Write<NewCheckout>,
) -> Result<Response, Problem> {
    let taken = engine.check_out(write.caller, id, count(write.body.units), write.idempotency).await?;
    let checked_out = |units: Vec<UnitId>| CheckedOut { data: units.into_iter().map(Into::into).collect() };
    Ok(answer(StatusCode::CREATED, taken.map(checked_out)))
}

/// What an installation did with its units.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReceipt {
    /// A compact JWS, signed with the installation's key.
    receipt: String,
}

/// What a receipt brought back.
#[derive(Debug, Serialize, ToSchema)]
struct Settled {
    /// Units that are consumed.
    used: u32,
    /// Units that are free again.
    unused: u32,
}

impl From<Settlement> for Settled {
    fn from(Settlement { n_used, n_unused }: Settlement) -> Self {
        Self { used: n_used, unused: n_unused }
    }
}

/// Take back what an installation brings
///
/// By a receipt that it signed. Used units are consumed, unused ones free again (L-5); one job consumes one unit. The same
/// receipt again changes nothing; a counter that goes back, or a unit that the installation does not hold, means a copy or a
/// restored backup, and is refused and reported.
#[utoipa::path(
    post, path = path::INSTALLATION_RECEIPTS, tag = TAG, operation_id = "settle_receipt", request_body = NewReceipt,
    params(("id" = String, Path, description = "The installation.")),
    responses(
        (status = 200, description = "What came back.", body = Settled),
        (status = 404, description = "`not_found`: no such installation, or not for this key."),
        (status = 409, description = "`receipt_counter_backwards`, `not_checked_out`, `installation_retired`"),
        (
            status = 422,
            description = "`invalid_request`, `malformed_receipt`, `unsupported_algorithm`, `wrong_type`, `unknown_key`, \
                           `receipt_signature_invalid`, `unsupported_version`, `inconsistent`, `wrong_audience`, \
                           `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn settle(
    State(engine): State<Engine>,
    Place(id): Place<InstallationId>,
    write: Write<NewReceipt>,
) -> Result<Response, Problem> {
    let settled = engine.settle(write.caller, id, write.body.receipt.trim(), write.idempotency).await?;
    Ok(answer(StatusCode::OK, settled.map(Settled::from)))
}

/// How an installation is retired.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRetirement {
    /// Why. It is kept and shown.
    #[schema(min_length = 1, max_length = 500, example = "the disk is dead")]
    reason: String,
    /// What becomes of the units that it has taken along.
    units: UnitsFate,
}

impl NewRetirement {
    fn parse(self) -> Result<(Fate, String), Problem> {
        let mut faults = Faults::default();
        let reason = faults.text("/reason", self.reason, REASON_LENGTH_MAX);
        faults.finish(|| Some((self.units.into(), reason?)))
    }
}

/// Retire an installation that is lost
///
/// Operator key, with a reason. The units that it has taken along are free again or, as they may have been used, consumed. It
/// takes nothing along any more, its receipts are refused and reported, and its name may be registered with another key.
/// Doing it again changes nothing.
#[utoipa::path(
    post, path = path::INSTALLATION_RETIRE, tag = TAG, operation_id = "retire_installation",
    request_body = NewRetirement, params(("id" = String, Path, description = "The installation.")),
    responses(
        (status = 200, description = "The installation.", body = InstallationWithUnits),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such installation."),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`, `invalid_idempotency_key`"),
    ),
)]
async fn retire(
    State(engine): State<Engine>,
    Place(id): Place<InstallationId>,
    write: Write<NewRetirement>,
) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let retirement = write.body.parse()?;
    let retired = engine.retire_installation(write.caller, id, retirement, write.idempotency).await?;
    Ok(answer(StatusCode::OK, retired.map(InstallationWithUnits::from)))
}
