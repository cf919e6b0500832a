//! A transfer between banks. Nobody tells us when it arrives but the operator, who reads the bank's statement.

use crate::port::{Asked, Capabilities, Checkout, Opened, Place, Status};

/// Payment by bank transfer.
#[derive(Debug, Clone)]
pub struct BankTransfer {
    instructions: String,
}

impl BankTransfer {
    pub(crate) const CAPABILITIES: Capabilities = Capabilities {
        has_page: false,
        saves_methods: false,
        sends_notices: false,
        refunds: false,
        lists_movements: false,
    };

    /// To whom buyers transfer, in the vendor's words.
    #[must_use]
    pub const fn new(instructions: String) -> Self {
        Self { instructions }
    }

    pub(crate) fn open(&self, checkout: &Checkout) -> Opened {
        self.opened(checkout.payment_id.to_string())
    }

    pub(crate) fn status(&self, asked: &Asked) -> Status {
        Status::Open(self.opened(asked.payment_id.to_string()))
    }

    /// `pay_` and 26 characters are 30: within the 32 that banks carry.
    fn opened(&self, reference: String) -> Opened {
        let instructions = self.instructions.clone();
        Opened { reference: reference.clone(), place: Place::Transfer { reference, instructions } }
    }
}
