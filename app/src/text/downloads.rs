//! The downloads: what runs, what waits, what needs attention.

super::texts! {
    DownloadsText
    pause_all: "Pause all", "Alle anhalten";
    resume_all: "Resume all", "Alle fortsetzen";
    down: "Down", "Empfang";
    up: "Up", "Senden";
    rates(down: &str, left: &str, up: &str): "Rates of the last two minutes. Down {down}, {left}. Up {up}.",
        "Raten der letzten zwei Minuten. Empfang {down}, {left}. Senden {up}.";
    left_about(size: &str, span: &str): "{size} left, about {span}", "noch {size}, etwa {span}";
    left(size: &str): "{size} left", "noch {size}";
    nothing_left: "Nothing to fetch", "Nichts zu holen";
    two_min_ago: "2 min ago", "vor 2 min";
    one_min: "1 min", "1 min";
    now: "Now", "Jetzt";
    downloading: "Downloading", "Lädt";
    up_next: "Up next", "Als Nächstes";
    needs_attention: "Needs attention", "Braucht dich";
    finished: "Finished today", "Heute fertig";
    clear_list: "Clear list", "Liste leeren";
    amount(percent: &str, done: &str, total: &str): "{percent} · {done} of {total}", "{percent} · {done} von {total}";
    waiting: "Waiting for a free slot", "Wartet auf einen freien Platz";
    next: "Next", "Nächster";
    drag: "Drag to change the order", "Ziehen ändert die Reihenfolge";
    to_top(game: &str): "Move {game} to the top", "{game} nach ganz oben";
    move_game(game: &str): "Move {game}", "{game} verschieben";
    paused: "Paused by you", "Von dir angehalten";
    paused_at(percent: &str): "Paused by you at {percent}", "Von dir angehalten bei {percent}";
    no_source: "Nobody here has it right now. It goes on by itself.",
        "Gerade hat es niemand hier. Es geht von selbst weiter.";
    pause_game(game: &str): "Pause {game}", "{game} anhalten";
    resume_game(game: &str): "Resume {game}", "{game} fortsetzen";
    cancel_game(game: &str): "Cancel {game}", "{game} abbrechen";
    retry_game(game: &str): "Retry {game}", "{game} erneut versuchen";
    play_game(game: &str): "Play {game}", "{game} spielen";
    install_game(game: &str): "Install {game}", "{game} installieren";
    forget_game(game: &str): "Dismiss {game}", "{game} ausblenden";
    show_how: "Show how…", "Was tun…";
    show_details: "Details…", "Details…";
    disk_full: "The drive is full", "Das Laufwerk ist voll";
    drive_full(drive: &str): "Drive {drive} is full", "Laufwerk {drive} ist voll";
    missing(full: &str, size: &str): "{full}, {size} missing", "{full}, {size} fehlen";
    make_space: "Make some space, then retry. What you have is kept.",
        "Schaffe Platz, dann versuch es erneut. Was da ist, bleibt.";
    cannot_write: "A file can’t be written", "Eine Datei lässt sich nicht schreiben";
    check_folder: "Another program or the antivirus may hold it. Allow the game folder there, then retry.",
        "Vielleicht hält sie ein anderes Programm oder der Virenschutz. Erlaube dort den Spieleordner.";
    nobody_has_it: "Nobody has it any more", "Niemand hat es mehr";
    wait_for_source: "Retry when someone who has it is back. What you have is kept.",
        "Versuch es erneut, wenn jemand damit zurück ist. Was da ist, bleibt.";
    game_runs: "The game is running", "Das Spiel läuft";
    quit_first: "Quit it, then retry.", "Beende es, dann versuch es erneut.";
    not_expected: "It is not what the catalog expects", "Es ist nicht, was der Katalog erwartet";
    check_version: "Retry; the parts that are wrong are fetched again.",
        "Versuch es erneut; was nicht stimmt, wird neu geholt.";
    did_not_work: "That did not work", "Das ging nicht";
    installed: "Installed", "Installiert";
    updated: "Updated", "Aktualisiert";
    downloaded: "Downloaded", "Heruntergeladen";
    just_now: "Just now", "Gerade eben";
    ago(span: &str): "{span} ago", "vor {span}";
    none: "No downloads.", "Keine Downloads.";
    pick_a_game: "Pick a game in the library.", "Such dir in der Bibliothek ein Spiel aus.";
    row(game: &str, state: &str): "{game}, {state}", "{game}, {state}";
}
