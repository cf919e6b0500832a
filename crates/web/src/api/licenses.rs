//! Licenses: what an account holds, and in which state.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::catalog::Code;
use domain::id::{AccountId, CodeId, LicenseId, OrderId};
use engine::{Engine, LicenseView};
use serde::{Deserialize, Serialize};
use store::LicenseFilter;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::Body;
use super::caller::By;
use super::export::{Sheet, optional};
use super::fault::Faults;
use super::list::{Asked, List, PageQuery};
use super::problem::Problem;
use super::query::{Params, Place};
use super::renewals::Attempt;
use super::wire::{LicenseKind, LicenseSource, LicenseStatus, Timestamp};
use super::{App, path};

const TAG: &str = "Licenses";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(show, switch))
        .routes(routes!(attempts))
}

/// A right that was bought or given, counted in units (L-1).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct License {
    /// Its id; it stays the same through all renewals (L-7).
    #[schema(value_type = String, example = "lic_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: LicenseId,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// What it is for.
    kind: LicenseKind,
    /// Where it comes from.
    source: LicenseSource,
    /// What was bought; null: it was not bought, and does not renew.
    #[schema(value_type = Option<String>, required, example = "dr")]
    product: Option<Code>,
    /// The stored choice: the plan.
    #[schema(value_type = Option<String>, required, example = "monthly")]
    plan: Option<Code>,
    /// The stored choice: how many terms of the plan.
    #[schema(required)]
    terms: Option<u32>,
    /// How many units.
    total: u32,
    /// Units that protect a host, are set aside for a failback, or are checked out.
    in_use: u32,
    /// One-time units that were used (L-5).
    consumed: u32,
    /// What each unit is used for.
    units: Units,
    /// Local dates from its activation to its expiry.
    service_life_days: i64,
    /// When it took effect (L-2).
    activated_at: Timestamp,
    /// The expiry `E`: the end of the paid term.
    expires_at: Timestamp,
    /// The end of its grace: until then its hosts go on (L-7). Without grace the expiry.
    ends_at: Timestamp,
    /// Where it stands.
    status: LicenseStatus,
    /// The switch: whether it renews by itself.
    auto_renew: bool,
    /// When the next attempt to renew is made.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    /// The DR license with which it came as a bonus (L-3).
    #[schema(value_type = Option<String>, required)]
    parent_id: Option<LicenseId>,
    /// The order that made it.
    #[schema(value_type = Option<String>, required)]
    order_id: Option<OrderId>,
    /// The activation code that made it.
    #[schema(value_type = Option<String>, required)]
    code_id: Option<CodeId>,
    /// Why the operator gave, suspended, reinstated or revoked it, last.
    #[schema(required)]
    reason: Option<String>,
    /// When it expired for good or was revoked.
    #[schema(required)]
    ended_at: Option<Timestamp>,
}

/// What the units of a license are used for.
#[derive(Debug, Serialize, ToSchema)]
struct Units {
    /// Protecting a host (L-6).
    assigned: u32,
    /// Set aside for a failback that runs (L-5).
    reserved: u32,
    /// Used by a failback that succeeded (L-5).
    consumed: u32,
    /// Taken along by an installation.
    checked_out: u32,
    /// For nothing.
    free: u32,
}

impl From<LicenseView> for License {
    fn from(view: LicenseView) -> Self {
        let LicenseView { license, status, service_life_days, next_attempt_at } = view;
        let free = license.n_free();
        let domain::unit::UnitCounts { assigned, reserved, consumed, checked_out, touched: _ } = license.units;
        Self {
            id: license.id,
            account_id: license.account_id,
            kind: license.kind.into(),
            source: license.source.into(),
            product: license.subscription.map(|subscription| subscription.product),
            plan: license.subscription.map(|subscription| subscription.plan),
            terms: license.subscription.map(|subscription| subscription.terms),
            total: license.total,
            in_use: license.units.n_in_use(),
            consumed,
            units: Units { assigned, reserved, consumed, checked_out, free },
            service_life_days,
            activated_at: license.activated_at.into(),
            expires_at: license.expires_at.into(),
            ends_at: license.ends_at.into(),
            status: status.into(),
            auto_renew: license.auto_renew,
            next_attempt_at: next_attempt_at.map(Into::into),
            parent_id: license.parent_id,
            order_id: license.order_id,
            code_id: license.code_id,
            reason: license.reason,
            ended_at: license.ended_at.map(Into::into),
        }
    }
}

/// Read a license
#[utoipa::path(
    get, path = path::LICENSE, tag = TAG, operation_id = "get_license",
    params(("id" = String, Path, description = "The license.")),
    responses(
        (status = 200, description = "The license.", body = License),
        (status = 404, description = "`not_found`: no such license, or not for this key."),
    ),
)]
async fn show(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<LicenseId>,
) -> Result<Json<License>, Problem> {
    Ok(Json(engine.license(caller, id).await?.into()))
}

/// Which licenses to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LicensesQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// Of this kind.
    kind: Option<LicenseKind>,
    /// With this status now.
    status: Option<LicenseStatus>,
    /// From this source.
    source: Option<LicenseSource>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A filter, and the status at the present instant.
type Narrowed = (LicenseFilter, Option<domain::license::Status>);

impl LicensesQuery {
    fn parse(self) -> Result<(Narrowed, Asked<LicenseId>), Problem> {
        let Self { account_id, kind, status, source, limit, cursor } = self;
        let mut faults = Faults::default();
        let asked = Asked::parse(&mut faults, limit.as_deref(), cursor.as_deref());
        let narrowed = ExportQuery { account_id, kind, status, source }.narrowed(&mut faults);
        faults.finish(|| narrowed.zip(asked))
    }
}

/// List licenses
///
/// Oldest first.
#[utoipa::path(
    get, path = path::LICENSES, tag = TAG, operation_id = "list_licenses", params(LicensesQuery),
    responses(
        (status = 200, description = "A page of licenses.", body = List<License>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<LicensesQuery>,
) -> Result<Json<List<License>>, Problem> {
    let ((filter, status), asked) = query.parse()?;
    let views = engine.licenses(caller, filter, status, asked.page()).await?;
    Ok(Json(asked.list(views, |view| view.license.id, License::from)))
}

/// Which licenses to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// Of this kind.
    kind: Option<LicenseKind>,
    /// With this status now.
    status: Option<LicenseStatus>,
    /// From this source.
    source: Option<LicenseSource>,
}

impl ExportQuery {
    fn narrowed(self, faults: &mut Faults) -> Option<Narrowed> {
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref())?;
        let (kind, source) = (self.kind.map(Into::into), self.source.map(Into::into));
        Some((LicenseFilter { account_id, kind, status: None, source }, self.status.map(Into::into)))
    }
}

const SHEET: Sheet<LicenseView, LicenseId> = Sheet {
    file_name: "licenses.csv",
    columns: &[
        "id",
        "account_id",
        "kind",
        "source",
        "product",
        "plan",
        "terms",
        "total",
        "in_use",
        "consumed",
        "assigned",
        "reserved",
        "checked_out",
        "free",
        "service_life_days",
        "activated_at",
        "expires_at",
        "ends_at",
        "status",
        "auto_renew",
        "next_attempt_at",
        "parent_id",
        "order_id",
        "code_id",
        "reason",
        "ended_at",
    ],
    position: |view| view.license.id,
    cells,
};

fn cells(view: LicenseView) -> Vec<String> {
    let LicenseView { license, status, service_life_days, next_attempt_at } = view;
    let domain::unit::UnitCounts { assigned, reserved, consumed, checked_out, touched: _ } = license.units;
    vec![
        license.id.to_string(),
        license.account_id.to_string(),
        license.kind.name().to_owned(),
        license.source.name().to_owned(),
        optional(license.subscription.map(|subscription| subscription.product)),
        optional(license.subscription.map(|subscription| subscription.plan)),
        optional(license.subscription.map(|subscription| subscription.terms)),
        license.total.to_string(),
        license.units.n_in_use().to_string(),
        consumed.to_string(),
        assigned.to_string(),
        reserved.to_string(),
        checked_out.to_string(),
        license.n_free().to_string(),
        service_life_days.to_string(),
        license.activated_at.to_string(),
        license.expires_at.to_string(),
        license.ends_at.to_string(),
        status.name().to_owned(),
        license.auto_renew.to_string(),
        optional(next_attempt_at),
        optional(license.parent_id),
        optional(license.order_id),
        optional(license.code_id),
        optional(license.reason),
        optional(license.ended_at),
    ]
}

/// Export licenses as CSV
///
/// All that the filters find, oldest first, in RFC 4180. A cell that a spreadsheet would run as a formula starts with an
/// apostrophe. When something goes wrong on the way the transfer breaks off, so a part is never taken for the whole.
#[utoipa::path(
    get, path = path::LICENSES_CSV, tag = TAG, operation_id = "export_licenses", params(ExportQuery),
    responses(
        (status = 200, description = "The licenses.", body = String, content_type = "text/csv"),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn export(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<ExportQuery>,
) -> Result<Response, Problem> {
    let mut faults = Faults::default();
    let narrowed = query.narrowed(&mut faults);
    let (filter, status) = faults.finish(|| narrowed)?;
    let page = move |page| {
        let (engine, filter) = (engine.clone(), filter.clone());
        async move { engine.licenses(caller, filter, status, page).await }
    };
    SHEET.export(page).await
}

/// The switch of a license.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LicenseSwitch {
    /// Whether it renews by itself.
    auto_renew: bool,
}

/// Turn the switch of a license
///
/// Of a DR license that was bought, until it has ended (R-12, L-7). On makes an attempt at once when it is in grace;
/// off stops all further attempts.
#[utoipa::path(
    patch, path = path::LICENSE, tag = TAG, operation_id = "switch_license", request_body = LicenseSwitch,
    params(("id" = String, Path, description = "The license.")),
    responses(
        (status = 200, description = "The license.", body = License),
        (status = 404, description = "`not_found`: no such license, or not for this key."),
        (status = 409, description = "`license_ended`"),
        (status = 422, description = "`invalid_request`, `auto_renew_not_supported` (L-4)"),
    ),
)]
async fn switch(
    State(engine): State<Engine>,
    Place(id): Place<LicenseId>,
    switch: Body<LicenseSwitch>,
) -> Result<Json<License>, Problem> {
    Ok(Json(engine.switch_license(switch.caller, id, switch.body.auto_renew).await?.into()))
}

/// List the attempts to renew a license
///
/// Oldest first. Every try is kept with its outcome and reason (R-2, L-7).
#[utoipa::path(
    get, path = path::LICENSE_ATTEMPTS, tag = TAG, operation_id = "list_license_attempts",
    params(("id" = String, Path, description = "The license."), PageQuery),
    responses(
        (status = 200, description = "A page of attempts.", body = List<Attempt>),
        (status = 404, description = "`not_found`: no such license, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn attempts(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<LicenseId>,
    Params(query): Params<PageQuery>,
) -> Result<Json<List<Attempt>>, Problem> {
    let asked = query.parse()?;
    let attempts = engine.license_attempts(caller, id, asked.page()).await?;
    Ok(Json(asked.list(attempts, |attempt| attempt.id, Attempt::from)))
}
