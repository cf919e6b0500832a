//! License files: what an account holds, to be signed and used without us (L-8).

use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::id::{AccountId, FileId, InstallationId, LicenseId};
use crate::label::Host;
use crate::license::{Kind, Source, Status};
use crate::time::Instant;
use crate::unit::UnitId;

/// A license in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Its id.
    pub license_id: LicenseId,
    /// What it allows.
    pub kind: Kind,
    /// Where it comes from.
    pub source: Source,
    /// How many units.
    pub total: u32,
    /// Where it stands.
    pub status: Status,
    /// When it took effect.
    pub activated_at: Instant,
    /// Its expiry.
    pub expires_at: Instant,
    /// The end of its grace.
    pub ends_at: Instant,
}

/// A protected host in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The host.
    pub host: Host,
    /// Its unit.
    pub unit: UnitId,
    /// When the host was assigned.
    pub assigned_at: Instant,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The id of the file.
    pub id: FileId,
    /// The customer.
    pub account_id: AccountId,
    /// Who it is for: an installation, or the account.
    pub installation_id: Option<InstallationId>,
    /// Rises with each file of the account.
    pub seq: u64,
    /// When it was made.
    pub issued_at: Instant,
    /// From then on a product that can reach us should ask for the next one.
    pub refresh_after: Instant,
    /// From then on it holds no more.
    pub expires_at: Instant,
    /// The licenses that have not ended.
    pub grants: Vec<Granted>,
    /// The hosts that have a unit.
    pub seats: Vec<Seat>,
    /// The failback units that this installation may use.
    pub checked_out: Vec<UnitId>,
}

/// That a file was issued: kept, so that the next one has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// The file.
    pub id: FileId,
    /// Its number.
    pub seq: u64,
    /// The installation that it is for.
    pub installation_id: Option<InstallationId>,
    /// When.
    pub at: Instant,
}

/// A product should ask for the next file after so long, in seconds.
const REFRESH_SECONDS: i64 = 7 * 86_400;

/// A file holds for so long, in seconds: as long as a replaced signing key is still trusted.
pub const FILE_SECONDS: i64 = 30 * 86_400;

/// The next license file of the account: of all that was loaded.
#[must_use]
pub fn issue(draft: &mut Draft<'_>) -> Contents {
    let (now, id, seq) = (draft.now, draft.next_id(), draft.file_seq() + 1);
    let installation_id = draft.installation().map(|installation| installation.id);
    let standing = draft.licenses().filter(|license| !license.state.is_final() && now < license.ends_at);
    let grants: Vec<_> = standing
        .map(|license| Granted {
            license_id: license.id,
            kind: license.kind,
            source: license.source,
            total: license.total,
            status: license.status(now),
            activated_at: license.activated_at,
            expires_at: license.expires_at,
            ends_at: license.ends_at,
        })
        .collect();
    let is_granted = |unit: &UnitId| grants.iter().any(|grant| grant.license_id == unit.license_id);
    let seat = |assignment: &crate::assignment::Assignment| {
        let unit = assignment.unit.filter(is_granted)?;
        Some(Seat { host: assignment.host.clone(), unit, assigned_at: assignment.assigned_at })
    };
    let mut seats: Vec<_> = draft.live_assignments().filter_map(seat).collect();
    seats.sort_by(|a, b| a.host.cmp(&b.host));
    let checked_out = draft.checked_out().iter().copied().filter(is_granted).collect();
    let contents = Contents {
        id,
        account_id: draft.account().id,
        installation_id,
        seq,
        issued_at: now,
        refresh_after: now.plus_seconds(REFRESH_SECONDS),
        expires_at: now.plus_seconds(FILE_SECONDS),
        seats,
        checked_out,
        grants,
    };
    draft.issue_file(Issued { id, seq, installation_id, at: now });
    contents
}
