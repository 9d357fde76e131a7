//! The settings.

super::texts! {
    SettingsText
    games: "Games", "Spiele";
    game_folder: "Game folder", "Spieleordner";
    you: "You", "Du";
    player_name: "Player name", "Spielername";
    name_for: "Others see this name.", "Andere sehen diesen Namen.";
    language: "Language", "Sprache";
    theme: "Theme", "Farben";
    dark: "Dark", "Dunkel";
    light: "Light", "Hell";
    system: "System", "System";
    sharing: "Sharing", "Teilen";
    upload_limit: "Upload limit", "Upload-Grenze";
    upload_for: "Shared between everyone you send to.", "Für alle zusammen, an die du sendest.";
    playing_limit: "While I’m playing, limit to", "Während ich spiele, höchstens";
    playing_for: "Keeps your ping low. Returns to normal when you quit.", "Hält deinen Ping niedrig. Danach gilt wieder das Übliche.";
    no_limit: "No limit", "Keine Grenze";
    fetch_ahead: "Fetch updates ahead", "Updates vorab laden";
    fetch_for: "New versions of your games load in the background.", "Neue Versionen deiner Spiele laden im Hintergrund.";
    catalog: "Catalog", "Katalog";
    signed: "Signed by the organiser you trust", "Vom Veranstalter signiert, dem du vertraust";
    signed_by_other: "Signed", "Signiert";
    not_signed: "Not signed", "Nicht signiert";
    no_catalog: "No catalog yet", "Noch kein Katalog";
    plural catalog_games(count: usize): "{count} game." | "{count} games.", "{count} Spiel." | "{count} Spiele.";
}
