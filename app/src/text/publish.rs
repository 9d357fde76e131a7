//! Publishing a game, for organisers.

super::texts! {
    PublishText
    title: "Publish a game", "Spiel freigeben";
    signing_as(party: &str): "Signing as {party}", "Signiert als {party}";
    cover: "Cover", "Cover";
    choose_picture: "Choose picture…", "Bild wählen…";
    picture_hint: "JPEG, PNG or WebP, best at 600 × 800. Without one, this cover is used.",
        "JPEG, PNG oder WebP, am besten 600 × 800. Ohne Bild gilt dieses Cover.";
    folder: "Folder or archive", "Ordner oder Archiv";
    choose: "Choose…", "Wählen…";
    a_folder: "Folder…", "Ordner…";
    archives: "Archives…", "Archive…";
    archive_files: "Archives", "Archive";
    picture_files: "Pictures", "Bilder";
    drop_hint: "Drop one here, or type its path", "Hier ablegen oder den Pfad tippen";
    plural files(count: usize, said: &str, size: &str): "{said} file, {size}" | "{said} files, {size}",
        "{said} Datei, {size}" | "{said} Dateien, {size}";
    game_title: "Title", "Titel";
    id(id: &str): "Id: {id}", "Kennung: {id}";
    version: "Version", "Version";
    was(version: &str): "was {version}", "war {version}";
    start_program: "Start program", "Startprogramm";
    plural found(count: usize): "Found {count}" | "Found {count}, best guess chosen",
        "{count} gefunden" | "{count} gefunden, bestes gewählt";
    program_in_archive: "Its path in the archive", "Sein Pfad im Archiv";
    no_program: "None found", "Keines gefunden";
    players: "Players", "Spieler";
    players_from: "Players, at least", "Spieler, mindestens";
    players_to: "Players, at most", "Spieler, höchstens";
    to: "to", "bis";
    genre: "Genre", "Genre";
    year: "Year", "Jahr";
    keep: "Keep on update", "Beim Aktualisieren behalten";
    keep_hint: "Saves and settings of the guests", "Spielstände und Einstellungen der Gäste";
    keep_add: "Add a file or folder", "Datei oder Ordner ergänzen";
    keep_remove(what: &str): "No longer keep {what}", "{what} nicht mehr behalten";
    before: "Before you publish", "Vor der Freigabe";
    no_source: "Choose a folder or an archive", "Wähle einen Ordner oder ein Archiv";
    looking: "Looking at the files…", "Die Dateien werden angesehen…";
    unreadable(why: &str): "That can’t be published: {why}", "Das lässt sich nicht freigeben: {why}";
    program_is_there: "Start program is in the folder", "Startprogramm ist im Ordner";
    program_is_not: "No start program chosen: guests start it from its folder",
        "Kein Startprogramm gewählt: Gäste starten es aus seinem Ordner";
    in_archive: "Archives are shared as they are and unpacked by who installs them",
        "Archive werden geteilt wie sie sind und beim Installieren entpackt";
    quiet: "No file is open in another program", "Keine Datei ist in einem anderen Programm offen";
    held_by(program: &str): "{program} has files of it open. Close it first.",
        "{program} hat Dateien davon offen. Erst schließen.";
    version_missing: "It needs a version", "Es braucht eine Version";
    first_version: "New in the catalog", "Neu im Katalog";
    version_differs(old: &str): "Version is another than {old}", "Version ist eine andere als {old}";
    version_same(old: &str): "{old} is published already: guests see no update",
        "{old} ist schon freigegeben: Gäste sehen kein Update";
    plural logs_shared(count: usize): "{count} log file will be shared too" | "{count} log files will be shared too",
        "{count} Protokolldatei wird mit geteilt" | "{count} Protokolldateien werden mit geteilt";
    plural logs_left_out(count: usize): "{count} log file is left out" | "{count} log files are left out",
        "{count} Protokolldatei bleibt weg" | "{count} Protokolldateien bleiben weg";
    leave_them_out: "Leave them out", "Weglassen";
    share_them: "Share them", "Mit teilen";
    plural bad_names(count: usize, names: &str): "{count} name can’t exist on every PC: {names}"
        | "{count} names can’t exist on every PC: {names}",
        "{count} Name geht nicht auf jedem PC: {names}" | "{count} Namen gehen nicht auf jedem PC: {names}";
    plural who_gets_it(count: usize): "{count} PC gets the new version in its catalog at once. Nobody has to update right away."
        | "{count} PCs get the new version in their catalog at once. Nobody has to update right away.",
        "{count} PC bekommt die neue Version sofort in den Katalog. Niemand muss gleich aktualisieren."
        | "{count} PCs bekommen die neue Version sofort in den Katalog. Niemand muss gleich aktualisieren.";
    nobody_gets_it: "Nobody else is here yet. They get it as soon as they are.",
        "Noch ist sonst niemand da. Alle bekommen es, sobald sie da sind.";
    publish_version(version: &str): "Publish {version}", "{version} freigeben";
    lacks_source: "Choose a folder or an archive first.", "Erst einen Ordner oder ein Archiv wählen.";
    lacks_look: "The files are still being looked at.", "Die Dateien werden noch angesehen.";
    lacks_fit: "It can’t be published like this: see above.", "So geht es nicht: siehe oben.";
    lacks_title: "It needs a title.", "Es braucht einen Titel.";
    lacks_version: "It needs a version.", "Es braucht eine Version.";
    lacks_players: "Players: write numbers such as 2 to 16.", "Spieler: Zahlen wie 2 bis 16.";
    lacks_year: "Year: write a number such as 2024.", "Jahr: eine Zahl wie 2024.";
    lacks_key: "No organiser’s key is loaded.", "Kein Veranstalter-Schlüssel ist geladen.";
    is_busy: "Another game is being published.", "Ein anderes Spiel wird gerade freigegeben.";
    published_tonight: "Published tonight", "Heute freigegeben";
    only_you: "Only you can change these", "Nur du kannst sie ändern";
    have_it(have: usize, pcs: usize): "Published — {have} of {pcs} PCs have it", "Freigegeben – {have} von {pcs} PCs haben es";
    preparing: "Preparing", "Wird vorbereitet";
    preparing_at(percent: &str, total: &str): "Preparing — {percent} of {total} checked", "Wird vorbereitet – {percent} von {total} geprüft";
    signing: "Signing", "Wird signiert";
    failed(why: &str): "Not published: {why}", "Nicht freigegeben: {why}";
    retry_game(game: &str): "Retry {game}", "{game} erneut versuchen";
    row(game: &str, state: &str): "{game}, {state}", "{game}, {state}";
    drop_it: "Drop it to publish it", "Zum Freigeben hier ablegen";
    organise_title: "Organise this party?", "Diese Party veranstalten?";
    organise_what: "As organiser you publish games and versions for everybody here.",
        "Als Veranstalter gibst du Spiele und Versionen für alle hier frei.";
    organise_key: "Lanspread makes a key that signs your catalog. Everybody confirms it once; keep a copy of it safe.",
        "Lanspread macht einen Schlüssel, der deinen Katalog signiert. Alle bestätigen ihn einmal; bewahre eine Kopie sicher auf.";
    party_name: "Name of the party", "Name der Party";
    make_key: "Make a key", "Schlüssel machen";
    use_key: "I have a key file…", "Ich habe eine Schlüsseldatei…";
    party_needs_name: "Give the party a name.", "Gib der Party einen Namen.";
    organise: "I organise this party", "Ich veranstalte diese Party";
    organise_for: "Publish games and versions for everybody here.", "Gib Spiele und Versionen für alle hier frei.";
    set_up: "Set up…", "Einrichten…";
    organises(party: &str): "You organise {party}", "Du veranstaltest {party}";
    organises_some: "You organise this party", "Du veranstaltest diese Party";
    key_words(words: &str): "Key: {words}. Keep a copy of its file safe.", "Schlüssel: {words}. Bewahre eine Kopie der Datei auf.";
    show_key_file: "Show the key file", "Schlüsseldatei zeigen";
    key_loaded(words: &str): "Your organiser’s key is loaded: {words}", "Dein Veranstalter-Schlüssel ist geladen: {words}";
    can_publish_now: "Publish is in the bar at the left now.", "Freigeben steht jetzt links in der Leiste.";
    key_not_loaded: "The organiser’s key could not be loaded", "Der Veranstalter-Schlüssel ließ sich nicht laden";
}
