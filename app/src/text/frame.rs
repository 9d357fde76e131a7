//! The rail, the status bar and what belongs to no screen.

super::texts! {
    FrameText
    profile(name: &str): "{name}, your profile", "{name}, dein Profil";
    plural active_downloads(count: usize): "Downloads, {count} active" | "Downloads, {count} active",
        "Downloads, {count} läuft" | "Downloads, {count} laufen";
    needs_attention: "Downloads, needs attention", "Downloads, braucht dich";
    party_warning: "Party, a check failed", "Party, eine Prüfung schlug fehl";
    sharing: "Sharing", "Teilt";
    plural games(count: usize): "{count} game" | "{count} games", "{count} Spiel" | "{count} Spiele";
    nothing_shared: "Nothing shared yet", "Noch nichts geteilt";
    sharing_is_off: "Sharing is off until the network is back", "Geteilt wird erst wieder mit Netzwerk";
    not_connected: "Not connected", "Nicht verbunden";
    plural to_players(count: usize): "to {count} player" | "to {count} players", "an {count} Spieler" | "an {count} Spieler";
    plural pcs(count: usize): "{count} PC" | "{count} PCs", "{count} PC" | "{count} PCs";
    at_this_party: "at this party", "auf dieser Party";
    free_on(place: &str): "free on {place}", "frei auf {place}";
    free: "free", "frei";
    keeps_awake: "Games are being transferred", "Spiele werden übertragen";
}
