//! What the peer tells, in the window's words: its own sentences are English.

use lanspread_engine::{CommandError, ErrorCode, ErrorDetail, NoticeKind};

use super::{FaultText, Language};

super::texts! {
    PeerText
    identity_renewed: "Another PC has the same identity as this one (a copied folder?). Both make new ones.",
        "Ein anderer PC hat dieselbe Kennung wie dieser (ein kopierter Ordner?). Beide erzeugen eine neue.";
    identity_kept: "Another PC says again that it has the same identity as this one. This one keeps its own.",
        "Ein anderer PC meldet wieder dieselbe Kennung wie dieser. Dieser behält seine.";
    catalog_refused(serial: u64): "A catalog (number {serial}) was refused: its signature or contents are wrong.",
        "Ein Katalog (Nummer {serial}) wurde abgelehnt: Signatur oder Inhalt stimmen nicht.";
    twin_catalogs(serial: u64): "The organiser signed two different catalogs with number {serial}. Everybody uses the same one of them: look whether a game is missing, and publish it again.",
        "Der Veranstalter hat zwei verschiedene Kataloge mit Nummer {serial} signiert. Alle benutzen denselben: Sieh nach, ob ein Spiel fehlt, und gib es noch einmal frei.";
    damage_checked(game: &str): "Another PC received a damaged part of {game} from here. Its files are being checked.",
        "Ein anderer PC hat von hier einen beschädigten Teil von {game} bekommen. Die Dateien werden geprüft.";
    not_done(game: &str, why: &str): "{game}: that could not be done. {why}", "{game}: Das ging nicht. {why}";
    state_set_aside(path: &str, why: &str): "What this PC remembered could not be read ({why}). It is now {path}. Choose the organiser and your waiting downloads again.",
        "Was sich dieser PC gemerkt hatte, war nicht lesbar ({why}). Es heißt jetzt {path}. Wähle den Veranstalter und wartende Downloads noch einmal.";
    state_not_readable(path: &str, why: &str): "What this PC remembered could not be read: {path} ({why}). Choose the organiser and your waiting downloads again.",
        "Was sich dieser PC gemerkt hatte, war nicht lesbar: {path} ({why}). Wähle den Veranstalter und wartende Downloads noch einmal.";
    published_elsewhere(game: &str, path: &str): "{game} was published into {path}, but this PC uses another catalog. Choose that file, or trust its organiser.",
        "{game} wurde in {path} freigegeben, dieser PC benutzt aber einen anderen Katalog. Wähle diese Datei oder vertraue ihrem Veranstalter.";
    plural events_lost(count: u64): "{count} message was lost" | "{count} messages were lost",
        "{count} Meldung ging verloren" | "{count} Meldungen gingen verloren";
    unknown_game: "This game is not in the catalog.", "Dieses Spiel steht nicht im Katalog.";
    busy: "Something else is being done with this game. Try again when it is over.",
        "Mit diesem Spiel geschieht gerade etwas anderes. Versuch es danach noch einmal.";
    not_downloaded: "The game is not downloaded.", "Das Spiel ist nicht heruntergeladen.";
    not_installed: "The game is not installed.", "Das Spiel ist nicht installiert.";
    no_source: "Nobody here has it just now.", "Gerade hat es hier niemand.";
    no_space: "There is not enough space.", "Der Platz reicht nicht.";
    catalog_mismatch: "It is not what the catalog says.", "Es ist nicht das, was der Katalog sagt.";
    game_running: "The game is running. Quit it first.", "Das Spiel läuft. Beende es erst.";
    io(why: &str): "A file could not be read or written: {why}", "Eine Datei ließ sich nicht lesen oder schreiben: {why}";
    refused(why: &str): "Refused: {why}", "Abgelehnt: {why}";
    no_entry(name: &str): "There is no “{name}” to start here.", "„{name}“ gibt es hier nicht zu starten.";
    needs_wine: "It is a Windows program. Install Wine first (or umu-run).", "Es ist ein Windows-Programm. Installiere erst Wine (oder umu-run).";
    program_gone(path: &str): "“{path}” is not there. Verify the files, or install the game again.",
        "„{path}“ ist nicht da. Prüfe die Dateien oder installiere das Spiel neu.";
    no_server: "No server was chosen.", "Kein Server wurde gewählt.";
    bad_server(server: &str): "“{server}” is no server’s address.", "„{server}“ ist keine Adresse eines Servers.";
    setup_failed(code: i32): "Its setup ended with code {code}.", "Seine Einrichtung endete mit Code {code}.";
    setup_killed: "Its setup was killed.", "Seine Einrichtung wurde abgebrochen.";
    not_started(program: &str, why: &str): "“{program}” did not start: {why}", "„{program}“ ließ sich nicht starten: {why}";
}

impl PeerText {
    /// A notice. Games have their ids here, as the catalog may not know them.
    pub fn notice(self, notice: &NoticeKind) -> String {
        match notice {
            NoticeKind::IdentityRenewed => self.identity_renewed().to_owned(),
            NoticeKind::IdentityKept => self.identity_kept().to_owned(),
            NoticeKind::CatalogRefused { serial } => self.catalog_refused(*serial),
            NoticeKind::TwinCatalogs { serial } => self.twin_catalogs(*serial),
            NoticeKind::DamageChecked { game } => self.damage_checked(game.as_str()),
            NoticeKind::NotDone { game, error } => self.not_done(game.as_str(), &self.error(error)),
            NoticeKind::StateSetAside { why, aside, .. } => self.state_set_aside(aside, why),
            NoticeKind::StateNotReadable { path, error, .. } => self.state_not_readable(path, error),
            NoticeKind::PublishedElsewhere { game, catalog } => {
                self.published_elsewhere(game.as_str(), catalog)
            }
            NoticeKind::EventsLost { count } => self.events_lost(*count),
        }
    }

    /// Why something was refused or failed. The peer's own sentence has numbers and names: English keeps it.
    pub fn error(self, error: &CommandError) -> String {
        if self.0 == Language::English {
            return error.message.clone();
        }
        if let Some(detail) = &error.detail {
            return self.detail(detail);
        }
        match error.code {
            ErrorCode::UnknownGame => self.unknown_game().to_owned(),
            ErrorCode::Busy => self.busy().to_owned(),
            ErrorCode::NotDownloaded => self.not_downloaded().to_owned(),
            ErrorCode::NotInstalled => self.not_installed().to_owned(),
            ErrorCode::NoSource => self.no_source().to_owned(),
            ErrorCode::NoSpace => self.no_space().to_owned(),
            ErrorCode::CatalogMismatch => self.catalog_mismatch().to_owned(),
            ErrorCode::GameRunning => self.game_running().to_owned(),
            ErrorCode::Io => self.io(&error.message),
            ErrorCode::BadCommand | ErrorCode::Refused => self.refused(&error.message),
        }
    }

    fn detail(self, detail: &ErrorDetail) -> String {
        let faults = FaultText(self.0);
        match detail {
            ErrorDetail::NoEntry { name } => self.no_entry(name),
            ErrorDetail::NeedsWine => self.needs_wine().to_owned(),
            ErrorDetail::ProgramGone { path } => self.program_gone(path),
            ErrorDetail::LeadsOut { path } => faults.leads_out(path),
            ErrorDetail::NoServer => self.no_server().to_owned(),
            ErrorDetail::BadServer { server } => self.bad_server(server),
            ErrorDetail::SetupFailed { code: Some(code) } => self.setup_failed(*code),
            ErrorDetail::SetupFailed { code: None } => self.setup_killed().to_owned(),
            ErrorDetail::NotStarted { program, why } => self.not_started(program, why),
            ErrorDetail::File { path, why } => faults.refused(path, why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_german_window_says_why_in_german() {
        let error = CommandError::new(ErrorCode::NoSpace, "D: has 1 GiB free, 5 GiB are needed");
        assert_eq!(PeerText(Language::English).error(&error), error.message);
        assert_eq!(PeerText(Language::German).error(&error), "Der Platz reicht nicht.");
        let notice = NoticeKind::NotDone { game: "chess".parse().unwrap(), error };
        assert_eq!(
            PeerText(Language::German).notice(&notice),
            "chess: Das ging nicht. Der Platz reicht nicht."
        );
    }

    #[test]
    fn why_a_game_does_not_start_is_said_in_german_too() {
        let error = CommandError::new(ErrorCode::Refused, "the setup of “chess” failed with code 3:\n  no");
        let error = error.with_detail(ErrorDetail::SetupFailed { code: Some(3) });
        assert_eq!(PeerText(Language::English).error(&error), error.message);
        assert_eq!(PeerText(Language::German).error(&error), "Seine Einrichtung endete mit Code 3.");
    }
}
