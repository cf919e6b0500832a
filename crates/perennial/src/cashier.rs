//! Connects the site with payment platforms.

use std::time::Duration;

use anyhow::Context;
use domain::payment::PlatformName;
use engine::{Engine, Payments};
use payments::{BankTransfer, Platform, Stripe, StripeOptions};

use crate::config::{CardPlatform, PaymentSettings};

/// A call to a platform takes at most so long.
const CALL_TIME: Duration = Duration::from_secs(10);

/// The use cases with the platforms of the settings.
///
/// # Errors
/// A setting that no platform takes.
pub fn connect(engine: Engine, settings: &PaymentSettings) -> anyhow::Result<Engine> {
    let PaymentSettings { card, bank_transfer, recharges } = settings.clone();
    let card = match card {
        CardPlatform::None => None,
        CardPlatform::Stripe { secret_key, webhook_secrets, api_base } => {
            let stripe = Stripe::new(StripeOptions {
                name: PlatformName::Stripe,
                secret_key,
                webhook_secrets,
                api_base,
                timeout: CALL_TIME,
            });
            Some(Platform::Stripe(stripe.context("stripe")?))
        }
    };
    let transfer = bank_transfer.map(|text| Platform::BankTransfer(BankTransfer::new(text)));
    Ok(engine.with_payments(Payments { card, transfer, recharges }))
}
