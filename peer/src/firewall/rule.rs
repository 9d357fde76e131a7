//! One rule of the firewall, as its text says.

/// What a network counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    Domain,
    Private,
    Public,
}

/// A rule for what comes in that is understood whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(super) is_allowed: bool,
    /// As people read it. Some rules of Windows only refer to a text of a library: those have none here.
    pub(super) name: Option<String>,
    /// None: all.
    profiles: Vec<Profile>,
    /// As [`comparable`] makes it; `None`: every program.
    pub(super) program: Option<String>,
    /// First and last; none: all.
    ports: Vec<(u16, u16)>,
}

/// UDP's number among the protocols of IP.
const UDP: &str = "17";

impl Rule {
    /// `None` for a rule that is off, is not about UDP that comes in, or has a condition that is not understood.
    /// `variable` is the value of a variable of the environment, which programs are often given with.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let mut parts = text.split('|').filter(|part| !part.is_empty());
        parts.next().filter(|version| version.starts_with('v'))?;
        let (mut is_allowed, mut is_active, mut is_inbound) = (None, false, false);
        let (mut name, mut profiles, mut program, mut ports) = (None, Vec::new(), None, Vec::new());
        for part in parts {
            let (key, value) = part.split_once('=')?;
            match key {
                "Action" => {
                    is_allowed = Some(is(value, "Allow")).filter(|allowed| *allowed || is(value, "Block"));
                }
                "Active" => is_active = is(value, "TRUE"),
                "Dir" => is_inbound = is(value, "In"),
                "Protocol" if value == UDP => {}
                "Profile" => profiles.push(profile(value)?),
                "App" if is(value, "System") => return None,
                "App" => program = Some(comparable(&expand(value, &variable))),
                _ if key.starts_with("LPort") => ports.push(range(value)?),
                // Everybody at a party is here.
                _ if matches!(key, "RA4" | "RA6") && is(value, "LocalSubnet") => {}
                "Name" => name = Some(value.to_owned()).filter(|name| !name.starts_with('@')),
                // What people read, what belongs together, and what is done about addresses behind a router.
                "Desc" | "EmbedCtxt" | "Edge" | "Defer" => {}
                _ => return None,
            }
        }
        let is_allowed = is_allowed.filter(|_| is_active && is_inbound)?;
        Some(Self { is_allowed, name, profiles, program, ports })
    }

    /// It decides on what comes to a program's port in such a network; the program as [`comparable`] makes it.
    pub(super) fn is_about(&self, profile: Profile, program: &str, port: u16) -> bool {
        (self.profiles.is_empty() || self.profiles.contains(&profile))
            && self.program.as_ref().is_none_or(|own| own == program)
            && (self.ports.is_empty()
                || self.ports.iter().any(|(first, last)| (*first..=*last).contains(&port)))
    }
}

/// Windows does not care for case, nor for how a path is marked as verbatim.
pub(super) fn comparable(program: &str) -> String {
    program.strip_prefix(r"\\?\").unwrap_or(program).to_lowercase()
}

fn is(value: &str, wanted: &str) -> bool {
    value.eq_ignore_ascii_case(wanted)
}

fn profile(value: &str) -> Option<Profile> {
    let all = [("Domain", Profile::Domain), ("Private", Profile::Private), ("Public", Profile::Public)];
    all.into_iter().find(|(name, _)| is(value, name)).map(|(_, profile)| profile)
}

fn range(value: &str) -> Option<(u16, u16)> {
    let (first, last) = value.split_once('-').unwrap_or((value, value));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Puts in what stands between percent signs; what is unknown stays.
fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once('%').and_then(|(before, after)| Some((before, after.split_once('%')?)))
    {
        expanded.push_str(before);
        match variable(name) {
            Some(value) => expanded.push_str(&value),
            None => expanded.extend(["%", name, "%"]),
        }
        rest = after;
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Rule> {
        Rule::parse(text, |name| (name == "SystemDrive").then(|| "C:".to_owned()))
    }

    #[test]
    fn a_rule_is_about_its_program_its_ports_and_its_networks() {
        let rule = parse(
            r"v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=17|Profile=Domain|Profile=Private|LPort=40420|LPort2_10=41000-41005|RA4=LocalSubnet|App=%SystemDrive%\Games\Play.exe|Name=a|",
        );
        let rule = rule.unwrap();
        let is_about = |profile, program: &str, port| rule.is_about(profile, &comparable(program), port);
        assert!(is_about(Profile::Private, r"\\?\c:\GAMES\play.exe", 40420));
        assert!(is_about(Profile::Domain, r"C:\games\play.exe", 41003));
        assert!(!is_about(Profile::Public, r"C:\games\play.exe", 40420), "another network");
        assert!(!is_about(Profile::Private, r"D:\games\play.exe", 40420), "another program");
        assert!(!is_about(Profile::Private, r"C:\games\play.exe", 40421), "another port");
        assert_eq!(rule.name.as_deref(), Some("a"));
        let any = parse("v2.10|Action=Block|Active=TRUE|Dir=In|Name=@FirewallAPI.dll,-28502|").unwrap();
        assert!(!any.is_allowed && any.is_about(Profile::Public, "whatever", 1));
        assert_eq!(any.name, None, "that is the number of a text");
    }

    #[test]
    fn what_is_not_understood_whole_counts_for_nothing() {
        for text in [
            "",
            "Action=Allow|Active=TRUE|Dir=In|",
            "v2.10|Action=Allow|Active=FALSE|Dir=In|",
            "v2.10|Action=Allow|Active=TRUE|Dir=Out|",
            "v2.10|Action=ByPass|Active=TRUE|Dir=In|",
            "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|",
            "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=RPC|",
            "v2.10|Action=Block|Active=TRUE|Dir=In|RA4=10.0.0.1|",
            "v2.10|Action=Allow|Active=TRUE|Dir=In|Svc=upnphost|",
            "v2.10|Action=Allow|Active=TRUE|Dir=In|App=System|",
            "v2.10|Action=Allow|Active=TRUE|Dir=In|nonsense|",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn variables_are_put_in_where_they_are_known() {
        let put_in = |text| expand(text, |name| (name == "A").then(|| "1".to_owned()));
        assert_eq!(put_in("%A%b%A%"), "1b1");
        assert_eq!(
            (put_in("%B%"), put_in("50%"), put_in("")),
            ("%B%".to_owned(), "50%".to_owned(), String::new())
        );
    }
}
