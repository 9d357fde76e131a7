//! Banners and toasts.

super::texts! {
    NoticeText
    network_stopped: "The network service stopped:", "Der Netzwerkdienst wurde beendet:";
    folder_gone: "The game folder is gone:", "Der Spieleordner ist weg:";
    plug_in(path: &str): "{path} can’t be reached. Plug its drive in again, and Lanspread goes on by itself.",
        "{path} ist nicht erreichbar. Steck das Laufwerk wieder an, dann geht es von selbst weiter.";
    drive_full: "The drive is full:", "Das Laufwerk ist voll:";
    drive_is_full(place: &str): "Drive {place} is full:", "Laufwerk {place} ist voll:";
    waits_alone(game: &str): "{game} waits for space.", "{game} wartet auf Platz.";
    plural waits(others: usize, game: &str): "{game} and {others} other game wait for space." | "{game} and {others} other games wait for space.",
        "{game} und {others} weiteres Spiel warten auf Platz." | "{game} und {others} weitere Spiele warten auf Platz.";
    catalog_unused: "The catalog file is not used:", "Die Katalogdatei wird nicht benutzt:";
    catalog_here(party: &str): "{party} has a catalog.", "{party} hat einen Katalog.";
    plural follow_it(peers: usize): "{peers} PC here holds it." | "{peers} PCs here hold it.",
        "{peers} PC hier hat ihn." | "{peers} PCs hier haben ihn.";
    review: "Review…", "Ansehen…";
    update_for(game: &str): "Update for {game}", "Neue Version von {game}";
    is_at_the_party(version: &str): "{version} is at the party.", "{version} ist im LAN.";
    is_at_the_party_size(version: &str, size: &str): "{version} is at the party, {size}.", "{version} ist im LAN, {size}.";
    update: "Update…", "Aktualisieren…";
    plural updates(count: usize): "{count} update" | "{count} updates", "{count} neue Version" | "{count} neue Versionen";
    new_versions: "The party has new versions of your games.", "Im LAN gibt es neue Versionen deiner Spiele.";
    show: "Show", "Zeigen";
    all_right(game: &str): "{game} is all right", "{game} ist in Ordnung";
    as_it_should_be: "Every file is as it should be.", "Jede Datei ist, wie sie sein soll.";
    plural damaged(count: usize, game: &str): "{count} file of {game} is damaged" | "{count} files of {game} are damaged",
        "{count} Datei von {game} ist beschädigt" | "{count} Dateien von {game} sind beschädigt";
    fetched_again(size: &str): "{size} are fetched again. Your saves are not touched.",
        "{size} werden neu geholt. Deine Spielstände bleiben.";
    plural kept(count: usize): "{count} file of yours was kept" | "{count} files of yours were kept",
        "{count} Datei von dir wurde behalten" | "{count} Dateien von dir wurden behalten";
    kept_of(game: &str): "They lie in the folder of {game}.", "Sie liegen im Ordner von {game}.";
    ended_with(game: &str, code: i32): "{game} ended with code {code}", "{game} endete mit Code {code}";
    installed_in(span: &str): "Installed in {span}.", "Installiert in {span}.";
    not_started: "Lanspread could not start:", "Lanspread konnte nicht starten:";
    downloads_wait: "Downloads wait.", "Downloads warten.";
    too_many_commands: "That was too much at once", "Das war zu viel auf einmal";
    try_again: "Try again in a moment.", "Versuch es gleich noch einmal.";
    peer_stopped: "Lanspread’s service has stopped", "Lanspreads Dienst ist beendet";
    restart_it: "Restart it, then try again.", "Starte ihn neu, dann versuch es noch einmal.";
    not_done(what: &str): "That did not work: {what}", "Das ging nicht: {what}";
    copied: "Copied", "Kopiert";
    dismiss: "Dismiss", "Ausblenden";
    cannot_open(path: &str): "Can’t open {path}", "{path} lässt sich nicht öffnen";
    is_ready(game: &str): "{game} is ready", "{game} ist bereit";
    failed(game: &str): "{game} did not work", "{game} hat nicht geklappt";
    not_published(game: &str): "{game} was not published", "{game} wurde nicht freigegeben";
    no_source_left(game: &str): "No source left for {game}", "Keine Quelle mehr für {game}";
    settings_unreadable: "Your settings could not be read", "Deine Einstellungen waren nicht lesbar";
    settings_set_aside(path: &str): "Everything is as at the start. The old file is now {path}.", "Alles ist wie am Anfang. Die alte Datei ist jetzt {path}.";
    not_used(path: &str, why: &str): "{path} is not used: {why}", "{path} wird nicht benutzt: {why}";
    settings_left(path: &str, why: &str): "{path} stays as it is, and nothing is kept this time: {why}",
        "{path} bleibt, wie es ist, und diesmal wird nichts behalten: {why}";
    firewall_not_changed: "The firewall was not changed", "Die Firewall wurde nicht geändert";
    settings_not_saved: "Your settings could not be saved", "Deine Einstellungen ließen sich nicht speichern";
    goes_on: "It goes on when someone is back.", "Es geht weiter, wenn jemand wieder da ist.";
}
