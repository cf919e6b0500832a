//! Activation codes: signed vouchers, each for one license (L-8).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::activation::{ActivationCode as StoredCode, Grant};
use domain::id::{AccountId, CodeId, LicenseId};
use domain::time::Instant;
use engine::{Caller, Engine, IssuedCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Write;
use super::caller::{By, account};
use super::fault::Faults;
use super::idempotency::answer;
use super::licenses::License;
use super::list::{List, PageQuery};
use super::problem::Problem;
use super::query::Params;
use super::wire::{LicenseKind, NewTerm, Term, Timestamp, count};
use super::{App, path};

const TAG: &str = "Activation codes";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, issue)).routes(routes!(redeem))
}

/// An activation code to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewActivationCode {
    /// Who may redeem it; default whoever has it.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// What its license is for.
    kind: LicenseKind,
    /// How many units.
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
    /// How long its license lasts, from when it is redeemed.
    term: NewTerm,
    /// When it can no longer be redeemed; default never.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    expires_at: Option<String>,
}

/// Who may redeem a code, what it makes, and until when.
type Voucher = (Option<AccountId>, (Grant, Option<Instant>));

impl NewActivationCode {
    fn parse(&self, now: Instant) -> Result<Voucher, Problem> {
        let mut faults = Faults::default();
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let expires_at = faults.parse_opt::<Instant>("/expires_at", self.expires_at.as_deref());
        if expires_at.flatten().is_some_and(|expires_at| expires_at <= now) {
            faults.add("/expires_at", format!("must be later than now, which is {now}"));
        }
        let grant = Grant { kind: self.kind.into(), quantity: count(self.quantity), term: (&self.term).into() };
        faults.finish(|| Some((account_id?, (grant, expires_at?))))
    }
}

/// An activation code that was made, with the text to hand out.
#[derive(Debug, Serialize, ToSchema)]
struct IssuedActivationCode {
    /// Its id.
    #[schema(value_type = String, example = "cod_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: CodeId,
    /// The text to hand out: a compact JWS. It is shown only here.
    code: String,
    /// Who may redeem it; null: whoever has it.
    #[schema(value_type = Option<String>, required)]
    account_id: Option<AccountId>,
    /// What its license is for.
    kind: LicenseKind,
    /// How many units.
    quantity: u32,
    /// How long its license lasts.
    term: Term,
    /// When it was made.
    created_at: Timestamp,
    /// When it can no longer be redeemed; null: never.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

impl From<IssuedCode> for IssuedActivationCode {
    fn from(IssuedCode { code: stored, text }: IssuedCode) -> Self {
        Self {
            id: stored.id,
            code: text,
            account_id: stored.account_id,
            kind: stored.grant.kind.into(),
            quantity: stored.grant.quantity,
            term: stored.grant.term.into(),
            created_at: stored.created_at.into(),
            expires_at: stored.expires_at.map(Into::into),
        }
    }
}

/// Make an activation code
///
/// Operator key. Whoever redeems it gets a license, once (L-8).
#[utoipa::path(
    post, path = path::ACTIVATION_CODES, tag = TAG, operation_id = "add_activation_code",
    request_body = NewActivationCode,
    responses(
        (status = 201, description = "The code.", body = IssuedActivationCode),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 404, description = "`not_found`: no such account."),
        (
            status = 422,
            description = "`invalid_request`, `invalid_quantity`, `invalid_term`, `idempotency_key_reused`, \
                           `invalid_idempotency_key`",
        ),
        (status = 503, description = "`signing_unavailable`: the site has no usable signing key."),
    ),
)]
async fn issue(State(engine): State<Engine>, write: Write<NewActivationCode>) -> Result<Response, Problem> {
    write.caller.require_operator()?;
    let (account_id, grant) = write.body.parse(engine.now())?;
    let issued = engine.add_activation_code(write.caller, account_id, grant, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, issued.map(IssuedActivationCode::from)))
}

/// An activation code, without its text.
#[derive(Debug, Serialize, ToSchema)]
struct ActivationCode {
    /// Its id.
    #[schema(value_type = String, example = "cod_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: CodeId,
    /// Who may redeem it; null: whoever has it.
    #[schema(value_type = Option<String>, required)]
    account_id: Option<AccountId>,
    /// What its license is for.
    kind: LicenseKind,
    /// How many units.
    quantity: u32,
    /// How long its license lasts.
    term: Term,
    /// When it was made.
    created_at: Timestamp,
    /// When it can no longer be redeemed; null: never.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    /// The account that redeemed it.
    #[schema(value_type = Option<String>, required)]
    redeemed_by: Option<AccountId>,
    /// The license that it made.
    #[schema(value_type = Option<String>, required)]
    license_id: Option<LicenseId>,
    /// When it was redeemed.
    #[schema(required)]
    redeemed_at: Option<Timestamp>,
}

impl From<StoredCode> for ActivationCode {
    fn from(stored: StoredCode) -> Self {
        let StoredCode { id, account_id, grant, created_at, expires_at, redeemed } = stored;
        Self {
            id,
            account_id,
            kind: grant.kind.into(),
            quantity: grant.quantity,
            term: grant.term.into(),
            created_at: created_at.into(),
            expires_at: expires_at.map(Into::into),
            redeemed_by: redeemed.map(|redeemed| redeemed.account_id),
            license_id: redeemed.map(|redeemed| redeemed.license_id),
            redeemed_at: redeemed.map(|redeemed| redeemed.at.into()),
        }
    }
}

/// List activation codes
///
/// Operator key. Oldest first, without their texts.
#[utoipa::path(
    get, path = path::ACTIVATION_CODES, tag = TAG, operation_id = "list_activation_codes", params(PageQuery),
    responses(
        (status = 200, description = "A page of codes.", body = List<ActivationCode>),
        (status = 403, description = "`forbidden`: an account key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<PageQuery>,
) -> Result<Json<List<ActivationCode>>, Problem> {
    let asked = query.parse()?;
    let codes = engine.activation_codes(caller, asked.page()).await?;
    Ok(Json(asked.list(codes, |code| code.id, ActivationCode::from)))
}

/// An activation code to redeem.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Redeem {
    /// Who gets the license. An account key may leave it out.
    #[schema(example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: Option<String>,
    /// The text of the code.
    code: String,
}

impl Redeem {
    fn parse(self, caller: Caller) -> Result<(AccountId, String), Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        faults.finish(|| Some((account_id?, self.code)))
    }
}

/// Redeem an activation code
///
/// Its license takes effect at once (L-8). Each code makes one license.
#[utoipa::path(
    post, path = path::ACTIVATION_CODES_REDEEM, tag = TAG, operation_id = "redeem_activation_code",
    request_body = Redeem,
    responses(
        (status = 201, description = "The license.", body = License),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 409, description = "`already_redeemed`"),
        (
            status = 422,
            description = "`invalid_request`, `malformed_code`, `unsupported_algorithm`, `wrong_type`, `unknown_key`, \
                           `code_signature_invalid`, `unsupported_version`, `inconsistent`, `expired`, \
                           `unknown_activation_code`, `invalid_term`, `idempotency_key_reused`, `invalid_idempotency_key`",
        ),
    ),
)]
async fn redeem(State(engine): State<Engine>, write: Write<Redeem>) -> Result<Response, Problem> {
    let (account_id, code) = write.body.parse(write.caller)?;
    let redeemed = engine.redeem(write.caller, account_id, &code, write.idempotency).await?;
    Ok(answer(StatusCode::CREATED, redeemed.map(License::from)))
}
