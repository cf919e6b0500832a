//! Units of licenses: how many an account has, and what each was used for.

use axum::Json;
use axum::extract::State;
use domain::id::{AccountId, AllocationId, LicenseId};
use domain::unit::Allocation as StoredAllocation;
use engine::{Caller, Engine};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{By, account};
use super::fault::Faults;
use super::list::{List, PageQuery};
use super::problem::Problem;
use super::query::{Params, Place};
use super::wire::{Ending, Timestamp, Trigger};
use super::{App, path};

const TAG: &str = "Licenses";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(summary)).routes(routes!(allocations))
}

/// Whose units to count.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SummaryQuery {
    /// The account. An account key may leave it out.
    account_id: Option<String>,
}

impl SummaryQuery {
    fn parse(&self, caller: Caller) -> Result<AccountId, Problem> {
        let mut faults = Faults::default();
        let account_id = account(&mut faults, caller, self.account_id.as_deref());
        faults.finish(|| account_id)
    }
}

/// How many live units an account has.
#[derive(Debug, Serialize, ToSchema)]
struct Summary {
    /// Units that protect hosts.
    dr: DrUnits,
    /// Units that pay for failbacks.
    failback: FailbackUnits,
}

/// Live units that protect hosts. In grace they are live, and not available (L-7).
#[derive(Debug, Serialize, ToSchema)]
struct DrUnits {
    /// All.
    total: u64,
    /// Those that protect a host.
    in_use: u64,
    /// Those that a host could get.
    available: u64,
}

/// Live units that pay for failbacks (L-5).
#[derive(Debug, Serialize, ToSchema)]
struct FailbackUnits {
    /// All.
    total: u64,
    /// Those that are set aside for a failback that runs.
    reserved: u64,
    /// Those that were used.
    consumed: u64,
    /// Those that an installation has taken along.
    checked_out: u64,
    /// Those that a failback could use.
    available: u64,
}

impl From<engine::Summary> for Summary {
    fn from(summary: engine::Summary) -> Self {
        Self {
            dr: DrUnits { total: summary.dr_total, in_use: summary.dr_in_use, available: summary.dr_available },
            failback: FailbackUnits {
                total: summary.failback_total,
                reserved: summary.failback_reserved,
                consumed: summary.failback_consumed,
                checked_out: summary.failback_checked_out,
                available: summary.failback_available,
            },
        }
    }
}

/// Count the units of an account
///
/// Only live ones: those of licenses that are valid or in grace.
#[utoipa::path(
    get, path = path::LICENSES_SUMMARY, tag = TAG, operation_id = "get_license_summary", params(SummaryQuery),
    responses(
        (status = 200, description = "The units.", body = Summary),
        (status = 404, description = "`not_found`: no such account, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn summary(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<SummaryQuery>,
) -> Result<Json<Summary>, Problem> {
    let account_id = query.parse(caller)?;
    Ok(Json(engine.license_summary(caller, account_id).await?.into()))
}

/// A row of the allocation log: who used a unit from when to when, and by whose order. Rows are never changed once ended.
#[derive(Debug, Serialize, ToSchema)]
struct Allocation {
    /// Its id.
    #[schema(value_type = String, example = "alc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: AllocationId,
    /// The number of the unit, from 1.
    unit: u32,
    /// The host or installation that used it.
    user: String,
    /// From when on.
    started_at: Timestamp,
    /// Who started it.
    started_by: Trigger,
    /// Until when; null: it still does.
    #[schema(required)]
    ended_at: Option<Timestamp>,
    /// Who ended it.
    #[schema(required)]
    ended_by: Option<Trigger>,
    /// How it ended.
    #[schema(required)]
    ending: Option<Ending>,
}

impl From<StoredAllocation> for Allocation {
    fn from(allocation: StoredAllocation) -> Self {
        let StoredAllocation { id, unit, user, started_at, started_by, end } = allocation;
        Self {
            id,
            unit: unit.number,
            user,
            started_at: started_at.into(),
            started_by: started_by.into(),
            ended_at: end.map(|end| end.at.into()),
            ended_by: end.map(|end| end.by.into()),
            ending: end.map(|end| end.ending.into()),
        }
    }
}

/// List what the units of a license were used for
///
/// The allocation log, oldest first.
#[utoipa::path(
    get, path = path::LICENSE_ALLOCATIONS, tag = TAG, operation_id = "list_allocations",
    params(("id" = String, Path, description = "The license."), PageQuery),
    responses(
        (status = 200, description = "A page of allocations.", body = List<Allocation>),
        (status = 404, description = "`not_found`: no such license, or not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn allocations(
    State(engine): State<Engine>,
    By(caller): By,
    Place(id): Place<LicenseId>,
    Params(query): Params<PageQuery>,
) -> Result<Json<List<Allocation>>, Problem> {
    let asked = query.parse()?;
    let allocations = engine.allocations(caller, id, asked.page()).await?;
    Ok(Json(asked.list(allocations, |allocation| allocation.id, Allocation::from)))
}
