//! The first run.

super::texts! {
    FirstRunText
    claim_first: "Every game,", "Jedes Spiel,";
    claim_second: "from the people next to you.", "von den Leuten neben dir.";
    no_account: "No account, no internet. Pick a folder and play.", "Kein Konto, kein Internet. Ordner wählen und spielen.";
    welcome: "Welcome to Lanspread", "Willkommen bei Lanspread";
    your_name: "What should others call you?", "Wie sollen andere dich nennen?";
    your_folder: "Where should games go?", "Wohin sollen die Spiele?";
    choose: "Choose game folder…", "Spieleordner wählen…";
    start: "Start", "Starten";
    later: "You can change this later in Settings.", "Das lässt sich später in den Einstellungen ändern.";
    portable: "Portable mode: settings stay next to the program. Nothing gets installed.",
        "Portabel: Einstellungen bleiben beim Programm. Es wird nichts installiert.";
    welcome_to(party: &str): "Welcome to {party}", "Willkommen bei {party}";
    one_minute: "Two answers, and the games are yours.", "Zwei Antworten, und die Spiele gehören dir.";
    plural games_known(count: usize): "Two answers, and {count} game is yours." | "Two answers, and {count} games are yours.",
        "Zwei Antworten, und {count} Spiel gehört dir." | "Zwei Antworten, und {count} Spiele gehören dir.";
    will_be_made: "The folder will be created.", "Der Ordner wird angelegt.";
    not_ready: "It needs a name and a folder that can be written to.", "Es braucht einen Namen und einen beschreibbaren Ordner.";
    language: "Language", "Sprache";
    checking: "Looking at the folder…", "Der Ordner wird angesehen…";
    name_whole_path: "Name the whole path of a folder.", "Nenne den ganzen Pfad eines Ordners.";
    cannot_write: "Can’t write here. Choose another folder.", "Hier kann nicht geschrieben werden. Wähle einen anderen Ordner.";
    enough(free: &str): "{free} free.", "{free} frei.";
    plural all_games(count: usize, size: &str): "Its {count} game takes {size}." | "All {count} games take {size}.",
        "Das {count} Spiel belegt {size}." | "Alle {count} Spiele belegen {size}.";
    only(free: &str): "Only {free} free.", "Nur {free} frei.";
    space: "Disk space", "Speicherplatz";
    little(free: &str): "Only {free} free. Small games will fit.", "Nur {free} frei. Kleine Spiele passen.";
}
