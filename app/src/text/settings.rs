//! The settings.

super::texts! {
    SettingsText
    sections: "Sections", "Abschnitte";
    games: "Games", "Spiele";
    game_folder: "Game folder", "Spieleordner";
    change_folder: "Change folder…", "Ordner ändern…";
    folder_busy: "Something is being done with a game. Wait until it is done.",
        "Mit einem Spiel wird gerade etwas getan. Warte, bis es fertig ist.";
    folder_moving: "The games are being moved.", "Die Spiele werden gerade verschoben.";
    games_take(size: &str): "Games take {size}", "Spiele belegen {size}";
    disk_games(size: &str): "Games, {size}", "Spiele, {size}";
    disk_others(size: &str): "Other files, {size}", "Andere Dateien, {size}";
    disk_free(free: &str, total: &str): "Free, {free} of {total}", "Frei, {free} von {total}";
    portable: "Portable mode: settings stay next to the program", "Portabel: Einstellungen bleiben beim Programm";
    after_the_move: "Try again when they are there.", "Versuch es erneut, wenn sie da sind.";
    moving(done: &str, total: &str): "Moving: {done} of {total}", "Wird verschoben: {done} von {total}";
    move_title(size: &str): "Move {size} to the new folder?", "{size} in den neuen Ordner verschieben?";
    move_what(path: &str): "Your games go to {path}. The old folder is emptied once everything is there; if anything fails, all stays as it is.",
        "Deine Spiele kommen nach {path}. Der alte Ordner wird erst geleert, wenn alles da ist; geht etwas schief, bleibt alles wie es ist.";
    move_it: "Move", "Verschieben";
    use_as_it_is: "Use as it is", "So verwenden";
    moved: "Your games have moved", "Deine Spiele sind umgezogen";
    moved_to(path: &str): "They are in {path} now.", "Sie liegen jetzt in {path}.";
    not_moved: "Your games were not moved", "Deine Spiele wurden nicht verschoben";
    you: "You", "Du";
    player_name: "Player name", "Spielername";
    name_for: "Others see this name. Games that support it get it too.",
        "Andere sehen diesen Namen. Spiele, die es können, bekommen ihn auch.";
    language: "Language", "Sprache";
    theme: "Theme", "Farben";
    dark: "Dark", "Dunkel";
    light: "Light", "Hell";
    system: "System", "System";
    zoom: "Display size", "Anzeigegröße";
    zoom_keys: "Also with Ctrl + and Ctrl −.", "Auch mit Strg + und Strg −.";
    sharing: "Sharing", "Teilen";
    upload_limit: "Upload limit", "Upload-Grenze";
    upload_for: "Shared between everyone you send to.", "Für alle zusammen, an die du sendest.";
    playing_limit: "While I’m playing, limit to", "Während ich spiele, höchstens";
    playing_for: "Keeps your ping low. Returns to normal when you quit.", "Hält deinen Ping niedrig. Danach gilt wieder das Übliche.";
    no_limit: "No limit", "Keine Grenze";
    exactly(name: &str): "{name}, exactly", "{name}, genau";
    fetch_ahead: "Fetch updates ahead", "Updates vorab laden";
    fetch_for: "New versions of your games load in the background.", "Neue Versionen deiner Spiele laden im Hintergrund.";
    network: "Network", "Netzwerk";
    adapter: "Network adapter", "Netzwerkadapter";
    all_adapters: "All adapters", "Alle Adapter";
    adapter_for: "For a PC with a VPN or two networks. Lanspread reconnects at once.",
        "Für einen PC mit VPN oder zwei Netzwerken. Lanspread verbindet sich sofort neu.";
    adapter_busy: "Something is being done with a game: not now.", "Mit einem Spiel wird gerade etwas getan: jetzt nicht.";
    addresses: "Addresses", "Adressen";
    addresses_for: "Others reach this PC here.", "Hier erreichen andere diesen PC.";
    port: "Port", "Port";
    port_is(port: u16): "UDP {port} is open.", "UDP {port} ist offen.";
    not_running: "The network service does not run.", "Der Netzwerkdienst läuft nicht.";
    reachable: "Reachable", "Erreichbar";
    nobody_yet: "Nobody connected yet", "Noch niemand verbunden";
    catalog: "Catalog", "Katalog";
    signed_by(party: &str): "Signed by {party}", "Signiert von {party}";
    signed: "Signed by the organiser you trust", "Vom Veranstalter signiert, dem du vertraust";
    signed_by_other: "Signed, not confirmed by you yet", "Signiert, von dir noch nicht bestätigt";
    not_signed: "Not signed", "Nicht signiert";
    file_not_used: "The catalog file is not used", "Die Katalogdatei wird nicht verwendet";
    follow_party: "Follow the party", "Der Party folgen";
    catalog_busy: "Something is being done with a game.", "Mit einem Spiel wird gerade etwas getan.";
    signature_wrong: "Signature is wrong — not used", "Signatur ist falsch – nicht verwendet";
    catalog_unusable: "This catalog can’t be used", "Dieser Katalog ist nicht verwendbar";
    no_catalog: "No catalog yet", "Noch kein Katalog";
    plural catalog_games(count: usize, serial: u64): "{count} game. Version {serial}." | "{count} games. Version {serial}.",
        "{count} Spiel. Version {serial}." | "{count} Spiele. Version {serial}.";
    show_key: "Copy key", "Schlüssel kopieren";
    catalog_source: "Catalog source", "Quelle des Katalogs";
    follows_party: "Follows the newest signed catalog on the LAN.", "Folgt dem neuesten signierten Katalog im LAN.";
    open_file: "Open file…", "Datei öffnen…";
    review: "Review…", "Ansehen…";
    second_catalog: "A second catalog was found, signed by someone else.",
        "Ein zweiter Katalog wurde gefunden, von jemand anderem signiert.";
    first_catalog: "This party has a signed catalog.", "Diese Party hat einen signierten Katalog.";
    plural ignored(count: usize, party: &str): "“{party}”, on {count} PC. It is ignored until you trust it."
        | "“{party}”, on {count} PCs. It is ignored until you trust it.",
        "„{party}“, auf {count} PC. Er gilt erst, wenn du ihm vertraust."
        | "„{party}“, auf {count} PCs. Er gilt erst, wenn du ihm vertraust.";
    trust_title(party: &str): "Trust “{party}”?", "„{party}“ vertrauen?";
    trust_what: "Its organiser then decides which games and versions this PC expects.",
        "Der Veranstalter bestimmt dann, welche Spiele und Versionen dieser PC erwartet.";
    trust_key: "Compare the key with your organiser:", "Vergleiche den Schlüssel mit dem Veranstalter:";
    plural trust_pcs(count: usize): "{count} PC here uses it." | "{count} PCs here use it.",
        "{count} PC hier verwendet ihn." | "{count} PCs hier verwenden ihn.";
    trust_replaces: "It takes the place of the organiser you trust now.", "Er ersetzt den Veranstalter, dem du jetzt vertraust.";
    trust_it: "Trust it", "Vertrauen";
    about: "About", "Über";
    program(version: &str): "Lanspread {version}", "Lanspread {version}";
    free_software: "Free software. Runs from this folder, nothing is installed on this PC.",
        "Freie Software. Läuft aus diesem Ordner, auf diesem PC wird nichts installiert.";
    diagnostics: "Diagnostics", "Diagnose";
    diagnostics_for: "Versions, checks and the last errors. Nothing is sent.",
        "Versionen, Prüfungen und die letzten Fehler. Nichts wird gesendet.";
    open_log: "Open log", "Protokoll öffnen";
}
