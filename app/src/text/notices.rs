//! Banners and toasts.

super::texts! {
    NoticeText
    network_stopped: "The network service stopped:", "Der Netzwerkdienst wurde beendet:";
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
    settings_not_saved: "Your settings could not be saved", "Deine Einstellungen ließen sich nicht speichern";
    goes_on: "It goes on when someone is back.", "Es geht weiter, wenn jemand wieder da ist.";
}
