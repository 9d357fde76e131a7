//! The library.

super::texts! {
    LibraryText
    search: "Search games", "Spiele suchen";
    clear_search: "Clear search", "Suche leeren";
    sort: "Sort", "Sortieren";
    all: "All", "Alle";
    installed: "Installed", "Installiert";
    ready_to_install: "Ready to install", "Bereit zum Installieren";
    updates: "Updates", "Aktualisierungen";
    on_the_lan: "On the LAN", "Im LAN";
    popular_now: "Popular now", "Gerade beliebt";
    by_name: "Name", "Name";
    recently_played: "Recently played", "Zuletzt gespielt";
    most_sources: "Most sources", "Meiste Quellen";
    by_size: "Size", "Größe";
    plural games_in(count: usize, party: &str): "{count} game in {party}" | "{count} games in {party}",
        "{count} Spiel bei {party}" | "{count} Spiele bei {party}";
    plural games(count: usize): "{count} game" | "{count} games", "{count} Spiel" | "{count} Spiele";
    no_catalog_yet: "No catalog yet", "Noch kein Katalog";
    plural playing(count: usize): "{count} playing" | "{count} playing", "{count} spielt" | "{count} spielen";
    plural sources(count: usize): "{count} source" | "{count} sources", "{count} Quelle" | "{count} Quellen";
    plural sending_to(count: usize): "Sending to {count} player" | "Sending to {count} players",
        "Sendet an {count} Spieler" | "Sendet an {count} Spieler";
    plural players(count: u16): "{count} player" | "{count} players", "{count} Spieler" | "{count} Spieler";
    players_range(from: u16, to: u16): "{from}–{to} players", "{from}–{to} Spieler";
    waiting: "Waiting", "Wartet";
    next_in_line: "Next in line", "Als Nächstes";
    paused: "Paused", "Angehalten";
    no_source: "No source right now", "Gerade keine Quelle";
    waiting_for_network: "Waiting for network", "Wartet auf Netzwerk";
    installing: "Installing", "Installiert";
    uninstalling: "Uninstalling", "Deinstalliert";
    removing: "Removing", "Löscht";
    checking_files: "Checking files", "Prüft Dateien";
    finishing: "Finishing", "Schließt ab";
    publishing: "Publishing", "Gibt frei";
    running: "Running", "Läuft";
    starting: "Starting", "Startet";
    disk_full: "Disk full", "Laufwerk voll";
    failed: "Failed", "Fehlgeschlagen";
    file_problem: "Can’t write here", "Kann nicht schreiben";
    catalog_problem: "Not as expected", "Nicht wie erwartet";
    nobody_has_it: "Nobody has it", "Niemand hat es";
    game_runs: "The game is running", "Das Spiel läuft";
    nobody_shares: "Nobody shares games yet", "Noch teilt niemand Spiele";
    looking: "Lanspread is looking for others on this network.",
        "Lanspread sucht andere in diesem Netzwerk.";
    games_appear: "Games appear here by themselves as soon as one PC joins.",
        "Spiele erscheinen von selbst, sobald ein PC dazukommt.";
    looking_for: "Looking for others…", "Sucht andere…";
    reading_folder: "Reading your game folder…", "Liest deinen Spieleordner…";
    no_hit(query: &str): "No game called “{query}”.", "Kein Spiel namens „{query}“.";
    no_hit_in(query: &str, filter: &str): "No “{query}” under “{filter}”.", "Kein „{query}“ unter „{filter}“.";
    search_all: "Search all games", "In allen Spielen suchen";
    review_it: "Trust it, and its games appear here.",
        "Vertraue ihm, dann erscheinen hier seine Spiele.";
    plural without_games(peers: usize): "{peers} other PC is here, and it has no game to share."
        | "{peers} other PCs are here, and none has a game to share.",
        "{peers} anderer PC ist da, und er hat kein Spiel zu teilen."
        | "{peers} andere PCs sind da, und keiner hat ein Spiel zu teilen.";
    games_appear_once_shared: "Games appear here by themselves as soon as a PC has one.",
        "Spiele erscheinen von selbst, sobald ein PC eines hat.";
    no_updates: "No updates. Everything is current.", "Keine Aktualisierungen. Alles ist aktuell.";
    none_installed: "Nothing installed yet.", "Noch nichts installiert.";
    none_ready: "Nothing waits to be installed.", "Nichts wartet auf die Installation.";
    none_on_the_lan: "No other PC has games right now.", "Gerade hat kein anderer PC Spiele.";
    card(title: &str, state: &str): "{title}, {state}", "{title}, {state}";
}
