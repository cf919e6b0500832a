//! What every payment platform offers, and the words for it.

use domain::id::{OrderId, PaymentId};
use domain::money::{Amount, Currency};
use domain::payment::{Means, Receipt};
use domain::time::Instant;

/// How a call ended.
pub type Answer<T> = Result<T, Failure>;

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The platform said no; nothing was done.
    #[error("the payment platform refused: {code}: {message}")]
    Refused {
        /// The platform's code.
        code: String,
        /// The platform's words. They never hold secrets or card numbers.
        message: String,
    },
    /// Nothing reached the platform, so nothing was done.
    #[error("the payment platform cannot be reached: {0}")]
    NotSent(String),
    /// It may have been done, or not: no answer, or one that makes no sense. Ask, never repeat blindly.
    #[error("the payment platform gave no answer: {0}")]
    Unknown(String),
    /// The platform cannot do that at all.
    #[error("this payment platform cannot do that")]
    Unsupported,
}

/// What a platform can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// A buyer pays on a page of the platform.
    pub has_page: bool,
    /// A payment method can be kept and charged later.
    pub saves_methods: bool,
    /// It tells by itself that something happened.
    pub sends_notices: bool,
    /// Money can be given back.
    pub refunds: bool,
    /// It lists what moved, so that both sides can be compared.
    pub lists_movements: bool,
}

/// A line that the buyer sees on the platform's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutLine {
    /// What is paid for.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What all of them cost together.
    pub amount: Amount,
}

/// A payment to ask a buyer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Ours. It makes the call safe to repeat while the platform remembers it.
    pub payment_id: PaymentId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// How much.
    pub amount: Amount,
    /// The currency.
    pub currency: Currency,
    /// What is paid for; the amounts add up to the whole.
    pub lines: Vec<CheckoutLine>,
    /// A right for a time is bought, not a thing.
    pub is_subscription: bool,
    /// The buyer agrees to be charged later.
    pub saves_method: bool,
    /// The platform's customer, when one is known.
    pub customer: Option<String>,
    /// The buyer's address, for the platform's form.
    pub email: Option<String>,
    /// When the page stops taking money.
    pub expires_at: Instant,
    /// Where the buyer's browser goes after paying. That it arrives there means nothing.
    pub success_url: String,
    /// Where it goes after giving up.
    pub cancel_url: String,
}

/// A checkout that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The platform's name for it.
    pub reference: String,
    /// Where the buyer pays.
    pub place: Place,
}

/// Where and how a buyer pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a page.
    Page(String),
    /// With an app that reads this text as a QR code.
    QrCode(String),
    /// At a bank, with this reference, of at most 32 characters `[A-Za-z0-9_-]`.
    Transfer {
        /// What the buyer writes as the purpose.
        reference: String,
        /// To whom, in the vendor's words.
        instructions: String,
    },
}

/// The payment that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Ours.
    pub payment_id: PaymentId,
    /// How the money is to come.
    pub means: Means,
    /// The platform's name for it, when it is known; else it is looked for.
    pub reference: Option<String>,
    /// The platform's customer, when one is known.
    pub customer: Option<String>,
    /// When we made it: it is not looked for before.
    pub created_at: Instant,
}

/// What the platform says of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nothing was paid yet.
    Open(Opened),
    /// The buyer did what is theirs; the money is on its way.
    Processing {
        /// The platform's name for it.
        reference: String,
    },
    /// The money is there.
    Paid(Receipt),
    /// It was tried, and no money came.
    Failed(Decline),
    /// It takes no money any more.
    Expired,
    /// The platform does not know it.
    Missing,
}

/// Why no money came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// The platform's name for the try, when it has one.
    pub reference: Option<String>,
    /// The platform's code, such as `insufficient_funds`.
    pub code: String,
    /// The payer has to act: only a page can finish it.
    pub needs_payer: bool,
}

/// A saved payment method to charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Ours.
    pub payment_id: PaymentId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// How much.
    pub amount: Amount,
    /// The currency.
    pub currency: Currency,
    /// What the payer reads.
    pub description: String,
    /// The platform's customer.
    pub customer: String,
    /// The platform's name for the method.
    pub method: String,
}

/// Money to give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Ours: what is given back, given back once.
    pub key: String,
    /// The movement of money that brought it.
    pub movement: String,
    /// How much.
    pub amount: Amount,
    /// The currency.
    pub currency: Currency,
}

/// A notice of a platform that is genuine. It only says where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The platform's name for it.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// The payment to look at; `None`: nothing of ours.
    pub about: Option<About>,
}

/// The payment that a notice is about, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Ours, as the platform kept it.
    pub payment_id: Option<PaymentId>,
    /// The platform's name for a checkout or charge.
    pub reference: Option<String>,
    /// The platform's name for a movement of money.
    pub movement: Option<String>,
}

/// Why a notice was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeRefusal {
    /// There is nothing to verify it with.
    #[error("no secret for notices is configured")]
    NoSecret,
    /// It has no signature, or one that cannot be read.
    #[error("the signature is missing or malformed")]
    NoSignature,
    /// No secret made the signature.
    #[error("the signature does not match")]
    WrongSignature,
    /// Too old, or of the future.
    #[error("the signature is not of this time")]
    NotOfThisTime,
    /// Signed, and still no notice.
    #[error("the notice cannot be read")]
    Unreadable,
}

/// What a platform wants to hear when a notice has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Its content type.
    pub content_type: &'static str,
    /// The body, literally.
    pub body: &'static str,
}

/// Which way money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementKind {
    /// To the vendor.
    In,
    /// Back to the payer.
    Out,
}

/// A movement of money on the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The platform's name for it; of money given back that of the movement that brought it.
    pub movement: String,
    /// Which way.
    pub kind: MovementKind,
    /// When.
    pub at: Instant,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Of which payment the platform thinks it is.
    pub payment_id: Option<PaymentId>,
    /// Of which order the platform thinks it is.
    pub order_id: Option<OrderId>,
}

/// A part of a list of movements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movements {
    /// Some of them.
    pub movements: Vec<Movement>,
    /// Where the next part starts; `None`: that was all.
    pub next: Option<String>,
}
