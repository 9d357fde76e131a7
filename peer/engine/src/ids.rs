//! Numbers that tie inputs to effects. Those made by the shell never repeat within a run, those made here neither.

use serde::Serialize;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(pub u64);
    };
}

number! {
    /// A QUIC connection; made by the shell.
    ConnId
}
number! {
    /// A request of another peer; made by the shell.
    ServeId
}
number! {
    /// Who waits for a command's reply; made by the shell.
    ReplyId
}
number! {
    /// One attempt to reach an address.
    DialId
}
number! {
    /// A request to another peer.
    FetchId
}
number! {
    /// A fetch of a manifest, a catalog or a cover from the first of several peers that answers.
    RaceId
}
number! {
    /// One run of an operation: results of an earlier run on the same game are recognised and dropped.
    OpId
}

number! {
    /// One start of a game's program.
    RunId
}

/// Hands out numbers, each once.
#[derive(Debug, Default)]
pub(crate) struct Counter(u64);

impl Counter {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}
