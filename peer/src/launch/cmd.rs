//! What Windows and its `cmd.exe` read: command lines, paths, and what values must not have in them.
//!
//! All of it is text, and the same on every system, because wine is asked the same things.

use std::path::Path;

use lanspread_protocol::GameId;

/// Languages that ETI scripts know. Others get English.
const ETI_LANGUAGES: [&str; 3] = ["de", "en", "fr"];

/// The variable that a command line stands in for wine. Wine would escape the quotation marks in an argument with
/// backslashes, which `cmd.exe` does not understand; a variable reaches it as it is.
pub(super) const LINE_VARIABLE: &str = "LANSPREAD_START";

/// Without the characters that `cmd.exe` acts on, inside quotation marks or outside, and without control characters.
pub(super) fn harmless(value: &str) -> String {
    let is_special = |c: char| matches!(c, '"' | '%' | '!' | '^' | '&' | '|' | '<' | '>') || c.is_control();
    value.chars().map(|c| if is_special(c) { '_' } else { c }).collect()
}

/// The path as programs expect it: without the prefix that lifts limits of length.
pub(super) fn plain_path(path: &str) -> String {
    if let Some(share) = path.strip_prefix(r"\\?\UNC\") {
        return format!(r"\\{share}");
    }
    path.strip_prefix(r"\\?\").unwrap_or(path).to_owned()
}

/// A Linux path as wine shows it: the drive Z: is the root, unless a person took it away.
pub(super) fn wine_path(path: &Path) -> String {
    format!("Z:{}", path.to_string_lossy().replace('/', "\\"))
}

/// A script's path and arguments, each in quotation marks.
pub(super) fn script_line(script: &str, args: &[String]) -> String {
    let mut line = quoted(script);
    for arg in args {
        line.push(' ');
        line.push_str(&quoted_as_is(arg));
    }
    line
}

/// The line that ETI scripts are called with.
pub(super) fn eti_line(script: &str, game_path: &str, game: &GameId, lang: &str, player: &str) -> String {
    let lang = ETI_LANGUAGES.into_iter().find(|known| *known == lang).unwrap_or("en");
    format!("{} {} {game} {lang} {}", quoted(script), quoted(game_path), quoted(&harmless(player)))
}

/// The arguments of `cmd.exe` on Windows: with `/S` it takes the outer quotation marks off and leaves the rest alone.
pub(super) fn cmd_args(line: &str) -> String {
    format!("/S /C \"{line}\"")
}

/// The arguments of `cmd.exe` by wine, to be run with the line in [`LINE_VARIABLE`].
pub(super) fn wine_cmd_args() -> [String; 4] {
    ["cmd.exe".into(), "/S".into(), "/C".into(), format!("%{LINE_VARIABLE}%")]
}

/// No path on Windows has a quotation mark.
fn quoted(text: &str) -> String {
    quoted_as_is(&text.replace('"', "_"))
}

fn quoted_as_is(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eti_scripts_are_called_as_their_packages_expect() {
        let line = |player, lang| {
            let path = plain_path(r"\\?\C:\LAN games\ut");
            eti_line(&format!(r"{path}\game_start.cmd"), &path, &"ut".parse().unwrap(), lang, player)
        };
        assert_eq!(
            cmd_args(&line("Ann B.", "de")),
            r#"/S /C ""C:\LAN games\ut\game_start.cmd" "C:\LAN games\ut" ut de "Ann B."""#
        );
        assert_eq!(
            line("a\" & calc %PATH% !x! ^|<>\n", "en\" & calc"),
            r#""C:\LAN games\ut\game_start.cmd" "C:\LAN games\ut" ut en "a_ _ calc _PATH_ _x_ _____""#
        );
    }

    #[test]
    fn paths_are_written_as_windows_programs_know_them() {
        assert_eq!(plain_path(r"\\?\UNC\server\games\ut"), r"\\server\games\ut");
        assert_eq!(plain_path(r"C:\games"), r"C:\games");
        assert_eq!(wine_path(Path::new("/home/ann/LAN games/ut")), r"Z:\home\ann\LAN games\ut");
    }

    #[test]
    fn a_script_gets_its_arguments_whole() {
        let line = script_line(r"C:\a & b\run.cmd", &[harmless("x\" & calc"), "-v".to_owned()]);
        assert_eq!(line, r#""C:\a & b\run.cmd" "x_ _ calc" "-v""#);
    }
}
