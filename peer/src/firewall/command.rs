//! What an administrator runs to let others reach a program.

use std::path::Path;

use serde::Serialize;

/// The same commands in two forms: for this program to run, and for a person to paste.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllowCommand {
    /// Parameters of `cmd.exe`, which runs all of it.
    pub parameters: String,
    /// A command a line: it means the same wherever an administrator pastes it. PowerShell reads the quotes of
    /// `parameters` otherwise.
    pub lines: String,
}

impl AllowCommand {
    /// Lets others reach `program`, whatever the network counts as: rules that name it go, one that allows it comes. `None`
    /// when `cmd` or PowerShell would read something else out of the path.
    pub fn of(program: &Path) -> Option<Self> {
        let program = program.to_str()?;
        let program = program.strip_prefix(r"\\?\").unwrap_or(program);
        if program.contains(['"', '%', '^', '&', '|', '<', '>', '!', '$', '`']) {
            return None;
        }
        let commands = [
            format!(r#"netsh advfirewall firewall delete rule name=all dir=in program="{program}""#),
            format!(
                r#"netsh advfirewall firewall add rule name=Lanspread dir=in action=allow protocol=UDP profile=any program="{program}""#
            ),
        ];
        Some(Self { parameters: format!(r#"/d /c "{}""#, commands.join(" & ")), lines: commands.join("\n") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_about_this_program_only() {
        let program = r"E:\LAN party\lanspread.exe";
        let command = AllowCommand::of(Path::new(program)).unwrap();
        assert_eq!(command.parameters.matches(program).count(), 2);
        let lines: Vec<&str> = command.lines.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in &lines {
            assert!(
                line.starts_with("netsh ") && line.ends_with(&format!("program=\"{program}\"")),
                "{line}"
            );
            assert!(command.parameters.contains(line), "both forms do the same");
        }
        let of = |program: &str| AllowCommand::of(Path::new(program));
        assert_eq!(of(r"\\?\E:\a\b.exe"), of(r"E:\a\b.exe"));
        assert_eq!(of(r"E:\games & more\lanspread.exe"), None);
    }
}
