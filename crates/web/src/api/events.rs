//! Events: what happened, for programs to read.

use axum::Json;
use axum::extract::State;
use domain::event::Body as EventBody;
use domain::id::{AccountId, EventId};
use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{EventFilter, StoredEvent};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::By;
use super::fault::Faults;
use super::list::{Asked, List};
use super::problem::Problem;
use super::query::Params;
use super::wire::{Timestamp, raw};
use super::{App, path};

const TAG: &str = "Events";

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
struct Event {
    /// Its id; ids rise in the order in which events are stored.
    #[schema(value_type = String, example = "evt_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "resource.renewed")]
    kind: String,
    /// When; for late work the instant at which it was due.
    at: Timestamp,
    /// The customer.
    #[schema(value_type = String, example = "acc_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    account_id: AccountId,
    /// The account, order, resource, license, failback or installation that the type names.
    #[schema(example = "res_01jtmxp1vyf5ntx9a1cqk8q4nk")]
    subject_id: String,
    /// The facts; their names are those of the API.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

impl From<StoredEvent> for Event {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { id, kind, at, account_id, subject, data } = event;
        Self { id, kind, at: at.into(), account_id, subject_id: subject, data: raw(data) }
    }
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Of this account; an account key sees only its own.
    account_id: Option<String>,
    /// Stored after the event with this id: how a program continues where it stopped.
    after: Option<String>,
    /// How many rows, 1 to 100; default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Types that programs may ask for already; what they tell of does not happen in this version.
const LATER: [&str; 2] = ["payment.succeeded", "payment.unapplied"];

impl EventsQuery {
    fn parse(self) -> Result<(EventFilter, Asked<EventId>), Problem> {
        let mut faults = Faults::default();
        let account_id = faults.parse_opt("/account_id", self.account_id.as_deref());
        let after = faults.parse_opt("/after", self.after.as_deref());
        let asked = Asked::parse(&mut faults, self.limit.as_deref(), self.cursor.as_deref());
        if self.after.is_some() && self.cursor.is_some() {
            faults.add("/after", "cannot be combined with cursor");
        }
        let kind = self.kind;
        if kind.as_deref().is_some_and(|kind| !EventBody::NAMES.contains(&kind) && !LATER.contains(&kind)) {
            faults.add("/type", format!("must be one of {}", EventBody::NAMES.join(", ")));
        }
        faults.finish(|| Some((EventFilter { account_id: account_id?, kind }, asked?.after(after?))))
    }
}

/// List events
///
/// In the order in which they were stored. Read on with `after` or `cursor`; nothing is missed and nothing comes twice.
#[utoipa::path(
    get, path = path::EVENTS, tag = TAG, operation_id = "list_events", params(EventsQuery),
    responses(
        (status = 200, description = "A page of events.", body = List<Event>),
        (status = 404, description = "`not_found`: an account that is not for this key."),
        (status = 422, description = "`invalid_request`"),
    ),
)]
async fn list(
    State(engine): State<Engine>,
    By(caller): By,
    Params(query): Params<EventsQuery>,
) -> Result<Json<List<Event>>, Problem> {
    let (filter, asked) = query.parse()?;
    let events = engine.events(caller, filter, asked.page()).await?;
    Ok(Json(asked.list(events, |event| event.id, Event::from)))
}
