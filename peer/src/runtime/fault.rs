//! Faults for tests: a real service of a running peer fails at its first run, and what the peer makes of it is seen.

use tokio::sync::watch;

/// The network's accepting of connections, which is required.
pub const NETWORK: &str = "network";

/// How a service fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Panic,
    /// It returns as if all were well.
    EarlyEnd,
}

/// A fault of the first run of one service.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The service's name.
    pub service: &'static str,
    pub kind: FaultKind,
    /// How often it was started since.
    pub runs: watch::Sender<u32>,
}

impl Fault {
    pub fn new(service: &'static str, kind: FaultKind) -> Self {
        Self { service, kind, runs: watch::Sender::new(0) }
    }

    /// Called as a service's run begins: whether it ends at once.
    pub(crate) fn strikes(&self, service: &str) -> bool {
        if service != self.service {
            return false;
        }
        self.runs.send_modify(|runs| *runs += 1);
        let is_first = *self.runs.borrow() == 1;
        assert!(!is_first || self.kind != FaultKind::Panic, "a fault was injected into {service}");
        is_first
    }
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        (self.service, self.kind) == (other.service, other.kind)
    }
}

impl Eq for Fault {}
