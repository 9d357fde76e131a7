//! What Windows tells of its firewall.

use windows::Win32::NetworkManagement::WindowsFirewall::{
    INetFwPolicy2, NET_FW_ACTION_ALLOW, NET_FW_PROFILE_TYPE2, NET_FW_PROFILE2_DOMAIN,
    NET_FW_PROFILE2_PRIVATE, NET_FW_PROFILE2_PUBLIC, NetFwPolicy2,
};
use windows::Win32::System::Com::{
    CLSCTX_INPROC_SERVER, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
};
use windows_registry::{Key, LOCAL_MACHINE, Type};

use super::{Firewall, Profile, ProfileState, Rule, Stance};

/// Where this PC's own rules lie.
const RULES: &str = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules";
/// What group policy says of the firewall, rules too.
const POLICY: &str = r"SOFTWARE\Policies\Microsoft\WindowsFirewall";

/// `None` when the firewall does not answer, as where its service is off.
pub(super) fn read() -> Option<Firewall> {
    let profiles =
        profiles().inspect_err(|error| tracing::debug!(%error, "the firewall does not answer")).ok()?;
    Some(Firewall {
        profiles,
        rules: rules(LOCAL_MACHINE, RULES),
        policy_rules: rules(LOCAL_MACHINE, &format!(r"{POLICY}\FirewallRules")),
    })
}

/// MS-GPFAS, 2.2.3.13. Where the policy says nothing, this PC's own rules count.
fn merges_local_rules(root: &Key, policy: &str, profile: Profile) -> bool {
    let name = match profile {
        Profile::Domain => "DomainProfile",
        Profile::Private => "PrivateProfile",
        Profile::Public => "PublicProfile",
    };
    let said = root.open(format!(r"{policy}\{name}")).and_then(|key| key.get_u32("AllowLocalPolicyMerge"));
    said.ok() != Some(0)
}

fn rules(root: &Key, key: &str) -> Vec<Rule> {
    let variable = |name: &str| std::env::var(name).ok();
    let read = || -> windows_registry::Result<Vec<Rule>> {
        let key = root.open(key)?;
        let texts = key.values()?.filter(|(_, value)| value.ty() == Type::String);
        let texts = texts.filter_map(|(_, value)| String::try_from(value).ok());
        Ok(texts.filter_map(|text| Rule::parse(&text, variable)).collect())
    };
    // Most PCs have no group policy.
    read().unwrap_or_default()
}

/// COM for this thread, while it lives.
struct Com;

impl Drop for Com {
    #[expect(unsafe_code, reason = "it ends what `profiles` began, in the same thread")]
    fn drop(&mut self) {
        // SAFETY: once for each success of CoInitializeEx, after all that was made by COM is gone.
        unsafe { CoUninitialize() };
    }
}

#[expect(unsafe_code, reason = "COM has no safe interface; all pointers stay inside the windows crate")]
fn profiles() -> windows::core::Result<Vec<ProfileState>> {
    let kinds = [
        (NET_FW_PROFILE2_DOMAIN, Profile::Domain),
        (NET_FW_PROFILE2_PRIVATE, Profile::Private),
        (NET_FW_PROFILE2_PUBLIC, Profile::Public),
    ];
    // SAFETY: the thread belongs to COM while `com` lives, which is dropped after `policy`.
    unsafe {
        CoInitializeEx(None, COINIT_MULTITHREADED).ok()?;
        let _com = Com;
        let policy: INetFwPolicy2 = CoCreateInstance(&NetFwPolicy2, None, CLSCTX_INPROC_SERVER)?;
        let current = policy.CurrentProfileTypes()?;
        let current = kinds.into_iter().filter(|(kind, _)| current & kind.0 != 0);
        current.map(|(kind, profile)| state(&policy, kind, profile)).collect()
    }
}

#[expect(unsafe_code, reason = "COM has no safe interface; all pointers stay inside the windows crate")]
fn state(
    policy: &INetFwPolicy2,
    kind: NET_FW_PROFILE_TYPE2,
    profile: Profile,
) -> windows::core::Result<ProfileState> {
    // SAFETY: plain questions to an object that lives.
    unsafe {
        let stance = if !policy.get_FirewallEnabled(kind)?.as_bool() {
            Stance::Off
        } else if policy.get_BlockAllInboundTraffic(kind)?.as_bool() {
            Stance::BlocksAll
        } else if policy.get_DefaultInboundAction(kind)? == NET_FW_ACTION_ALLOW {
            Stance::Allows
        } else {
            Stance::Blocks
        };
        let merges_local_rules = merges_local_rules(LOCAL_MACHINE, POLICY, profile);
        Ok(ProfileState { profile, stance, merges_local_rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_registry::CURRENT_USER;

    #[test]
    fn rules_are_read_and_what_is_none_is_passed_over() {
        let path = format!(r"Software\lanspread-test-{:x}", rand::random::<u64>());
        let key = CURRENT_USER.create(&path).unwrap();
        key.set_string("rule", r"v2.10|Action=Block|Active=TRUE|Dir=In|App=%SystemRoot%\a.exe|").unwrap();
        key.set_string("other", "nonsense").unwrap();
        key.set_u32("number", 7).unwrap();
        let found = rules(CURRENT_USER, &path);
        CURRENT_USER.remove_tree(&path).unwrap();
        let root = std::env::var("SystemRoot").unwrap();
        let text = format!(r"v2.10|Action=Block|Active=TRUE|Dir=In|App={root}\a.exe|");
        assert_eq!(found, [Rule::parse(&text, |_| None).unwrap()]);
        assert_eq!(rules(CURRENT_USER, &path), []);
    }

    #[test]
    fn local_rules_count_unless_the_policy_of_that_profile_says_no() {
        let path = format!(r"Software\lanspread-test-{:x}", rand::random::<u64>());
        let key = CURRENT_USER.create(&path).unwrap();
        for (profile, merges) in [("DomainProfile", 0), ("PrivateProfile", 1)] {
            key.create(profile).unwrap().set_u32("AllowLocalPolicyMerge", merges).unwrap();
        }
        let all = [Profile::Domain, Profile::Private, Profile::Public];
        let found = all.map(|profile| merges_local_rules(CURRENT_USER, &path, profile));
        CURRENT_USER.remove_tree(&path).unwrap();
        assert_eq!(found, [false, true, true]);
    }
}
