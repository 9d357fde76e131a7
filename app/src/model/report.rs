//! A report for who helps: what runs, where, and what went wrong. No key and no player's name of others.

use std::fmt::Write as _;

use super::Source;

/// In plain English, to be copied.
pub fn report(source: Source<'_>) -> String {
    let mut text = format!(
        "Lanspread {} on {} ({})\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    // Writing to a text does not fail.
    let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").unwrap_or_default();
    match &source.snapshot.ready {
        Some(ready) => {
            line(format_args!("protocol {}, peer {}", ready.protocol, short(&ready.peer_id.to_string())));
            line(format_args!("games folder: {}", ready.games_dir));
            for address in &ready.addresses {
                line(format_args!("address: {address}"));
            }
        }
        None => line(format_args!("the peer is not ready")),
    }
    if let Some(failure) = &source.snapshot.failure {
        line(format_args!("stopped: {}: {}", failure.component, failure.error));
    }
    if let Some(view) = source.view() {
        let kind = match view.catalog {
            lanspread_engine::CatalogSource::Pinned(_) => "by the organiser who is trusted",
            lanspread_engine::CatalogSource::Given { signed_by: Some(_) } => "signed",
            lanspread_engine::CatalogSource::Given { signed_by: None } => "not signed",
            lanspread_engine::CatalogSource::Nothing => "none",
        };
        line(format_args!("catalog: {kind}, serial {}, {} games", view.serial, view.games.len()));
        for peer in &view.peers {
            let address = peer.addresses.first().map(ToString::to_string).unwrap_or_default();
            let id = peer.peer_id.to_string();
            let id = short(&id);
            line(format_args!(
                "peer {id}: {address}, {}, {} games, in {} B/s, out {} B/s",
                peer.program,
                peer.games.len(),
                peer.rx_rate,
                peer.tx_rate
            ));
        }
    }
    let status = source.snapshot.status;
    line(format_args!(
        "received {} B, sent {} B, bad chunks {}, connections {}",
        status.rx_bytes, status.tx_bytes, status.bad_chunks, status.connections
    ));
    for game in source.games() {
        if let Some(failure) = &game.failure {
            line(format_args!("failed: {}: {:?}: {}", game.id, failure.operation, failure.error));
        }
    }
    for notice in source.view().map_or(&[][..], |view| &view.notices) {
        line(format_args!("notice: {}", notice.message));
    }
    text
}

/// Enough to tell peers apart.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample;
    use lanspread_engine::OperationKind;

    #[test]
    fn a_report_tells_what_runs_and_what_failed() {
        let mut snapshot = sample::party();
        sample::fail(&mut snapshot, "veloren", OperationKind::Update, lanspread_engine::ErrorCode::NoSpace);
        let text = report(Source { snapshot: &snapshot, told: &Told::default() });
        for part in [
            "Lanspread 0",
            "games folder: D:\\games",
            "serial 1",
            "failed: veloren: Update: the disk is full",
        ] {
            assert!(text.contains(part), "“{part}” is missing in {text}");
        }
        assert!(!text.contains("Jonas"));
    }
}
