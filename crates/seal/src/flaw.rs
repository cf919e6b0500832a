//! Why a document is refused: one variant and one stable code for each cause.

use domain::time::Instant;

macro_rules! flaws {
    ($(
        $(#[$doc:meta])*
        $flaw:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })? = $code:literal, $text:literal;
    )+) => {
        /// What is wrong with a document. The checks run in an order in which the first flaw is the true cause.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Flaw {
            $(
                $(#[$doc])*
                #[error($text)]
                $flaw $({ $($(#[$field_doc])* $field: $type),+ })?,
            )+
        }

        impl Flaw {
            /// The codes of all flaws, in the order of the checks.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// The stable name of the cause, for programs.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$flaw { .. } => $code,)+
                }
            }
        }
    };
}

flaws! {
    /// A license file is two lines, each ended by one newline, and nothing else.
    MalformedFile = "malformed_file", "the file is not two lines that each end with one newline";
    /// The license line is not a compact JWS as we write it, or its claims are not those of a license.
    MalformedLicense = "malformed_license", "the license is not a signed document of the expected form";
    /// The same of a certificate.
    MalformedCertificate = "malformed_certificate", "the certificate is not a signed document of the expected form";
    /// The same of a statement.
    MalformedStatement = "malformed_statement", "the statement is not a signed document of the expected form";
    /// The same of an activation code.
    MalformedCode = "malformed_code", "the activation code is not a signed document of the expected form";
    /// The same of a receipt.
    MalformedReceipt = "malformed_receipt", "the receipt is not a signed document of the expected form";
    /// Another algorithm than `EdDSA`; `none` above all.
    UnsupportedAlgorithm = "unsupported_algorithm", "the document is signed with another algorithm than EdDSA";
    /// A document of one kind in the place of another.
    WrongType = "wrong_type", "the document is of another kind";
    /// The certificate is of another root than the pinned one.
    ForeignRoot = "foreign_root", "the certificate is not of the pinned root key";
    /// The document names another signing key than the certified one.
    KeyMismatch = "key_mismatch", "the document is signed with another key than the certified one";
    /// The document names a key that is none of those to which it is held.
    UnknownKey = "unknown_key", "the document is signed with a key that is not known here";
    /// The certificate was changed, or its signature is of another key.
    CertificateSignatureInvalid = "certificate_signature_invalid", "the signature of the certificate does not hold";
    /// The license was changed, or its signature is of another key.
    LicenseSignatureInvalid = "license_signature_invalid", "the signature of the license does not hold";
    /// The same of a statement.
    StatementSignatureInvalid = "statement_signature_invalid", "the signature of the statement does not hold";
    /// The same of an activation code.
    CodeSignatureInvalid = "code_signature_invalid", "the signature of the activation code does not hold";
    /// The same of a receipt.
    ReceiptSignatureInvalid = "receipt_signature_invalid", "the signature of the receipt does not hold";
    /// It is signed, but of a version that this library does not read.
    UnsupportedVersion {
        /// Its version.
        version: u64,
    } = "unsupported_version", "the document has version {version}, which is not known here";
    /// It is signed, but its claims contradict each other.
    Inconsistent {
        /// In what.
        contradiction: Contradiction,
    } = "inconsistent", "the claims contradict each other: {contradiction}";
    /// The signing key was revoked, in this certificate or in one that was seen before.
    KeyRevoked {
        /// The revoked key.
        kid: String,
    } = "key_revoked", "the signing key {kid} is revoked";
    /// It comes from another vendor.
    WrongIssuer {
        /// From whom.
        issuer: String,
    } = "wrong_issuer", "the document is issued by {issuer:?}";
    /// It was made for somebody else.
    WrongAudience {
        /// For whom.
        audience: String,
    } = "wrong_audience", "the document is made for {audience:?}";
    /// The statement answers another question.
    WrongNonce = "wrong_nonce", "the statement answers another question";
    /// A license file with a higher number was seen before.
    OlderSequence {
        /// Its number.
        seq: u64,
        /// The highest number that was seen.
        highest: u64,
    } = "older_sequence", "the license file is number {seq}, and number {highest} was seen before";
    /// The clock shows an earlier time than it did before.
    ClockSetBack {
        /// What the clock shows.
        now: Instant,
        /// The latest time that was seen.
        latest_seen: Instant,
    } = "clock_set_back", "the clock shows {now}, and {latest_seen} was seen before";
    /// The certificate of the signing key does not hold yet.
    KeyNotYetValid {
        /// From when on it holds.
        valid_from: Instant,
    } = "key_not_yet_valid", "the signing key is valid only from {valid_from} on";
    /// The certificate of the signing key has run out.
    KeyExpired {
        /// When it ran out.
        expired_at: Instant,
    } = "key_expired", "the signing key is outdated since {expired_at}";
    /// The license file does not hold yet.
    NotYetValid {
        /// From when on it holds.
        valid_from: Instant,
    } = "not_yet_valid", "the document is valid only from {valid_from} on";
    /// The document has run out.
    Expired {
        /// When it ran out.
        expired_at: Instant,
    } = "expired", "the document expired at {expired_at}";
}

/// What contradicts itself in the claims of a signed document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// It ends before it begins.
    #[error("it is never valid")]
    NeverValid,
    /// It asks to be refreshed before it was issued or after it expired.
    #[error("it is to be refreshed while it is not valid")]
    RefreshOutside,
    /// A certificate names another key than it carries.
    #[error("the certificate names another key than it carries")]
    OtherKey,
    /// The document is of another vendor than the certificate of its key.
    #[error("it is of another vendor than the certificate of its key")]
    OtherIssuer,
    /// A license is listed twice.
    #[error("a license is listed twice")]
    LicenseTwice,
    /// A host has two units.
    #[error("a host has two units")]
    HostTwice,
    /// A unit is used twice.
    #[error("a unit is used twice")]
    UnitTwice,
    /// A unit belongs to no license of the list.
    #[error("a unit belongs to no license of the list")]
    UnknownUnit,
    /// A unit is used without a time of use, or the other way round.
    #[error("a unit is used at no time, or unused at some time")]
    UseWithoutTime,
    /// Something is counted, and there is none of it.
    #[error("a quantity is zero")]
    NoQuantity,
}

impl From<Contradiction> for Flaw {
    fn from(contradiction: Contradiction) -> Self {
        Self::Inconsistent { contradiction }
    }
}
