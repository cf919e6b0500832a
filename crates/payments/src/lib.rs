//! Payment platforms: the port, and its adapters.
//!
//! An adapter is pure protocol: it makes one call and says what came of it. It has no database, no clock of its own, and it
//! never tries again: whether and when to ask again is decided by who knows the payment. A call may end without an answer;
//! then nobody knows whether it was done ([`Failure::Unknown`]), which is never the same as a no.

mod bank_transfer;
mod platform;
mod port;
mod stripe;

pub use bank_transfer::BankTransfer;
// What the rules say of money from outside, the platforms say in the same words.
pub use domain::payment::{Means, Receipt, SavedMethod};
pub use platform::Platform;
pub use port::{
    About, Acknowledgement, Answer, Asked, Capabilities, Charge, Checkout, CheckoutLine, Decline, Failure, Movement,
    MovementKind, Movements, Notice, NoticeRefusal, Opened, Place, Refund, Status,
};
pub use stripe::{InvalidStripe, Stripe, StripeOptions};
