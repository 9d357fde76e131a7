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
pub enum Stance {
    Off,
    Allows,
    Blocks,
    /// *Block all incoming connections*: no rule lets anything in.
    BlocksAll,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileState {
    pub profile: Profile,
    pub stance: Stance,
    /// Group policy lets this PC's own rules count beside its own; where it does not, they are as good as not there.
    pub merges_local_rules: bool,
}

/// The firewall where this PC is connected just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    /// Several, when the PC is in several networks.
    pub profiles: Vec<ProfileState>,
    /// This PC's own.
    pub rules: Vec<Rule>,
    /// Of group policy: nobody changes them here.
    pub policy_rules: Vec<Rule>,
}

/// What the firewall does with this program, and what mends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    pub result: CheckResult,
    /// The name of the rule that keeps others out.
    pub blocking_rule: Option<String>,
    /// Only where it helps.
    pub allow_command: Option<AllowCommand>,
}

/// What may be wrong, from what one command mends, over what a person may change, to what only group policy does. Where
/// networks differ the worst counts: else a command would be offered that helps in one of them only.
const WORSE_AND_WORSE: [CheckReason; 7] = [
    CheckReason::NoRule,
    CheckReason::PublicNetwork,
    CheckReason::RuleBlocks,
    CheckReason::OtherRuleBlocks,
    CheckReason::AllBlocked,
    CheckReason::OnlyPolicyRules,
    CheckReason::PolicyBlocks,
];

/// Asks the system. It takes some milliseconds.
pub(crate) fn look(port: u16) -> Finding {
    #[cfg(windows)]
    let found = windows::read().and_then(|firewall| Some((firewall, std::env::current_exe().ok()?)));
    #[cfg(not(windows))]
    let found: Option<(Firewall, std::path::PathBuf)> = None;
    found.map(|(firewall, program)| firewall.judge(&program, port)).unwrap_or_default()
}

impl Firewall {
    /// Whether others reach `program` at a UDP port; the worst of all networks counts.
    pub fn judge(&self, program: &Path, port: u16) -> Finding {
        let name = rule::comparable(&program.to_string_lossy());
        let all = self.profiles.iter().map(|state| self.judge_in(*state, &name, port));
        let (result, rule) = all.max_by_key(|(result, _)| badness(*result)).unwrap_or_default();
        Finding {
            result,
            blocking_rule: rule.and_then(|rule| rule.name.clone()),
            allow_command: AllowCommand::of(program).filter(|_| is_mended_by_command(result)),
        }
    }

    /// With the rule that blocks.
    fn judge_in(&self, state: ProfileState, program: &str, port: u16) -> (CheckResult, Option<&Rule>) {
        match state.stance {
            Stance::Off => return (CheckResult::Ok, None),
            Stance::BlocksAll => return (CheckResult::Problem(CheckReason::AllBlocked), None),
            Stance::Allows | Stance::Blocks => {}
        }
        let local = if state.merges_local_rules { &self.rules[..] } else { &[] };
        let is_about = |rule: &&Rule| rule.is_about(state.profile, program, port);
        let blocks = |rule: &&Rule| !rule.is_allowed && is_about(rule);
        // A rule that blocks counts more than any that allow, wherever it comes from.
        let by_policy = self.policy_rules.iter().find(blocks);
        let by_other = local.iter().filter(blocks).find(|rule| rule.program.is_none());
        // Windows writes such rules when its question is answered with no.
        let by_own = local.iter().find(blocks);
        let is_allowed = state.stance == Stance::Allows
            || self.policy_rules.iter().chain(local).any(|rule| rule.is_allowed && is_about(&rule));
        let reason = if by_policy.is_some() {
            CheckReason::PolicyBlocks
        } else if by_other.is_some() {
            CheckReason::OtherRuleBlocks
        } else if by_own.is_some() {
            CheckReason::RuleBlocks
        } else if is_allowed {
            return (CheckResult::Ok, None);
        } else if !state.merges_local_rules {
            CheckReason::OnlyPolicyRules
        } else if state.profile == Profile::Public {
            CheckReason::PublicNetwork
        } else {
            CheckReason::NoRule
        };
        (CheckResult::Problem(reason), by_policy.or(by_other).or(by_own))
    }
}

/// Where it stands among [`WORSE_AND_WORSE`]; `None` when nothing is wrong.
fn badness(result: CheckResult) -> Option<usize> {
    match result {
        CheckResult::Problem(reason) => WORSE_AND_WORSE.iter().position(|other| *other == reason),
        CheckResult::Unknown | CheckResult::Ok | CheckResult::Limited(_) => None,
    }
}

/// [`AllowCommand`] takes away and adds this PC's own rules that name this program. It helps where those decide.
fn is_mended_by_command(result: CheckResult) -> bool {
    let mended = [CheckReason::NoRule, CheckReason::PublicNetwork, CheckReason::RuleBlocks];
    mended.into_iter().any(|reason| result == CheckResult::Problem(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = r"E:\Lanspread\lanspread.exe";

    fn firewall(profile: Profile, rules: &[&str]) -> Firewall {
        let state = ProfileState { profile, stance: Stance::Blocks, merges_local_rules: true };
        Firewall { profiles: vec![state], rules: parsed(rules), policy_rules: Vec::new() }
    }

    fn parsed(rules: &[&str]) -> Vec<Rule> {
        rules.iter().map(|text| Rule::parse(text, |_| None).unwrap()).collect()
    }

    fn find(firewall: &Firewall) -> Finding {
        firewall.judge(Path::new(PROGRAM), 40420)
    }

    fn judge(firewall: &Firewall) -> CheckResult {
        find(firewall).result
    }

    /// What is wrong, which rule is named for it, and whether a command is offered.
    fn wrong(firewall: &Firewall) -> (CheckReason, Option<String>, bool) {
        let Finding { result: CheckResult::Problem(reason), blocking_rule, allow_command } = find(firewall)
        else {
            panic!("nothing is wrong with {firewall:#?}");
        };
        (reason, blocking_rule, allow_command.is_some())
    }

    const ALLOWED: &str = r"v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=17|Profile=Private|App=e:\lanspread\Lanspread.exe|Name=x|";
    const REFUSED: &str = r"v2.30|Action=Block|Active=TRUE|Dir=In|Protocol=17|Profile=Public|App=E:\Lanspread\lanspread.exe|Name=x|Defer=User|";
    const CLOSED: &str = "v2.30|Action=Block|Active=TRUE|Dir=In|Protocol=17|LPort=40000-41000|Name=No games|";

    #[test]
    fn without_a_rule_nothing_comes_in() {
        assert_eq!(judge(&Firewall::default()), CheckResult::Unknown);
        let public = firewall(Profile::Public, &[]);
        assert_eq!(judge(&public), CheckResult::Problem(CheckReason::PublicNetwork));
        assert_eq!(judge(&firewall(Profile::Private, &[])), CheckResult::Problem(CheckReason::NoRule));
        for stance in [Stance::Off, Stance::Allows] {
            let mut open = public.clone();
            open.profiles[0].stance = stance;
            assert_eq!(judge(&open), CheckResult::Ok, "{stance:?}");
        }
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
        two.profiles[0].stance = Stance::BlocksAll;
        assert_eq!(judge(&two), CheckResult::Problem(CheckReason::AllBlocked));
    }

    #[test]
    fn a_command_is_offered_only_where_it_helps() {
        let own = firewall(Profile::Public, &[REFUSED]);
        assert_eq!(wrong(&own), (CheckReason::RuleBlocks, Some("x".to_owned()), true));
        assert!(wrong(&firewall(Profile::Public, &[])).2 && wrong(&firewall(Profile::Private, &[])).2);
        assert_eq!(
            find(&firewall(Profile::Private, &[ALLOWED])),
            Finding { result: CheckResult::Ok, ..Finding::default() }
        );
        let mut shielded = own;
        shielded.profiles[0].stance = Stance::BlocksAll;
        assert_eq!(wrong(&shielded), (CheckReason::AllBlocked, None, false));
    }

    #[test]
    fn a_rule_that_blocks_more_than_this_program_stays_whatever_is_allowed() {
        let closed = (CheckReason::OtherRuleBlocks, Some("No games".to_owned()), false);
        assert_eq!(wrong(&firewall(Profile::Private, &[ALLOWED, CLOSED])), closed);
        assert_eq!(wrong(&firewall(Profile::Public, &[REFUSED, CLOSED])), closed, "one of two goes");
        let nameless = firewall(Profile::Private, &["v2.30|Action=Block|Active=TRUE|Dir=In|"]);
        assert_eq!(wrong(&nameless), (CheckReason::OtherRuleBlocks, None, false));
    }

    #[test]
    fn what_group_policy_blocks_stays_even_when_it_names_this_program() {
        let mut managed = firewall(Profile::Public, &[CLOSED]);
        managed.policy_rules = parsed(&[REFUSED]);
        assert_eq!(wrong(&managed), (CheckReason::PolicyBlocks, Some("x".to_owned()), false));
        managed.profiles[0].profile = Profile::Private;
        assert_eq!(wrong(&managed).0, CheckReason::OtherRuleBlocks, "the policy is about another network");
    }

    #[test]
    fn where_only_group_policy_counts_local_rules_neither_block_nor_allow() {
        let mut managed = firewall(Profile::Private, &[ALLOWED, CLOSED]);
        managed.profiles[0].merges_local_rules = false;
        assert_eq!(wrong(&managed), (CheckReason::OnlyPolicyRules, None, false));
        managed.policy_rules = parsed(&[ALLOWED]);
        assert_eq!(judge(&managed), CheckResult::Ok);
    }

    #[test]
    fn no_command_is_offered_that_helps_in_one_of_two_networks_only() {
        let mut two = firewall(Profile::Public, &[]);
        two.profiles.extend(firewall(Profile::Domain, &[]).profiles);
        two.profiles[1].merges_local_rules = false;
        for _ in 0..2 {
            assert_eq!(wrong(&two), (CheckReason::OnlyPolicyRules, None, false));
            two.profiles.reverse();
        }
    }
}
