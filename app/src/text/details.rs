//! The panel with everything about one game.

use crate::model::Hindrance;

super::texts! {
    DetailsText
    panel(title: &str): "Details of {title}", "Details zu {title}";
    previous: "Previous game", "Voriges Spiel";
    next: "Next game", "Nächstes Spiel";
    update_to(version: &str): "Update to {version}", "Aktualisieren auf {version}";
    play_version(version: &str): "Play {version}", "{version} spielen";
    join(name: &str): "Join {name}", "Bei {name} mitspielen";
    start_server: "Start a server", "Server starten";
    more: "More", "Mehr";
    cancel_download: "Cancel download", "Download abbrechen";
    what_happened: "What happened?", "Was ist passiert?";
    amount(done: &str, total: &str): "{done} of {total}", "{done} von {total}";
    to_download(size: &str): "{size} to download.", "{size} herunterzuladen.";
    old_cannot_join(new: &str, old: &str): "Players with {new} can’t join {old} games.",
        "Wer {new} hat, kann {old}-Spielen nicht beitreten.";
    nobody_has_it: "Nobody here has it. It appears as soon as someone does.",
        "Niemand hier hat es. Es erscheint, sobald jemand es hat.";
    is_running: "It is running.", "Es läuft.";
    party_version: "Party version", "Version im LAN";
    on_this_pc: "On this PC", "Auf diesem PC";
    not_installed_yet: "Not installed yet", "Noch nicht installiert";
    downloaded(version: &str): "{version}, not installed", "{version}, nicht installiert";
    nothing_here: "Nothing yet", "Noch nichts";
    size: "Size", "Größe";
    players: "Players", "Spieler";
    over_lan(range: &str): "{range} over LAN", "{range} im LAN";
    genre: "Genre", "Genre";
    publisher: "Publisher", "Herausgeber";
    year: "Year", "Jahr";
    parts: "Parts on this PC", "Teile auf diesem PC";
    parts_of(version: &str): "Parts of {version} on this PC", "Teile von {version} auf diesem PC";
    checked(here: &str, total: &str): "{here} of {total} checked", "{here} von {total} geprüft";
    all_here: "All here", "Alles da";
    here: "Here", "Da";
    on_the_way: "On the way", "Unterwegs";
    missing: "Missing", "Fehlt";
    already_here(here: &str, total: &str): "{here} of {total} already here", "{here} von {total} schon da";
    missing_size(size: &str): "Missing, {size}", "Fehlt, {size}";
    plural sources_for(count: usize, version: &str): "{count} source for {version}" | "{count} sources for {version}",
        "{count} Quelle für {version}" | "{count} Quellen für {version}";
    sending: "You are sending it to", "Du sendest es an";
    sending_version(version: &str): "You are sending {version} to", "Du sendest {version} an";
    sent_to(name: &str, rate: &str): "Receives it: {name}, {rate}", "Empfängt es: {name}, {rate}";
    last_60_s: "Last 60 s", "Letzte 60 s";
    all_parts: "All parts", "Alle Teile";
    share_of_it(percent: &str): "{percent} of it", "{percent} davon";
    some_parts: "Some parts", "Einige Teile";
    playing: "Playing", "Spielt";
    standby: "Standby", "Bereit";
    ready: "Ready", "Bereit";
    no_sources: "Nobody here has this version right now. Lanspread starts by itself when someone does.",
        "Gerade hat niemand hier diese Version. Lanspread beginnt von selbst, sobald jemand sie hat.";
    only_you_have_it: "Nobody else here has it.", "Sonst hat es hier niemand.";
    why_nothing_here: "There is no folder yet.", "Es gibt noch keinen Ordner.";
    why_not_downloaded: "It isn’t downloaded yet.", "Es ist noch nicht heruntergeladen.";
    why_not_installed: "It isn’t installed.", "Es ist nicht installiert.";
    why_busy: "Something else is being done with it.", "Es wird gerade etwas anderes damit getan.";
    why_running: "It is running. Quit it first.", "Es läuft. Erst beenden.";
}

impl DetailsText {
    /// Why something cannot be done with a game.
    pub const fn why_not(self, why: Hindrance) -> &'static str {
        match why {
            Hindrance::NothingHere => self.why_nothing_here(),
            Hindrance::NotDownloaded => self.why_not_downloaded(),
            Hindrance::NotInstalled => self.why_not_installed(),
            Hindrance::Busy => self.why_busy(),
            Hindrance::Running => self.why_running(),
        }
    }
}
