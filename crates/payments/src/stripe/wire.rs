//! What Stripe says, as far as it is read here, and what it means.
//!
//! Everything may be missing or strange. What a payment depends on is checked, and what makes no sense is an unknown end,
//! never a panic and never a guess.

use std::collections::BTreeMap;

use domain::id::{OrderId, PaymentId};
use domain::money::{Amount, Currency};
use domain::payment::{Receipt, SavedMethod};
use domain::time::Instant;
use serde::Deserialize;

use super::{clean, currency, refused};
use crate::port::{About, Answer, Decline, Failure, Movement, MovementKind, Opened, Place, Status};

/// An object where it was expanded, else its id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

/// Of an object that may be expanded, only the id.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    id: String,
}

impl Expandable<Named> {
    fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(named) => &named.id,
        }
    }
}

impl<T> Expandable<T> {
    fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// The pairs that we gave along.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Metadata(Option<BTreeMap<String, String>>);

impl Metadata {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.get(name).map(String::as_str)
    }

    pub(super) fn payment_id(&self) -> Option<PaymentId> {
        self.get("payment_id")?.parse().ok()
    }

    pub(super) fn order_id(&self) -> Option<OrderId> {
        self.get("order_id")?.parse().ok()
    }
}

/// A part of a list, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    pub(super) has_more: bool,
}

/// An object of a list that is searched.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) id: String,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

/// A checkout session.
#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub(super) id: String,
    status: String,
    payment_status: String,
    url: Option<String>,
    payment_intent: Option<Expandable<Intent>>,
    client_reference_id: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

impl Session {
    /// A session that waits for its buyer.
    pub(super) fn opened(self) -> Answer<Opened> {
        match (self.status.as_str(), self.url) {
            ("open", Some(url)) => Ok(Opened { reference: self.id, place: Place::Page(url) }),
            _ => Err(nonsense("the session is not open")),
        }
    }

    pub(super) fn into_status(self) -> Answer<Status> {
        let intent = self.payment_intent.as_ref().and_then(Expandable::object);
        let intent_status = intent.map(|intent| intent.status.as_str());
        match (self.status.as_str(), self.payment_status.as_str(), intent_status) {
            ("open", "unpaid", _) => self.opened().map(Status::Open),
            ("complete", "paid", Some("succeeded")) | ("expired", _, Some("succeeded")) => self.paid(),
            // A buyer cannot try again on a session that is complete.
            ("complete", "unpaid", Some("canceled" | "requires_payment_method")) => {
                let decline = intent.map(|intent| intent.decline(self.id.clone()));
                decline.map(Status::Failed).ok_or_else(|| nonsense("the session has no payment"))
            }
            ("complete", "unpaid", _) | ("expired", _, Some("processing")) => {
                Ok(Status::Processing { reference: self.id })
            }
            ("expired", "unpaid", _) => Ok(Status::Expired),
            _ => Err(nonsense("the state of the session makes no sense")),
        }
    }

    /// The money is what the payment intent received, whatever was asked for.
    fn paid(&self) -> Answer<Status> {
        let Some(intent) = self.payment_intent.as_ref().and_then(Expandable::object) else {
            return Err(nonsense("the session has no payment"));
        };
        let mut receipt = intent.receipt(&self.id)?;
        receipt.payment_id = self.metadata.payment_id().or(receipt.payment_id);
        let named = self.client_reference_id.as_deref().and_then(|id| id.parse().ok());
        receipt.order_id = self.metadata.order_id().or(named).or(receipt.order_id);
        Ok(Status::Paid(receipt))
    }
}

/// A payment intent.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    status: String,
    amount_received: i64,
    currency: String,
    livemode: bool,
    customer: Option<Expandable<Named>>,
    setup_future_usage: Option<String>,
    payment_method: Option<Expandable<Method>>,
    latest_charge: Option<Expandable<Disputable>>,
    last_payment_error: Option<ApiError>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Disputable {
    disputed: bool,
}

#[derive(Debug, Deserialize)]
struct Method {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    card: Option<Card>,
}

#[derive(Debug, Deserialize)]
struct Card {
    brand: String,
    last4: String,
    exp_month: u8,
    exp_year: u16,
}

impl Intent {
    pub(super) fn into_status(self) -> Answer<Status> {
        match self.status.as_str() {
            "succeeded" => self.receipt(&self.id).map(Status::Paid),
            "requires_action" | "canceled" | "requires_payment_method" => {
                Ok(Status::Failed(self.decline(self.id.clone())))
            }
            "processing" | "requires_confirmation" | "requires_capture" => {
                Ok(Status::Processing { reference: self.id })
            }
            _ => Err(nonsense("the state of the payment makes no sense")),
        }
    }

    fn decline(&self, reference: String) -> Decline {
        let error = self.last_payment_error.as_ref();
        let wants_payer = self.status == "requires_action";
        let code = error.and_then(ApiError::reason).unwrap_or(if wants_payer {
            "authentication_required"
        } else {
            self.status.as_str()
        });
        let needs_payer = wants_payer || error.is_some_and(ApiError::needs_payer);
        Decline { reference: Some(reference), code: clean(code), needs_payer }
    }

    fn receipt(&self, reference: &str) -> Answer<Receipt> {
        let (amount, currency) = money(self.amount_received, &self.currency)?;
        if amount <= Amount::ZERO {
            return Err(nonsense("the payment succeeded without money"));
        }
        let charge = self.latest_charge.as_ref().and_then(Expandable::object);
        Ok(Receipt {
            reference: reference.to_owned(),
            movement: self.id.clone(),
            amount,
            currency,
            is_live: self.livemode,
            payment_id: self.metadata.payment_id(),
            order_id: self.metadata.order_id(),
            method: self.saved_method(),
            is_disputed: charge.is_some_and(|charge| charge.disputed),
        })
    }

    /// Without the buyer's word nothing is kept, whatever the platform would allow.
    fn saved_method(&self) -> Option<SavedMethod> {
        if self.setup_future_usage.as_deref() != Some("off_session") {
            return None;
        }
        let customer = self.customer.as_ref()?.id().to_owned();
        let (reference, label) = match self.payment_method.as_ref()? {
            Expandable::Id(id) => (id.clone(), "card".to_owned()),
            Expandable::Object(method) => (method.id.clone(), method.label()),
        };
        Some(SavedMethod { customer, reference, label })
    }
}

impl Method {
    fn label(&self) -> String {
        match &self.card {
            Some(Card { brand, last4, exp_month, exp_year }) => {
                clean(&format!("{brand} **** {last4}, {exp_month:02}/{exp_year}"))
            }
            None => clean(&self.kind),
        }
    }
}

/// A charge, as the list of movements has it.
#[derive(Debug, Deserialize)]
pub(super) struct ListedCharge {
    pub(super) id: String,
    status: String,
    amount_captured: i64,
    currency: String,
    created: i64,
    payment_intent: Option<Expandable<Named>>,
    #[serde(default)]
    metadata: Metadata,
}

impl ListedCharge {
    /// `None`: no money moved.
    pub(super) fn movement(&self) -> Answer<Option<Movement>> {
        if self.status != "succeeded" || self.amount_captured == 0 {
            return Ok(None);
        }
        let (amount, currency) = money(self.amount_captured, &self.currency)?;
        // A charge of somebody else's program may have no intent. It is still money that came.
        let movement = self.payment_intent.as_ref().map_or(self.id.as_str(), Expandable::id).to_owned();
        Ok(Some(Movement {
            movement,
            kind: MovementKind::In,
            at: instant(self.created)?,
            amount,
            currency,
            payment_id: self.metadata.payment_id(),
            order_id: self.metadata.order_id(),
        }))
    }
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(super) struct ListedRefund {
    pub(super) id: String,
    status: Option<String>,
    failure_reason: Option<String>,
    amount: i64,
    currency: String,
    created: i64,
    payment_intent: Option<Expandable<Named>>,
    charge: Option<Expandable<Named>>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

impl ListedRefund {
    /// `None`: no money moved, or it came back.
    pub(super) fn movement(&self) -> Answer<Option<Movement>> {
        if !matches!(self.status.as_deref(), Some("succeeded" | "pending")) {
            return Ok(None);
        }
        let (amount, currency) = money(self.amount, &self.currency)?;
        let brought = self.payment_intent.as_ref().or(self.charge.as_ref());
        Ok(Some(Movement {
            movement: brought.map_or(self.id.as_str(), Expandable::id).to_owned(),
            kind: MovementKind::Out,
            at: instant(self.created)?,
            amount,
            currency,
            payment_id: self.metadata.payment_id(),
            order_id: self.metadata.order_id(),
        }))
    }

    /// Whether the money goes back; a refund that the payer's bank did not take is none.
    pub(super) fn outcome(&self) -> Answer<()> {
        match self.status.as_deref() {
            Some("succeeded" | "pending" | "requires_action") => Ok(()),
            Some("failed" | "canceled") => {
                let reason = self.failure_reason.as_deref().unwrap_or("refund_failed");
                Err(refused(reason, "the refund failed, and the money stayed"))
            }
            Some(_) | None => Err(nonsense("the state of the refund makes no sense")),
        }
    }
}

/// A notice.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    data: EventData,
}

#[derive(Debug, Deserialize)]
struct EventData {
    object: Subject,
}

/// What a notice is about. Of an object that is nothing of ours, nothing is needed.
#[derive(Debug, Deserialize)]
struct Subject {
    object: Option<String>,
    id: Option<String>,
    payment_intent: Option<Expandable<Named>>,
    #[serde(default)]
    metadata: Metadata,
}

impl Event {
    pub(super) fn about(&self) -> Option<About> {
        let subject = &self.data.object;
        let payment_id = subject.metadata.payment_id();
        match subject.object.as_deref()? {
            "checkout.session" => Some(About { payment_id, reference: subject.id.clone(), movement: None }),
            "payment_intent" => Some(About { payment_id, reference: None, movement: subject.id.clone() }),
            "charge" | "dispute" | "refund" => {
                let movement = subject.payment_intent.as_ref().map(|intent| intent.id().to_owned());
                let about = About { payment_id, reference: None, movement };
                Some(about).filter(|about| about.movement.is_some() || about.payment_id.is_some())
            }
            _ => None,
        }
    }
}

/// How Stripe says no.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) error: ApiError,
}

/// The reason of a no, or of a payment that failed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ApiError {
    /// Of the answer that held it.
    #[serde(skip)]
    status: u16,
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
    payment_intent: Option<Expandable<Named>>,
}

impl ApiError {
    pub(super) fn at(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn is_missing(&self) -> bool {
        self.status == 404 && self.code.as_deref() == Some("resource_missing")
    }

    /// The call itself is wrong, or comes at the wrong time.
    pub(super) const fn is_invalid(&self) -> bool {
        self.status == 400
    }

    pub(super) fn is_about_key(&self) -> bool {
        self.kind.as_deref() == Some("idempotency_error")
    }

    /// The bank of the payer said no.
    pub(super) fn decline(&self) -> Option<Decline> {
        if self.status != 402 || self.kind.as_deref() != Some("card_error") {
            return None;
        }
        Some(Decline {
            reference: self.payment_intent.as_ref().map(|intent| intent.id().to_owned()),
            code: clean(self.reason().unwrap_or("card_error")),
            needs_payer: self.needs_payer(),
        })
    }

    /// The bank's code is more precise than Stripe's.
    fn reason(&self) -> Option<&str> {
        self.decline_code.as_deref().or(self.code.as_deref())
    }

    fn needs_payer(&self) -> bool {
        [&self.code, &self.decline_code].into_iter().any(|code| code.as_deref() == Some("authentication_required"))
    }

    pub(super) fn into_failure(self) -> Failure {
        let status = format!("http_{}", self.status);
        let code = self.code.as_deref().or(self.kind.as_deref()).unwrap_or(&status);
        refused(code, self.message.as_deref().unwrap_or("without a reason"))
    }
}

pub(super) fn nonsense(what: &str) -> Failure {
    Failure::Unknown(what.to_owned())
}

fn money(theirs: i64, code: &str) -> Answer<(Amount, Currency)> {
    currency::from_stripe(theirs, code).ok_or_else(|| nonsense("an amount or its currency makes no sense"))
}

fn instant(seconds: i64) -> Answer<Instant> {
    Instant::from_seconds(seconds).map_err(|_| nonsense("an instant makes no sense"))
}
