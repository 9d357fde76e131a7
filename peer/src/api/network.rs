//! Where this PC stands in the network and on its disk, and what the party checks found: facts, without words.

use std::net::IpAddr;

use lanspread_engine::LinkKind;
use serde::Serialize;

use crate::firewall::AllowCommand;

/// The space where the games are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DiskSpace {
    /// What this person may still write.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// This PC's place in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkView {
    /// Without the PC's own loopback.
    pub adapters: Vec<AdapterView>,
    /// The UDP port that is listened on.
    pub port: Option<u16>,
    pub checks: Checks,
    /// How an administrator lets others in, where the firewall keeps them out. Windows only.
    pub allow_command: Option<AllowCommand>,
    /// The name of the firewall's rule that keeps others out, where one does that has a name.
    pub blocking_rule: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdapterView {
    pub name: String,
    pub kind: LinkKind,
    pub addresses: Vec<IpAddr>,
}

/// What is known of the things that keep PCs from meeting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// There is a network to meet in.
    pub adapter: CheckResult,
    /// Multicast, by which peers find each other, works.
    pub multicast: CheckResult,
    /// The usual port is listened on.
    pub port: CheckResult,
    /// Others reach this PC.
    pub reach: CheckResult,
    /// The system's firewall lets this program receive.
    pub firewall: CheckResult,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "reason", rename_all = "kebab-case")]
pub enum CheckResult {
    /// It was not checked, or cannot be.
    #[default]
    Unknown,
    Ok,
    /// It works, but not as well as it could.
    Limited(CheckReason),
    Problem(CheckReason),
}

/// Why a check is not all right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckReason {
    /// No adapter has an address.
    NoAdapter,
    /// Only Wi-Fi: slower than a cable.
    OnlyWiFi,
    /// Only VPNs, virtual machines or bridges.
    OnlyVirtual,
    /// Peers are not looked for by multicast.
    SwitchedOff,
    /// Neither this PC's own announcement nor another PC's was heard.
    NothingHeard,
    /// Another port than the usual one; others find it by multicast or by hearsay only.
    OtherPort,
    /// Others answer, but none has dialled this PC: something may refuse what comes in.
    NothingInbound,
    /// A rule of the firewall that names this program blocks it.
    RuleBlocks,
    /// The firewall counts the network as public, and no rule lets this program receive.
    PublicNetwork,
    /// The firewall lets nothing in, whatever its rules say.
    AllBlocked,
    /// No rule of the firewall lets this program receive.
    NoRule,
    /// A rule of the firewall blocks more than this program, and so stays when the rules that name it go.
    OtherRuleBlocks,
    /// A rule of group policy blocks this program: only whoever manages the PC changes that.
    PolicyBlocks,
    /// Only rules of group policy count in this network, and none lets this program receive.
    OnlyPolicyRules,
}
