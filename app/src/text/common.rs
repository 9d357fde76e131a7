//! Words that several screens share.

super::texts! {
    Common
    play: "Play", "Spielen";
    install: "Install", "Installieren";
    update: "Update", "Aktualisieren";
    update_ask: "Update…", "Aktualisieren…";
    download: "Download", "Herunterladen";
    pause: "Pause", "Anhalten";
    resume: "Resume", "Fortsetzen";
    retry: "Retry", "Erneut versuchen";
    cancel: "Cancel", "Abbrechen";
    close: "Close", "Schließen";
    not_now: "Not now", "Später";
    later: "Later", "Später";
    details: "Details", "Details";
    open_folder: "Open folder", "Ordner öffnen";
    verify_files: "Verify files", "Dateien prüfen";
    uninstall: "Uninstall", "Deinstallieren";
    uninstall_ask: "Uninstall…", "Deinstallieren…";
    remove_download: "Remove download", "Download löschen";
    remove_download_ask: "Remove download…", "Download löschen…";
    copy_report: "Copy report", "Bericht kopieren";
    restart: "Restart", "Neu starten";
    cant_see_someone: "Can’t see someone?", "Fehlt jemand?";
    add_by_address: "Add by address…", "Per Adresse hinzufügen…";
    not_on_the_lan_yet: "Not on the LAN yet", "Noch nicht im LAN";
    remove_games: "Remove games…", "Spiele löschen…";
    library: "Library", "Bibliothek";
    downloads: "Downloads", "Downloads";
    party: "Party", "Party";
    settings: "Settings", "Einstellungen";
    publish: "Publish", "Freigeben";
    key_find: "Ctrl F", "Strg F";
    key_open: "Ctrl O", "Strg O";
    key_enter: "Enter", "Enter";
    key_space: "Space", "Leertaste";
    key_delete: "Del", "Entf";
}
