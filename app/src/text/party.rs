//! Who is here, and the checks for who is not.

use lanspread_peer::api::AddressError;

super::texts! {
    PartyText
    player: "Player", "Spieler";
    now: "Now", "Jetzt";
    shares: "Shares", "Teilt";
    to_you: "To you", "Zu dir";
    from_you: "From you", "Von dir";
    rate_to_you(rate: &str): "{rate} to you", "{rate} zu dir";
    rate_from_you(rate: &str): "{rate} from you", "{rate} von dir";
    connection: "Connection", "Verbindung";
    hosts(game: &str): "Hosts {game}", "Hostet {game}";
    in_the_lobby: "In the lobby", "In der Lobby";
    plural games(count: usize): "{count} game" | "{count} games", "{count} Spiel" | "{count} Spiele";
    plural games_shared(count: usize): "{count} game shared" | "{count} games shared", "{count} Spiel geteilt" | "{count} Spiele geteilt";
    great: "Great", "Bestens";
    good: "Good", "Gut";
    fair: "Fair", "Mäßig";
    weak: "Weak", "Schwach";
    cable: "Cable", "Kabel";
    wifi: "Wi-Fi", "WLAN";
    vpn: "VPN", "VPN";
    connected: "Connected", "Verbunden";
    reaching: "Connecting…", "Verbindet…";
    plural pcs(count: usize): "{count} PC" | "{count} PCs", "{count} PC" | "{count} PCs";
    plural playing(count: usize): "{count} playing" | "{count} playing", "{count} spielt" | "{count} spielen";
    you: "(you)", "(du)";
    sharing: "Sharing", "Teilt";
    sent: "Sent tonight", "Heute gesendet";
    received: "Received tonight", "Heute empfangen";
    add_title: "Add by address", "Per Adresse hinzufügen";
    add_why: "For a PC that does not show up by itself.", "Für einen PC, der nicht von selbst erscheint.";
    address: "Address", "Adresse";
    add: "Add", "Hinzufügen";
    wrong_form: "Write it like 192.168.10.77", "Schreib sie wie 192.168.10.77";
    port_zero: "No PC has port 0. Leave it out", "Port 0 hat kein PC. Lass ihn weg";
    no_single_pc: "That address names no single PC", "Diese Adresse meint keinen einzelnen PC";
    left_just_now: "Left just now", "Gerade gegangen";
    games_of(name: &str): "Games of {name}", "Spiele von {name}";
    nothing_shared: "Nothing is shared there yet.", "Dort wird noch nichts geteilt.";
    on_the_way: "Being downloaded there", "Wird dort geladen";
    no_answer(address: &str): "No answer from {address}. Is Lanspread running there?",
        "Keine Antwort von {address}. Läuft Lanspread dort?";
    run_checks: "Run four quick checks.", "Vier kurze Prüfungen.";
    check_again: "Check again", "Erneut prüfen";
    choose_adapter: "Network settings…", "Netzwerkeinstellungen…";
    show_how: "Show how to allow it", "Zeigen, wie man es erlaubt";
    how_windows(port: u16): "Open Windows Security, Firewall, “Allow an app”, and tick Lanspread for private networks. It listens on UDP port {port}.",
        "Öffne Windows-Sicherheit, Firewall, „App zulassen“ und erlaube Lanspread für private Netzwerke. Es lauscht auf UDP-Port {port}.";
    how_linux(port: u16): "Allow UDP port {port} from your network, for example: sudo ufw allow {port}/udp",
        "Erlaube UDP-Port {port} aus deinem Netzwerk, zum Beispiel: sudo ufw allow {port}/udp";
    how_command: "Windows lets others in after this command. It asks you for an administrator.",
        "Nach diesem Befehl lässt Windows andere herein. Es fragt dich nach einem Administrator.";
    run_as_administrator: "Run it as administrator…", "Als Administrator ausführen…";
    copy_command: "Copy", "Kopieren";
    test: "Test", "Testen";
    looking_for(address: &str): "Looking for {address}…", "Sucht {address}…";
    added(name: &str): "{name} is here.", "{name} ist da.";
    always_current: "Four checks, always up to date.", "Vier Prüfungen, immer aktuell.";
    adapter: "Network adapter", "Netzwerkadapter";
    firewall: "Firewall", "Firewall";
    multicast: "Multicast", "Multicast";
    direct_reach: "Direct reach", "Direkt erreichbar";
    ok: "OK", "OK";
    limited: "Limited", "Eingeschränkt";
    problem: "Problem", "Problem";
    unknown: "Not known yet", "Noch offen";
    no_adapter: "No network is connected.", "Kein Netzwerk ist verbunden.";
    only_wifi(adapter: &str): "{adapter}. A cable is faster.", "{adapter}. Mit Kabel geht es schneller.";
    only_virtual(adapter: &str): "{adapter}: only a VPN or a virtual adapter. Others are hardly reached that way.",
        "{adapter}: nur ein VPN oder virtueller Adapter. Andere sind so kaum zu erreichen.";
    not_ready: "The network service does not run.", "Der Netzwerkdienst läuft nicht.";
    firewall_open: "It lets others in.", "Sie lässt andere herein.";
    firewall_blocks: "A rule blocks Lanspread.", "Eine Regel sperrt Lanspread.";
    firewall_silent: "No rule lets Lanspread in.", "Keine Regel lässt Lanspread herein.";
    firewall_blocks_all: "It blocks all incoming connections.", "Sie blockiert alle eingehenden Verbindungen.";
    public_network: "Windows counts this network as public.", "Windows hält dieses Netzwerk für öffentlich.";
    other_rule_blocks: "A rule for more than Lanspread blocks it.",
        "Eine Regel, die nicht nur für Lanspread gilt, sperrt es.";
    other_rule_blocks_named(rule: &str): "The rule “{rule}”, for more than Lanspread, blocks it.",
        "Die Regel „{rule}“, die nicht nur für Lanspread gilt, sperrt es.";
    policy_blocks: "A rule of group policy blocks Lanspread.", "Eine Regel der Gruppenrichtlinie sperrt Lanspread.";
    policy_blocks_named(rule: &str): "The rule “{rule}” of group policy blocks Lanspread.",
        "Die Regel „{rule}“ der Gruppenrichtlinie sperrt Lanspread.";
    policy_silent: "Only rules of group policy count in this network, and none lets Lanspread in.",
        "In diesem Netzwerk zählen nur Regeln der Gruppenrichtlinie, und keine lässt Lanspread herein.";
    firewall_keeps_out: "Others can’t connect to you, but you can still connect to them.",
        "Andere können sich nicht mit dir verbinden, du dich mit ihnen schon.";
    firewall_was_passed: "Somebody has connected to you all the same. Others may not be able to.",
        "Jemand hat sich trotzdem mit dir verbunden, aber vielleicht gelingt das nicht allen.";
    change_that_rule: "Change that rule in Windows’ firewall settings (wf.msc) under Inbound Rules, or disable it there.",
        "Ändere oder deaktiviere diese Regel in den Firewall-Einstellungen von Windows (wf.msc) unter „Eingehende Regeln“.";
    let_rules_count: "Untick that in Windows Security, Firewall, for this network.",
        "Schalte das in der Windows-Sicherheit unter Firewall für dieses Netzwerk ab.";
    ask_who_manages: "Only whoever manages this PC can change that: ask them.",
        "Das ändert nur, wer diesen PC verwaltet: Frag dort nach.";
    firewall_unknown(port: u16): "Nobody has connected to this PC yet. If nobody does, allow UDP port {port} in the firewall.",
        "Noch hat sich niemand mit diesem PC verbunden. Bleibt es so, erlaube UDP-Port {port} in der Firewall.";
    multicast_works: "Others are found by themselves.", "Andere werden von selbst gefunden.";
    multicast_silent: "This network drops search messages. People you can see pass on the others.",
        "Dieses Netzwerk schluckt Suchnachrichten. Wen du siehst, der sagt dir, wer noch da ist.";
    multicast_off: "Searching is switched off.", "Die Suche ist abgeschaltet.";
    multicast_unknown: "If nobody shows up by themselves, add one PC by its address.",
        "Wenn niemand von selbst erscheint, füge einen PC per Adresse hinzu.";
    other_port(port: u16): "It listens on port {port}: give that with your address.",
        "Es lauscht auf Port {port}: Nenne ihn mit deiner Adresse.";
    nothing_inbound: "You reach others, but nobody has reached you yet.",
        "Du erreichst andere, aber noch niemand hat dich erreicht.";
    reached(name: &str): "{name} answers. Type an address to test another PC.",
        "{name} antwortet. Gib eine Adresse ein, um einen anderen PC zu testen.";
    reached_in(name: &str, time: &str): "{name} answers in {time}. Type an address to test another PC.",
        "{name} antwortet in {time}. Gib eine Adresse ein, um einen anderen PC zu testen.";
    nobody_reached: "No other PC answers yet.", "Noch antwortet kein anderer PC.";
    nobody: "Nobody else is here yet", "Noch ist sonst niemand da";
    others_appear: "Others appear by themselves as soon as they start Lanspread on this network.",
        "Andere erscheinen von selbst, sobald sie Lanspread in diesem Netzwerk starten.";
    row(name: &str, state: &str): "{name}, {state}", "{name}, {state}";
    check(name: &str, state: &str): "{name}: {state}", "{name}: {state}";
}

impl PartyText {
    /// Why an address as typed is none of a PC.
    pub const fn wrong_address(self, error: &AddressError) -> &'static str {
        match error {
            AddressError::Syntax(_) => self.wrong_form(),
            AddressError::PortZero(_) => self.port_zero(),
            AddressError::NoHost(_) => self.no_single_pc(),
        }
    }
}
