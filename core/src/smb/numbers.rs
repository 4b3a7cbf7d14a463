//! MS-SMB2 2.2.10, 2.2.31, 2.2.31.2 and MS-ERREF: the numbers that SRV_READ_HASH is made of.
//! Invariant: a number without a known meaning keeps its value, so that it survives a round trip.
//! Byte order: none.

use core::fmt;

/// The control code of the request.
//= SMB2-2.2.31-01
pub const FSCTL_SRV_READ_HASH: u32 = 0x0014_41BB;
/// In `ShareFlags`: the share makes version 1 hashes.
//= SMB2-2.2.10-01
pub const SHAREFLAG_ENABLE_HASH_V1: u32 = 0x0000_2000;
/// In `ShareFlags`: the share makes version 2 hashes.
//= SMB2-2.2.10-02
pub const SHAREFLAG_ENABLE_HASH_V2: u32 = 0x0000_4000;

/// What was negotiated, as far as hashes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// 2.0.2: no hashes.
    Smb202,
    /// 2.1: version 1 hashes.
    Smb21,
    /// 3.0, 3.0.2 and 3.1.1: both versions.
    Smb3,
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal, $text:literal;)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$value_doc])* pub const $value: Self = Self($number);)*

            /// The name in the document, if it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#010x}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*};
}

numbers! {
    /// `HashType`.
    HashType {
        /// For branch caching; there is no other.
        PEER_DIST = 1, "SRV_HASH_TYPE_PEER_DIST";
    }
    /// `HashVersion`.
    HashVersion {
        /// Content information of version 1.0.
        V1 = 1, "SRV_HASH_VER_1";
        /// Content information of version 2.0.
        V2 = 2, "SRV_HASH_VER_2";
    }
    /// `HashRetrievalType`.
    RetrievalType {
        /// Offsets count in the content information file.
        HASH_BASED = 1, "SRV_HASH_RETRIEVE_HASH_BASED";
        /// Offsets count in the file itself.
        FILE_BASED = 2, "SRV_HASH_RETRIEVE_FILE_BASED";
    }
    /// The statuses by which a request fails.
    NtStatus {
        /// The server does not know the request.
        NOT_SUPPORTED = 0xC000_00BB, "STATUS_NOT_SUPPORTED";
        /// A field has a value that it must not have.
        INVALID_PARAMETER = 0xC000_000D, "STATUS_INVALID_PARAMETER";
        /// The buffer of the request or for the response is too short.
        BUFFER_TOO_SMALL = 0xC000_0023, "STATUS_BUFFER_TOO_SMALL";
        /// The offset lies at or behind the end.
        END_OF_FILE = 0xC000_0011, "STATUS_END_OF_FILE";
        /// Hashes are switched off.
        HASH_NOT_SUPPORTED = 0xC000_A100, "STATUS_HASH_NOT_SUPPORTED";
        /// There are no hashes of the file.
        HASH_NOT_PRESENT = 0xC000_A101, "STATUS_HASH_NOT_PRESENT";
    }
}
