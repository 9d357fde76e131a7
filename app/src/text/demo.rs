//! A sample game's window.

super::texts! {
    DemoText
    version(version: &str): "Version {version}", "Version {version}";
    player(name: &str): "{name} is playing", "{name} spielt";
    not_a_game: "A sample game of the demo party", "Ein Beispielspiel der Demo-Party";
    quit: "Quit", "Beenden";
}
