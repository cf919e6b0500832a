//! One way to speak to any platform.

use domain::payment::PlatformName;
use domain::time::Instant;
use http::HeaderMap;

use crate::bank_transfer::BankTransfer;
use crate::port::{
    Acknowledgement, Answer, Asked, Capabilities, Charge, Checkout, Failure, Movements, Notice, NoticeRefusal, Opened,
    Refund, Status,
};
use crate::stripe::Stripe;

/// A payment platform.
#[derive(Debug)]
pub enum Platform {
    /// Stripe, or the sandbox, which speaks its language.
    Stripe(Stripe),
    /// A transfer between banks, which the operator confirms.
    BankTransfer(BankTransfer),
}

impl Platform {
    /// Which platform it is.
    #[must_use]
    pub const fn name(&self) -> PlatformName {
        match self {
            Self::Stripe(stripe) => stripe.name(),
            Self::BankTransfer(_) => PlatformName::BankTransfer,
        }
    }

    /// Whether real money moves.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Stripe(stripe) => stripe.is_live(),
            Self::BankTransfer(_) => true,
        }
    }

    /// What it can do.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        match self {
            Self::Stripe(_) => Stripe::CAPABILITIES,
            Self::BankTransfer(_) => BankTransfer::CAPABILITIES,
        }
    }

    /// Opens a checkout. Repeating it with the same payment id gives the same one, while the platform remembers it (24
    /// hours).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open(&self, checkout: &Checkout) -> Answer<Opened> {
        match self {
            Self::Stripe(stripe) => stripe.open(checkout).await,
            Self::BankTransfer(transfer) => Ok(transfer.open(checkout)),
        }
    }

    /// Makes a checkout take no money any more, and says how it stands then: expired, or paid already.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn expire(&self, asked: &Asked) -> Answer<Status> {
        match self {
            Self::Stripe(stripe) => stripe.expire(asked).await,
            Self::BankTransfer(_) => Ok(Status::Expired),
        }
    }

    /// How a payment stands.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn status(&self, asked: &Asked) -> Answer<Status> {
        match self {
            Self::Stripe(stripe) => stripe.status(asked).await,
            Self::BankTransfer(transfer) => Ok(transfer.status(asked)),
        }
    }

    /// Charges a saved payment method while nobody is there.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn charge(&self, charge: &Charge) -> Answer<Status> {
        match self {
            Self::Stripe(stripe) => stripe.charge(charge).await,
            Self::BankTransfer(_) => Err(Failure::Unsupported),
        }
    }

    /// Gives money back, once for each key, however often it is called.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn refund(&self, refund: &Refund) -> Answer<()> {
        match self {
            Self::Stripe(stripe) => stripe.refund(refund).await,
            Self::BankTransfer(_) => Err(Failure::Unsupported),
        }
    }

    /// Reads a notice from its raw bytes, if it is genuine.
    ///
    /// # Errors
    /// [`NoticeRefusal`].
    pub fn notice(&self, headers: &HeaderMap, body: &[u8], now: Instant) -> Result<Notice, NoticeRefusal> {
        match self {
            Self::Stripe(stripe) => stripe.notice(headers, body, now),
            Self::BankTransfer(_) => Err(NoticeRefusal::NoSecret),
        }
    }

    /// What the platform wants to hear when a notice has arrived.
    #[must_use]
    pub const fn acknowledgement(&self) -> Acknowledgement {
        match self {
            Self::Stripe(_) => Stripe::ACKNOWLEDGEMENT,
            Self::BankTransfer(_) => Acknowledgement { content_type: "text/plain", body: "" },
        }
    }

    /// What moved on the platform from an instant on and before another. `after` is the `next` of the part before.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn movements(&self, from: Instant, until: Instant, after: Option<&str>) -> Answer<Movements> {
        match self {
            Self::Stripe(stripe) => stripe.movements(from, until, after).await,
            Self::BankTransfer(_) => Err(Failure::Unsupported),
        }
    }
}
