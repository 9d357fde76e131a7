//! The questions before something changes.

super::texts! {
    DialogsText
    quit_title: "Close Lanspread?", "Lanspread schließen?";
    plural under_way(count: usize): "One game is being worked on." | "{count} games are being worked on.",
        "An einem Spiel wird gearbeitet." | "An {count} Spielen wird gearbeitet.";
    games_move: "The games are being copied to another folder. They stay where they are then.",
        "Die Spiele werden in einen anderen Ordner kopiert. Sie bleiben dann, wo sie sind.";
    goes_on_next_time: "It goes on where it stopped at the next start.",
        "Beim nächsten Start geht es dort weiter, wo es aufgehört hat.";
    undone_or_finished: "What is not finished by then is undone or finished at the next start.",
        "Was bis dahin nicht fertig ist, wird beim nächsten Start zurückgenommen oder beendet.";
    stay: "Keep it open", "Offen lassen";
    quit: "Close", "Schließen";
    update_title(title: &str): "Update {title}?", "{title} aktualisieren?";
    on_this_pc(version: &str): "{version} on this PC", "{version} auf diesem PC";
    at_the_party(version: &str): "{version} at the party", "{version} im LAN";
    rest_is_here(left: &str, total: &str): "{left} of {total} — the rest is already here.",
        "{left} von {total} – der Rest ist schon da.";
    all_is_here(total: &str): "All {total} are here already.", "Alle {total} sind schon da.";
    takes_about(span: &str): "About {span} at the current speed.", "Etwa {span} beim jetzigen Tempo.";
    takes_a_moment: "It is only swapped in: a moment.", "Es wird nur noch getauscht: ein Moment.";
    free_of(free: &str, total: &str): "{free} free of {total}", "{free} frei von {total}";
    needs_more(title: &str, needed: &str, free: &str): "{title} needs {needed} more, only {free} are left. Nothing is lost.",
        "{title} braucht noch {needed}, nur {free} sind frei. Nichts ist verloren.";
    missing(size: &str): "{size} missing", "{size} fehlen";
    biggest(title: &str, size: &str): "Biggest: {title}, {size}.", "Am größten: {title}, {size}.";
    biggest_unplayed(title: &str, size: &str): "Biggest: {title}, {size}, not played yet.",
        "Am größten: {title}, {size}, noch nicht gespielt.";
    looking_for_drive: "Looking for the drive…", "Sucht das Laufwerk…";
    only_changes: "Only what changed is downloaded.", "Nur was sich geändert hat, wird geladen.";
    plural sending_pauses(count: usize, names: &str): "Sending to {count} player ({names}) pauses until it is done."
        | "Sending to {count} players ({names}) pauses until it is done.",
        "Senden an {count} Spieler ({names}) ruht, bis es fertig ist." | "Senden an {count} Spieler ({names}) ruht, bis es fertig ist.";
    saves_stay(what: &str): "Your saves stay: {what}.", "Deine Spielstände bleiben: {what}.";
    nothing_kept: "This game has no keep rules. Saves inside its folder may be replaced.",
        "Dieses Spiel hat keine Regeln zum Behalten. Spielstände in seinem Ordner können ersetzt werden.";
    old_stays(version: &str): "If anything fails, {version} stays as it is.",
        "Geht etwas schief, bleibt {version} wie es ist.";
    update_now: "Update now", "Jetzt aktualisieren";
    is_running(title: &str): "{title} is running. Quit it first.", "{title} läuft. Erst beenden.";
    missing_space(size: &str): "{size} missing on the drive.", "{size} fehlen auf dem Laufwerk.";
    missing_space_on(size: &str, place: &str): "{size} missing on {place}", "{size} fehlen auf {place}";
    remove_title(title: &str): "Remove {title}?", "{title} löschen?";
    choose_what: "Choose what goes from this PC.", "Wähle, was von diesem PC verschwindet.";
    download: "Download", "Download";
    download_line: "You stop sharing it", "Du teilst es nicht mehr";
    extras: "Other files in its folder", "Andere Dateien in seinem Ordner";
    extras_kept: "Lanspread did not put them there. They stay", "Nicht von Lanspread dort abgelegt. Sie bleiben";
    extras_gone: "They can’t be brought back", "Sie sind unwiederbringlich weg";
    installed: "Installed game", "Installiertes Spiel";
    installed_line: "You can’t play until you install it again", "Spielen erst nach neuer Installation";
    saves: "Saves and settings", "Spielstände und Einstellungen";
    saves_kept: "Kept for next time", "Bleiben fürs nächste Mal";
    saves_gone: "They can’t be brought back", "Sie sind unwiederbringlich weg";
    plural sending_stops(count: usize, names: &str): "You are sending it to {count} player ({names}). That stops."
        | "You are sending it to {count} players ({names}). That stops.",
        "Du sendest es an {count} Spieler ({names}). Das endet." | "Du sendest es an {count} Spieler ({names}). Das endet.";
    plural others_have_it(count: usize): "{count} other has it, so you can download it again."
        | "{count} others have it, so you can download it again.",
        "{count} anderer hat es, du kannst es wieder laden." | "{count} andere haben es, du kannst es wieder laden.";
    only_you: "You are the only one here who has it.", "Nur du hast es hier.";
    row(name: &str, below: &str, size: &str): "{name}, {below}, {size}", "{name}, {below}, {size}";
    keep_it: "Keep it", "Behalten";
    remove: "Remove", "Löschen";
    remove_size(size: &str): "Remove {size}", "{size} löschen";
    nothing_chosen: "Choose something first.", "Erst etwas wählen.";
    first_start_title(title: &str): "Start {title} for the first time?", "{title} zum ersten Mal starten?";
    first_start_what: "No organiser vouches for its files: they are what most PCs here have.",
        "Kein Veranstalter bürgt für die Dateien: sie sind, was die meisten PCs hier haben.";
    first_start_do: "Start it if you trust the people here. Lanspread won’t ask again for this version.",
        "Starte es, wenn du den Leuten hier vertraust. Für diese Version fragt Lanspread nicht mehr.";
    start_anyway: "Start it", "Starten";
    folder_gone: "The game folder is gone", "Der Spieleordner ist weg";
    not_reached(path: &str): "{path} can’t be reached. Was the drive unplugged?",
        "{path} ist nicht zu erreichen. Wurde das Laufwerk abgezogen?";
    plug_in: "Plug it in again and Lanspread goes on by itself, or choose another folder. Games that are already there are found again.",
        "Steck es wieder an, dann geht es von selbst weiter, oder wähle einen anderen Ordner. Spiele, die dort schon liegen, werden gefunden.";
    folder_locked: "The game folder can’t be written", "Der Spieleordner lässt sich nicht beschreiben";
    not_writable(path: &str): "Lanspread can’t write to {path}.", "Lanspread kann in {path} nicht schreiben.";
    choose_other: "Take away the write protection, or choose another folder.",
        "Heb den Schreibschutz auf oder wähle einen anderen Ordner.";
    folder_is_file: "That is no folder", "Das ist kein Ordner";
    is_a_file(path: &str): "{path} is a file.", "{path} ist eine Datei.";
    choose_other_folder: "Choose another folder for your games.", "Wähle einen anderen Ordner für deine Spiele.";
    quit_lanspread: "Quit Lanspread", "Lanspread beenden";
    folder_in_use: "Lanspread already runs here", "Lanspread läuft hier schon";
    runs_already(path: &str): "Another Lanspread has {path}.", "Ein anderes Lanspread benutzt {path}.";
    close_other: "Close the other one, or choose another folder.",
        "Schließe das andere oder wähle einen anderen Ordner.";
    try_again: "Try again", "Erneut versuchen";
    choose_folder: "Choose game folder…", "Spieleordner wählen…";
    drive_full: "The drive is full", "Das Laufwerk ist voll";
    drive_full_of(place: &str): "Drive {place} is full", "Laufwerk {place} ist voll";
    cannot_write: "A file can’t be written", "Eine Datei lässt sich nicht schreiben";
    nobody_has_it: "Nobody has it any more", "Niemand hat es mehr";
    game_runs: "The game is running", "Das Spiel läuft";
    not_as_expected: "Its files are not as expected", "Die Dateien sind nicht wie erwartet";
    failed(title: &str): "{title}: something went wrong", "{title}: etwas ging schief";
    do_free_space: "Make space, then retry. Nothing is lost.", "Schaff Platz, dann versuche es erneut. Nichts ist verloren.";
    do_check_folder: "Close programs that use the folder, see if antivirus blocks it, then try again.",
        "Schließe Programme, die den Ordner nutzen, prüfe den Virenschutz, dann versuche es erneut.";
    do_wait: "Lanspread can go on as soon as someone has it.", "Lanspread kann weitermachen, sobald jemand es hat.";
    do_quit_game: "Quit it, then try again.", "Beende es, dann versuche es erneut.";
    do_ask_organiser: "Ask your organiser, or try again.", "Frag den Veranstalter oder versuche es erneut.";
    do_try_again: "Try again. If it stays, copy the report for your organiser.",
        "Versuche es erneut. Bleibt es so, kopiere den Bericht für den Veranstalter.";
}
