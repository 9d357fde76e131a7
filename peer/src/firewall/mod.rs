//! Whether the firewall of Windows lets other PCs reach this program, and the command that makes it.
//!
//! Any account may read the rules: they lie in the registry as text, in the format of MS-GPFAS (2.2.2). Which profiles
//! count where this PC is connected, and what they do, is asked of the firewall itself. What cannot be read is not known;
//! Linux has no firewall that an account without rights may ask.
//!
//! A rule counts only when all its conditions are understood. So a rule that is narrower than this program's traffic is
//! never taken for one that lets it in, nor for one that keeps everybody out.

mod command;
mod rule;
#[cfg(windows)]
mod windows;

use std::path::Path;

pub use self::command::AllowCommand;
pub use self::rule::{Profile, Rule};
use crate::api::{CheckReason, CheckResult};

/// What a profile does where no rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileState {
    pub profile: Profile,
    pub is_on: bool,
    /// *Block all incoming connections*: no rule lets anything in.
    pub blocks_all: bool,
    pub allows_by_default: bool,
}

/// The firewall where this PC is connected just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    /// Several, when the PC is in several networks.
    pub profiles: Vec<ProfileState>,
    pub rules: Vec<Rule>,
}

/// Asks the system. It takes some milliseconds.
pub(crate) fn look(port: u16) -> CheckResult {
    #[cfg(windows)]
    let found = windows::read().and_then(|firewall| Some((firewall, std::env::current_exe().ok()?)));
    #[cfg(not(windows))]
    let found: Option<(Firewall, std::path::PathBuf)> = None;
    found.map_or(CheckResult::Unknown, |(firewall, program)| firewall.judge(&program, port))
}

impl Firewall {
    /// Whether others reach `program` at a UDP port; the worst of all networks counts.
    pub fn judge(&self, program: &Path, port: u16) -> CheckResult {
        let program = rule::comparable(&program.to_string_lossy());
        let all = self.profiles.iter().map(|state| self.judge_in(*state, &program, port));
        all.max_by_key(|result| matches!(result, CheckResult::Problem(_))).unwrap_or_default()
    }

    fn judge_in(&self, state: ProfileState, program: &str, port: u16) -> CheckResult {
        let has = |is_allowed| {
            let mut rules = self.rules.iter().filter(|rule| rule.is_allowed == is_allowed);
            rules.any(|rule| rule.is_about(state.profile, program, port))
        };
        if !state.is_on {
            CheckResult::Ok
        } else if state.blocks_all {
            CheckResult::Problem(CheckReason::AllBlocked)
        } else if has(false) {
            // Windows writes such rules when its question is answered with no; they count more than any that allow.
            CheckResult::Problem(CheckReason::RuleBlocks)
        } else if state.allows_by_default || has(true) {
            CheckResult::Ok
        } else if state.profile == Profile::Public {
            CheckResult::Problem(CheckReason::PublicNetwork)
        } else {
            CheckResult::Problem(CheckReason::NoRule)
        }
    }
}

/// What lets others reach the program that runs.
pub(crate) fn own_allow_command() -> Option<AllowCommand> {
    AllowCommand::of(&std::env::current_exe().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = r"E:\Lanspread\lanspread.exe";

    fn firewall(profile: Profile, rules: &[&str]) -> Firewall {
        let state = ProfileState { profile, is_on: true, blocks_all: false, allows_by_default: false };
        let rules = rules.iter().map(|text| Rule::parse(text, |_| None).unwrap()).collect();
        Firewall { profiles: vec![state], rules }
    }

    fn judge(firewall: &Firewall) -> CheckResult {
        firewall.judge(Path::new(PROGRAM), 40420)
    }

    const ALLOWED: &str = r"v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=17|Profile=Private|App=e:\lanspread\Lanspread.exe|Name=x|";
    const REFUSED: &str = r"v2.30|Action=Block|Active=TRUE|Dir=In|Protocol=17|Profile=Public|App=E:\Lanspread\lanspread.exe|Name=x|Defer=User|";

    #[test]
    fn without_a_rule_nothing_comes_in() {
        assert_eq!(judge(&Firewall::default()), CheckResult::Unknown);
        let public = firewall(Profile::Public, &[]);
        assert_eq!(judge(&public), CheckResult::Problem(CheckReason::PublicNetwork));
        assert_eq!(judge(&firewall(Profile::Private, &[])), CheckResult::Problem(CheckReason::NoRule));
        let with = |change: fn(&mut ProfileState)| {
            let mut firewall = public.clone();
            firewall.profiles.iter_mut().for_each(change);
            judge(&firewall)
        };
        assert_eq!(with(|state| state.is_on = false), CheckResult::Ok);
        assert_eq!(with(|state| state.allows_by_default = true), CheckResult::Ok);
    }

    #[test]
    fn a_refused_prompt_counts_where_it_was_refused_and_more_than_an_allowance() {
        let rules = [ALLOWED, REFUSED];
        assert_eq!(judge(&firewall(Profile::Private, &rules)), CheckResult::Ok);
        let public = firewall(Profile::Public, &rules);
        assert_eq!(judge(&public), CheckResult::Problem(CheckReason::RuleBlocks));
        let both = ALLOWED.replace("Profile=Private|", "");
        let public = firewall(Profile::Public, &[&both, REFUSED]);
        assert_eq!(judge(&public), CheckResult::Problem(CheckReason::RuleBlocks));
        assert_eq!(judge(&firewall(Profile::Public, &[&both])), CheckResult::Ok);
    }

    #[test]
    fn the_worst_network_counts() {
        let mut two = firewall(Profile::Private, &[ALLOWED]);
        two.profiles.extend(firewall(Profile::Public, &[]).profiles);
        assert_eq!(judge(&two), CheckResult::Problem(CheckReason::PublicNetwork));
        two.profiles.reverse();
        assert_eq!(judge(&two), CheckResult::Problem(CheckReason::PublicNetwork));
        two.profiles.truncate(1);
        two.profiles[0].blocks_all = true;
        assert_eq!(judge(&two), CheckResult::Problem(CheckReason::AllBlocked));
    }
}
