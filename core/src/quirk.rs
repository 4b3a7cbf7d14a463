//! Quirks: what readers must accept although the documents or other readers want it otherwise.
//! Invariant: a quirk never changes what a message means; it is reported beside it.
//! Byte order: none.

/// Defines `Quirk`, the peculiarities of one protocol, each with its stable name and its meaning for people, and
/// `Quirks`, a set of them.
macro_rules! quirks {
    ($($(#[$doc:meta])* $quirk:ident = $name:literal, $meaning:literal;)+) => {
        /// One accepted peculiarity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Quirk {
            $($(#[$doc])* $quirk,)+
        }

        impl Quirk {
            /// All quirks, in the order in which they are reported.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$quirk),+];

            /// The quirk's stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$quirk => $name,)+
                }
            }

            /// What it means, for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$quirk => $meaning,)+
                }
            }

            const fn bit(self) -> u16 {
                1 << self as u8
            }
        }

        const _: () = assert!(Quirk::ALL.len() <= 16, "more quirks than bits");

        impl core::fmt::Display for Quirk {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }

        /// A set of quirks.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Quirks(u16);

        impl Quirks {
            /// Adds one.
            pub const fn add(&mut self, quirk: Quirk) {
                self.0 |= quirk.bit();
            }

            /// Adds one where it is there.
            pub const fn add_if(&mut self, is_there: bool, quirk: Quirk) {
                if is_there {
                    self.add(quirk);
                }
            }

            /// Whether the quirk is in the set.
            #[must_use]
            pub const fn contains(self, quirk: Quirk) -> bool {
                self.0 & quirk.bit() != 0
            }

            /// Whether there is none.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The quirks of both sets.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The quirks in the set.
            pub fn iter(self) -> impl Iterator<Item = Quirk> {
                Quirk::ALL
                    .into_iter()
                    .filter(move |quirk| self.contains(*quirk))
            }
        }
    };
}

pub(crate) use quirks;
